import subprocess
import sys
from pathlib import Path

from infra.local.client import wait_until
from infra.local.processes import ROOT
from infra.local.removal import remove_in_background


def test_remove_in_background_moves_at_once_and_deletes_later(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/ministack.log").touch()

    remove_in_background([tmp_path / "logs", tmp_path / "missing"], tmp_path)

    assert not (tmp_path / "logs").exists()
    wait_until("it is deleted", lambda: list(tmp_path.iterdir()) == [])


def test_remove_in_background_deletes_leftovers(tmp_path: Path) -> None:
    (tmp_path / ".local.removed-0").mkdir()

    remove_in_background([], tmp_path)

    wait_until("it is deleted", lambda: list(tmp_path.iterdir()) == [])


def test_down_imports_no_sdk_and_no_server() -> None:
    program = "import sys, infra.local.down; print(*{'boto3', 'stripe', 'flask', 'chalice'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
