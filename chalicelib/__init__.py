"""The back end of Coinpurse."""

import gc
import os

VERSION = "0.2.0"

if "_HANDLER" in os.environ:
    # Objects made during Lambda's init phase live for good. `Services.start` freezes them, then collects again.
    gc.disable()
