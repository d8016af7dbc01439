"""The sample sites of `infra/samples`, as processes."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local.processes import ROOT, end, start, wait_until_ready

SAMPLES = ROOT / "infra" / "samples"
PROGRAMS = {"proxy.py": sys.executable, "proxy.mjs": "node"}


@contextmanager
def running_sample(name: str, folder: Path, *, site: str, api: str, issuer: str, pay: str) -> Iterator[None]:
    """Run a sample at the address `site` during the block. Without Node its sample is skipped, except in CI."""
    program = shutil.which(PROGRAMS[name])
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Node is not installed")
    urls = {"API_URL": api, "ISSUER_URL": issuer, "SITE_URL": site, "PAY_URL": pay}
    log = folder / f"{name}.log"
    process = start(name, [str(program), str(SAMPLES / name)], log, {**os.environ, **urls})
    try:
        wait_until_ready(process, log, lambda: _is_listening(urlsplit(site).netloc))
        yield
    finally:
        end([process])


def _is_listening(address: str) -> bool:
    connection = HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", "/me/token")
        return connection.getresponse().status == 401
    except OSError:
        return False
    finally:
        connection.close()
