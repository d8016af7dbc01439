"""Stop of a local cloud. It imports no SDK, so that `make down` is quick."""

from pathlib import Path

from infra.local.facts import FILE
from infra.local.registry import DIRECTORY, Registry
from infra.local.removal import remove_in_background
from infra.local.scratch import scratch_places


def stop_stack(directory: Path) -> list[str]:
    """End the stack in the directory, in any state, and remove its files. Returns the names of the ended processes.

    The workers' unpacked packages are 100,000 files, so they are renamed now and deleted in the background.
    """
    ended = Registry(directory).end_all()
    for name in (FILE, f"{FILE}.draft", "processes.json", "processes.draft"):
        (directory / name).unlink(missing_ok=True)
    remove_in_background([directory / "logs", *scratch_places(directory)])
    for emptied in (directory, DIRECTORY):
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
    return ended


def stop_orphans() -> list[str]:
    """End temporary stacks whose owner was killed before it could. Returns the names of the ended processes."""
    ended: list[str] = []
    for directory in DIRECTORY.glob("*-*"):
        registry = Registry(directory)
        if registry.is_claimed() and not registry.owner_lives():
            ended += stop_stack(directory)
    return ended
