"""Which processes belong to the stack in a directory: on disk, so that any shell can end them."""

import os
from pathlib import Path

import msgspec

from infra.local.processes import Process, birth, end

FILE = "processes.json"


class StackInUseError(Exception):
    """Another program is working on the stack in this directory."""


class _Content(msgspec.Struct):
    owner: Process
    """The program that started the others."""
    processes: list[Process] = []


class Registry:
    """The processes of one stack, and the program that started them."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE

    def claim(self) -> None:
        """Make the directory this program's own.

        Raises:
            StackInUseError: it is somebody else's.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        me = Process("owner", os.getpid(), birth(os.getpid()) or "")
        try:
            with self._file.open("xb") as file:
                file.write(msgspec.json.encode(_Content(me)))
        except FileExistsError as taken:
            raise StackInUseError(f"{self._file} is there already") from taken

    def add(self, process: Process) -> Process:
        """Remember a process that was started."""
        content = self._read()
        if content is None:
            raise StackInUseError(f"{self._file} was taken away while the stack started")
        content.processes.append(process)
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(content))
        draft.replace(self._file)
        return process

    def processes(self) -> list[Process]:
        """All that were started, dead or alive."""
        content = self._read()
        return content.processes if content else []

    def is_claimed(self) -> bool:
        """Whether there is a stack here, in whatever state."""
        return self._file.exists()

    def owner_lives(self) -> bool:
        """Whether the program that claimed the directory still runs."""
        content = self._read()
        return content is not None and content.owner.is_alive()

    def end_all(self) -> list[str]:
        """End what still runs. Returns the names."""
        return end(self.processes())

    def _read(self) -> _Content | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Content)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
