"""Local stacks start, stop and fail without leaving processes or files behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.client import wait_until
from infra.local.processes import ROOT, Process, StartError, end, start, start_time, wait_until_ready
from infra.local.registry import Registry, StackInUseError
from infra.local.teardown import stop_stack

pytestmark = pytest.mark.cloud

SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "server.log"


@pytest.fixture
def sleeper(log: Path) -> Iterator[Process]:
    process = start("sleeper", SLEEP, log)
    wait_until_ready(process, log, lambda: "ready" in log.read_text())
    yield process
    end([process])


def test_end_stops_process_and_children(tmp_path: Path) -> None:
    script = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    log = tmp_path / "log"
    parent = start("parent", [sys.executable, "-c", script], log)
    wait_until_ready(parent, log, lambda: log.read_text().strip().isdigit())
    child = int(log.read_text())
    assert start_time(child) is not None

    assert end([parent]) == ["parent"]

    assert start_time(parent.pid) is None
    wait_until("its child, which it left to init, is gone", lambda: start_time(child) is None)


def test_end_spares_process_with_reused_pid(sleeper: Process) -> None:
    reused = Process("long gone", sleeper.pid, "0")

    assert end([reused]) == []

    assert sleeper.is_alive()


def test_wait_until_ready_shows_output_of_failed_server(log: Path) -> None:
    process = start("broken", [sys.executable, "-c", "raise SystemExit('no such luck')"], log)

    with pytest.raises(StartError, match=r"broken ended while starting(.|\n)*no such luck"):
        wait_until_ready(process, log, lambda: False)
    end([process])


def test_stop_stack_cleans_up_after_killed_program(tmp_path: Path, sleeper: Process) -> None:
    registry = Registry(tmp_path)
    registry.claim()
    registry.add(sleeper)
    with pytest.raises(StackInUseError):
        registry.claim()

    assert stop_stack(tmp_path) == ["sleeper"]

    assert not sleeper.is_alive()
    assert not tmp_path.exists()


def test_up_failure_names_the_port_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    command = [sys.executable, "-m", "infra.local.up", "--dir", str(directory)]

    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = os.environ | {"COINPURSE_ISSUER_PORT": str(listener.getsockname()[1])}
        done = subprocess.run(command, cwd=ROOT, env=ports, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 1
    assert "COINPURSE_ISSUER_PORT" in done.stdout
    assert not directory.exists()


def test_up_interrupted_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    command = [sys.executable, "-m", "infra.local.up", "--dir", str(directory)]
    log = tmp_path / "up.log"
    up = start("up", command, log)
    wait_until_ready(up, log, lambda: "packaging" in log.read_text())
    servers = Registry(directory).processes()

    os.kill(up.pid, signal.SIGTERM)
    wait_gone(up)

    assert servers
    assert not any(server.is_alive() for server in servers)
    assert not directory.exists()


def wait_gone(process: Process) -> None:
    wait_until(f"{process.name} is gone", lambda: not process.is_alive())
    end([process])
