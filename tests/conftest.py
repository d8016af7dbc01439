"""What Lambda would give every function before it is imported."""

import os

os.environ["POWERTOOLS_SERVICE_NAME"] = "coinpurse-test"
