"""Removal of directories in the background."""

import secrets
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from infra.local.processes import ROOT

_PREFIX = ".local.removed-"


def remove_in_background(directories: Iterable[Path], root: Path = ROOT) -> None:
    """Rename directories, and delete them in a process that outlives this one.

    Args:
        directories: the directories to remove; missing ones are skipped.
        root: the parent of the renamed directories. Those left by an interrupted deletion are deleted too.
    """
    for directory in directories:
        try:
            directory.rename(root / f"{_PREFIX}{secrets.token_hex(8)}")
        except FileNotFoundError:
            continue
        except OSError:  # `root` is on another file system
            shutil.rmtree(directory, ignore_errors=True)
    if waiting := [str(path) for path in root.glob(f"{_PREFIX}*")]:
        # The shell exits at once and leaves its child to init, so this process does not wait for the deletion.
        command = ["sh", "-c", 'rm -rf -- "$@" < /dev/null > /dev/null 2>&1 &', "sh", *waiting]
        subprocess.run(command, check=True, start_new_session=True)
