import io

from rich.console import Console

from infra.local.client import wait_until
from infra.local.progress import ProgressConsole


def test_lines_are_printed_as_they_are() -> None:
    output = io.StringIO()
    with ProgressConsole(Console(file=output)) as narrator:
        narrator.print("[red]", "bold")
        narrator.step("packaging")
    assert output.getvalue() == "[red]\n  packaging ...\n"


def test_a_pause_is_bridged_with_the_elapsed_time() -> None:
    output = io.StringIO()
    with ProgressConsole(Console(file=output), quiet_seconds=0.01):
        wait_until("it says how long it took", lambda: "  ... 0 s\n" in output.getvalue())
