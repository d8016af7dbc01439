"""The package of the first release, rebuilt from its commit for the interpreter that runs the bench.

Its `bare_stack.py` is the floor of all cold starts: it imports Chalice and PynamoDB, makes a client, and writes one
transaction.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.house.source import ROOT

COMMIT = "22edeb093c09ececfd1f4b459299191b2a838866"
CACHE = ROOT / ".local/first-release"

_PROGRAM = "infra/bench/programs/bare_stack.py"
_CODE = "build/local/deployment.zip"


class NotAvailable(Exception):
    """Raised if the first release cannot be packaged; the message is the reason in a few words."""


@dataclass(frozen=True, slots=True)
class FirstRelease:
    """Files of the first release."""

    code: Path
    """The zip of all functions."""
    program: Path
    """`bare_stack.py PACKAGE KEY`: the unpacked zip, and the partition to write to."""


def first_release(root: Path = ROOT, cache: Path = CACHE, commit: str = COMMIT) -> FirstRelease:
    """Package the first release with its own tools and requirements, unless the cache has it. Takes a minute.

    Args:
        root: a checkout with the commit in its history.
        cache: a directory for one build per interpreter.
        commit: the first release.

    Raises:
        NotAvailable: the history lacks the commit, or its requirements cannot be installed.
    """
    target = cache / f"{commit[:7]}-{sys.implementation.cache_tag}-{platform.machine()}"
    release = FirstRelease(target / _CODE, target / _PROGRAM)
    if release.code.exists():
        return release
    archive = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=False)
    if archive.returncode:
        raise NotAvailable(f"the history lacks commit {commit[:7]}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        source = Path(temporary) / "source"
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(source, filter="data")
        command = [sys.executable, "-m", "infra.package", "--stage", "local"]
        packaged = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if packaged.returncode:
            raise NotAvailable(f"packaging it failed ({(packaged.stderr.splitlines() or ['no output'])[-1][:120]})")
        shutil.rmtree(target, ignore_errors=True)
        source.rename(target)
    return release
