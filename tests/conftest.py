"""Set up every run: the variables that Lambda sets before it imports a function, and garbage collection."""

import gc
import os

os.environ["POWERTOOLS_SERVICE_NAME"] = "coinpurse-test"


def pytest_collection_finish() -> None:
    """Exempt the collected tests and the imported libraries from garbage collection: they live until the end."""
    gc.collect()
    gc.freeze()
