"""Directories for what a local cloud unpacks, in memory where there is room.

A disk can take seconds for the 6,000 files of the functions' code.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

RAM_DISK: Final = Path("/dev/shm")  # noqa: S108  # the scratch directories in it are private
_ENOUGH_BYTES: Final = 2 * 2**30


def ram_disk() -> Path | None:
    """Return a directory in memory, if one may hold what is unpacked: the code, and its zip for each of 25 workers."""
    try:
        disk = os.statvfs(RAM_DISK)
    except OSError:
        return None
    is_fit = disk.f_bavail * disk.f_frsize >= _ENOUGH_BYTES and not disk.f_flag & os.ST_NOEXEC
    return RAM_DISK if is_fit and os.access(RAM_DISK, os.W_OK) else None


def make_scratch(directory: Path) -> Path:
    """Create the scratch directory of the stack in `directory`."""
    in_memory, on_disk = scratch_places(directory)
    if ram_disk():
        in_memory.mkdir(mode=0o700, exist_ok=True)
        if in_memory.stat().st_uid == os.getuid():
            return in_memory
    on_disk.mkdir(parents=True, exist_ok=True)
    return on_disk


def scratch_places(directory: Path) -> tuple[Path, Path]:
    """Return the places where a stack's scratch directory may be: in memory, on disk."""
    name = sha256(str(directory.resolve()).encode()).hexdigest()[:16]
    return RAM_DISK / f"coinpurse-{name}", directory / "tmp"
