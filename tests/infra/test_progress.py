import io

from rich.console import Console

from infra.local.client import wait_until
from infra.local.progress import ProgressConsole


def test_print_does_not_interpret_markup() -> None:
    output = io.StringIO()
    with ProgressConsole(Console(file=output)) as console:
        console.print("[red]", "bold")
        console.step("packaging")
    assert output.getvalue() == "[red]\n  packaging ...\n"


def test_pause_prints_elapsed_time() -> None:
    output = io.StringIO()
    with ProgressConsole(Console(file=output), quiet_seconds=0.01):
        wait_until("it says how long it took", lambda: "  ... 0 s\n" in output.getvalue())
