import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import bootstrap
from infra.package import ROOT, RUNTIME

WriteProgram = Callable[[str, str], Path]
"""Writes a program into the machine's directory: path and shell script."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteProgram:
    """A machine without interpreters and network."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    for name, value in {"HOME": tmp_path, "PATH": tmp_path / "bin", "UV_PYTHON_DOWNLOADS": "never"}.items():
        monkeypatch.setenv(name, str(value))
    for name in ("PYENV_ROOT", "XDG_DATA_HOME", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".python-version").write_text("3.13\n")
    (tmp_path / "requirements-dev.txt").write_text("uv==1.0 \\\n    --hash=sha256:0\n")

    def put(name: str, script: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put


def version_script(version: str) -> str:
    """Return the script of an interpreter that reports this version."""
    return f'echo "{version} $0"'


def test_bootstrap_parses_on_python_3_6() -> None:
    ast.parse((ROOT / "infra/bootstrap.py").read_text(), feature_version=(3, 6))


def test_python_versions_are_the_same_in_every_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    oldest = ".".join(map(str, bootstrap.OLDEST))
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert bootstrap.wanted() == RUNTIME


class TestFind:
    def test_path_comes_first(self, machine: WriteProgram) -> None:
        path = machine("bin/python3.13", version_script("3.13.1"))
        machine(".pyenv/versions/3.13.0/bin/python3.13", version_script("3.13.0"))
        assert bootstrap.find((3, 13)) == bootstrap.Interpreter((3, 13, 1), str(path))

    def test_pyenv_version_behind_a_failing_shim_is_found(self, machine: WriteProgram) -> None:
        machine("bin/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
        path = machine(".pyenv/versions/3.13.0/bin/python3.13", version_script("3.13.0"))
        assert bootstrap.find((3, 13)) == bootstrap.Interpreter((3, 13, 0), str(path))

    def test_version_that_uv_manages_is_found(self, machine: WriteProgram) -> None:
        machine(".local/share/uv/python/cpython-3.13.9-linux-x86_64-gnu/bin/python3.13", version_script("3.13.9"))
        assert bootstrap.find((3, 13)) is not None

    def test_newest_is_found_where_the_wanted_one_is_missing(self, machine: WriteProgram) -> None:
        machine("bin/python3.11", version_script("3.11.7"))
        path = machine("bin/python3.12", version_script("3.12.1"))
        assert bootstrap.find((3, 13)) is None
        assert bootstrap.find_newest() == bootstrap.Interpreter((3, 12, 1), str(path))

    def test_only_older_versions_raise_setup_error(
        self, machine: WriteProgram, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", str(machine("bin/python3", version_script("3.9.18"))))
        machine("bin/python3.10", version_script("3.10.13"))
        assert bootstrap.find_newest() is None
        with pytest.raises(bootstrap.SetupError, match=r"^Python 3\.11 or newer is needed.*: install Python 3\.13"):
            bootstrap.set_up(".venv", None)
        assert not list(bootstrap.ROOT.glob(".venv*"))


class TestReady:
    @pytest.fixture
    def environment(self, machine: WriteProgram) -> Path:
        machine("bin/python3.11", version_script("3.11.7"))
        python = machine(".venv/bin/python", version_script("3.11.7"))
        mark = f"{bootstrap._digest('.venv')}\n3.11.7\n{bootstrap.ROOT}/bin/python3.11\n"
        (bootstrap.ROOT / ".venv/.ready").write_text(mark)
        return python

    @pytest.mark.usefixtures("environment")
    def test_complete_environment_is_ready(self) -> None:
        assert bootstrap.is_ready(".venv", None)

    @pytest.mark.usefixtures("environment")
    def test_changed_lock_makes_a_new_one(self) -> None:
        (bootstrap.ROOT / "requirements-dev.txt").write_text("uv==2.0 \\\n    --hash=sha256:0\n")
        assert not bootstrap.is_ready(".venv", None)

    def test_removed_interpreter_makes_a_new_one(self, environment: Path) -> None:
        environment.unlink()
        assert not bootstrap.is_ready(".venv", None)

    @pytest.mark.usefixtures("environment")
    def test_preferred_interpreter_added_later_makes_a_new_one(self, machine: WriteProgram) -> None:
        machine("bin/python3.13", version_script("3.13.0"))
        assert not bootstrap.is_ready(".venv", None)

    @pytest.mark.usefixtures("environment")
    def test_given_interpreter_is_kept(self, machine: WriteProgram) -> None:
        machine("bin/python3.13", version_script("3.13.0"))
        assert bootstrap.is_ready(".venv", bootstrap._given(".venv", "python3.11"))
        assert not bootstrap.is_ready(".venv", bootstrap._given(".venv", "python3.13"))


class TestGiven:
    def test_too_old_interpreter_is_refused(self, machine: WriteProgram) -> None:
        machine("bin/python3.9", version_script("3.9.18"))
        with pytest.raises(bootstrap.SetupError, match=r"^PYTHON=python3\.9 is Python 3\.9\.18, and 3\.11"):
            bootstrap._given(".venv", "python3.9")

    @pytest.mark.usefixtures("machine")
    def test_interpreter_that_does_not_run_is_refused(self) -> None:
        with pytest.raises(bootstrap.SetupError, match=r"^PYTHON=python3\.13 does not run"):
            bootstrap._given(".venv", "python3.13")


def test_set_up_interrupted_leaves_the_environment_unchanged(machine: WriteProgram) -> None:
    machine("bin/python3.13", version_script("3.13.0"))
    machine(".venv/bin/uv", 'case $1 in --version) echo "uv 1.0";; venv) exit 0;; *) exit 1;; esac')
    with pytest.raises(bootstrap.SetupError, match="ended with 1"):
        bootstrap.set_up(".venv", None)
    assert [path.name for path in bootstrap.ROOT.glob(".venv*")] == [".venv"]
    assert not bootstrap.is_ready(".venv", None)


def test_make_without_python_fails_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    make = next(str(Path(each, "make")) for each in os.environ["PATH"].split(os.pathsep) if Path(each, "make").exists())
    done = subprocess.run([make, "demo"], cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode
    assert done.stderr.splitlines()[0] == "Python 3.11 or newer is needed, and no python3 runs: install Python 3.13."
