"""MiniStack with one copy of the functions' code. `.venv-cloud` runs this file by its path, without this project.

MiniStack unpacks the code for each function worker: 5,800 files, a second of CPU time. Workers only read it, as at AWS,
so those after the first get a symbolic link.
"""

import importlib
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from os import PathLike
from pathlib import Path

_UNPACKING = threading.Lock()


class CodeFile(zipfile.ZipFile):
    """A zip file that is unpacked once, into the temporary directory, however often it is extracted."""

    def extractall(
        self,
        path: str | PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """Replace the empty directory `path` by a link to the unpacked files."""
        if path is None or members is not None or self.filename is None:
            super().extractall(path, members, pwd)
            return
        with _UNPACKING:
            unpacked = Path(tempfile.gettempdir(), f"code-{sha256(Path(self.filename).read_bytes()).hexdigest()}")
            if not unpacked.exists():
                new = Path(tempfile.mkdtemp())
                super().extractall(new, None, pwd)
                new.rename(unpacked)
        Path(path).rmdir()
        Path(path).symlink_to(unpacked)


if __name__ == "__main__":
    zipfile.ZipFile = CodeFile  # type: ignore[misc]
    sys.exit(importlib.import_module("ministack.app").main())
