"""The modules that each packaged handler imports during Lambda's init phase."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chalicelib.services import NEEDED
from tests.house.test_lean_paths import SETTINGS
from tests.infra.packaged import in_lambda

API = "app.app"
RECONCILE = "chalicelib.workers.reconcile_events"
WORKERS = sorted(set(NEEDED) - {API})


@cache
def modules_of(handler: str, unpacked: Path) -> frozenset[str]:
    """Return the modules of a fresh process after its init phase with this handler."""
    module, _, name = handler.rpartition(".")
    program = (
        f"import json, os\nos.environ.update({SETTINGS | {'_HANDLER': handler}!r})\n"
        f"import {module}\nassert callable({handler}), {name!r}\nprint(json.dumps(sorted(sys.modules)))"
    )
    # Reconcile logs that it cannot read its secrets.
    found: list[str] = json.loads(in_lambda(unpacked, program).splitlines()[-1])
    return frozenset(found)


def test_packaged_handlers_are_those_in_needed(template: dict[str, Any]) -> None:
    functions = [one for one in template["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    assert sorted(one["Properties"]["Handler"] for one in functions) == sorted(NEEDED)


@pytest.mark.parametrize("handler", WORKERS)
def test_worker_does_not_import_http(handler: str, unpacked: Path) -> None:
    found = modules_of(handler, unpacked)
    assert "pynamodb" in found
    assert [name for name in found if name == "app" or name.startswith("chalicelib.http")] == []


@pytest.mark.parametrize("handler", sorted(set(NEEDED) - {RECONCILE}))
def test_other_functions_do_not_import_stripe(handler: str, unpacked: Path) -> None:
    assert "stripe" not in modules_of(handler, unpacked)


@pytest.mark.parametrize("handler", sorted(set(WORKERS) - {RECONCILE}))
def test_worker_does_not_import_token_libraries(handler: str, unpacked: Path) -> None:
    assert {"jwt", "cryptography"}.isdisjoint(modules_of(handler, unpacked))


def test_reconcile_imports_stripe(unpacked: Path) -> None:
    assert "stripe" in modules_of(RECONCILE, unpacked)
