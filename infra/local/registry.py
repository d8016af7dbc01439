"""The processes of a stack, recorded in its directory so that any shell can end them."""

import os
from pathlib import Path

import msgspec

from infra.local.facts import StackFacts
from infra.local.processes import ROOT, Process, StartError, end, start_time

DIRECTORY = ROOT / ".local"
"""The directory of the stack that `make up` keeps. Temporary stacks use subdirectories."""

FILE = "processes.json"


class StackInUseError(Exception):
    """Another program uses the stack's directory."""


def running_stack(directory: Path) -> StackFacts:
    """Return the facts of the stack in the directory.

    Raises:
        StartError: none is running there.
    """
    facts, processes = StackFacts.read(directory), Registry(directory).processes()
    if facts is None or not processes or not all(process.is_alive() for process in processes):
        raise StartError("The local cloud is not running: run make up first.")
    return facts


class _Content(msgspec.Struct):
    owner: Process
    """The program that started the others."""
    processes: list[Process] = []


class _Recorded(msgspec.Struct):
    """A process in the file. A running stack may be of an earlier version, which wrote `born` for `started`."""

    name: str
    pid: int
    started: str = ""
    born: str = ""

    def process(self) -> Process:
        return Process(self.name, self.pid, self.started or self.born)


class _File(msgspec.Struct):
    owner: _Recorded
    processes: list[_Recorded] = []


class Registry:
    """The processes of one stack, and the program that started them, in `processes.json`."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE

    def claim(self) -> None:
        """Create the registry, with this program as its owner.

        Raises:
            StackInUseError: the directory has a registry already.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        me = Process("owner", os.getpid(), start_time(os.getpid()) or "")
        try:
            with self._file.open("xb") as file:
                file.write(msgspec.json.encode(_Content(me)))
        except FileExistsError as taken:
            raise StackInUseError(f"{self._file} exists already") from taken

    def add(self, process: Process) -> Process:
        """Record a started process.

        Raises:
            StackInUseError: the registry was removed meanwhile, as by `make down`.
        """
        content = self._read()
        if content is None:
            raise StackInUseError(f"{self._file} was removed while the stack started")
        content.processes.append(process)
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(content))
        draft.replace(self._file)
        return process

    def processes(self) -> list[Process]:
        """List the recorded processes, ended ones included."""
        content = self._read()
        return content.processes if content else []

    def is_claimed(self) -> bool:
        """Check if the directory has a registry, even an unreadable one."""
        return self._file.exists()

    def owner_lives(self) -> bool:
        """Check if the program that claimed the directory still runs."""
        content = self._read()
        return content is not None and content.owner.is_alive()

    def end_all(self) -> list[str]:
        """End the processes that still run. Returns their names."""
        return end(self.processes())

    def _read(self) -> _Content | None:
        try:
            file = msgspec.json.decode(self._file.read_bytes(), type=_File)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return _Content(file.owner.process(), [each.process() for each in file.processes])
