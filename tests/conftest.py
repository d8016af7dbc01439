"""Set up every run: the variables that Lambda sets before it imports a function, and garbage collection."""

import gc
import os

import pytest

ONE_CASE_COUNTS = ("tests/adapters/", "tests/http/")
"""The rooms where the first case of a test counts for coverage, for each store."""

os.environ["POWERTOOLS_SERVICE_NAME"] = "coinpurse-test"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pause coverage in further cases of a test, which take the same lines: the tracer nearly doubles their time."""
    counted: set[tuple[object, ...]] = set()
    for item in items:
        if isinstance(item, pytest.Function) and item.nodeid.startswith(ONE_CASE_COUNTS):
            parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
            stores = [each for each in parameters if isinstance(each, str) and each.endswith("_store")]
            test = (item.path, item.cls, item.originalname, *stores)
            if test in counted:
                item.add_marker("no_cover")
            counted.add(test)


def pytest_collection_finish() -> None:
    """Exempt the collected tests and the imported libraries from garbage collection: they live until the end."""
    gc.collect()
    gc.freeze()
