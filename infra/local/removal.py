"""Removal of directories in the background."""

import secrets
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from infra.local.processes import ROOT

_PREFIX = ".local.removed-"


def remove_behind(directories: Iterable[Path], root: Path = ROOT) -> None:
    """Take directories away at once, and delete them in a process that outlives this one.

    Args:
        directories: those that are not there are passed over.
        root: where they wait for their deletion; what an earlier process did not finish there is deleted too.
    """
    for directory in directories:
        try:
            directory.rename(root / f"{_PREFIX}{secrets.token_hex(8)}")
        except FileNotFoundError:
            continue
        except OSError:  # on another file system
            shutil.rmtree(directory, ignore_errors=True)
    if waiting := [str(path) for path in root.glob(f"{_PREFIX}*")]:
        # The shell ends at once and leaves its child to init, so that nothing here has to wait for it.
        command = ["sh", "-c", 'rm -rf -- "$@" < /dev/null > /dev/null 2>&1 &', "sh", *waiting]
        subprocess.run(command, check=True, start_new_session=True)
