"""Set up the environments that `make` runs on: `python3 -I infra/bootstrap.py .venv` (or `.venv-cloud`).

Any `python3` of a machine may start this file, so it keeps to the syntax and the standard library of Python 3.6.
It takes the interpreter that .python-version names, else has uv fetch it where there is a route, else takes the newest
one from OLDEST on. An environment is built beside its place and renamed when it is complete.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
LOCKS = {".venv": "requirements-dev.txt", ".venv-cloud": "requirements-cloud.txt"}

_NEWEST_MINOR = 19
_OLDEST_FOR_UV = (3, 8)
_DOWNLOADS = ("github.com", 443)  # uv's default source of interpreters
_ROUTE_SECONDS = 0.5
_HEARTBEAT_SECONDS = 4
_said_at = [time.monotonic()]
_PROBE = """
import ssl, sys
assert sys.implementation.name == "cpython" and sys.version_info.releaselevel == "final"
print("%d.%d.%d" % sys.version_info[:3], getattr(sys, "_base_executable", None) or sys.executable)
"""


class Interpreter(NamedTuple):
    """A CPython on this machine, outside of any virtual environment."""

    version: Tuple[int, ...]
    path: str


class SetupError(Exception):
    """An environment cannot be made; the message is one sentence for the terminal."""


def wanted() -> Tuple[int, ...]:
    """Read the preferred version from .python-version."""
    return tuple(int(part) for part in (ROOT / ".python-version").read_text().split("."))


def probe(path: str) -> Optional[Interpreter]:
    """Read an interpreter's version by running it. Returns None if it fails, as pyenv's shim of an inactive version."""
    try:
        answer = subprocess.check_output([path, "-I", "-c", _PROBE], stderr=subprocess.DEVNULL).decode()
    except (OSError, subprocess.CalledProcessError):
        return None
    version, _, executable = answer.strip().partition(" ")
    return Interpreter(tuple(int(part) for part in version.split(".")), executable)


def find(version: Tuple[int, ...]) -> Optional[Interpreter]:
    """Find a Python by major and minor version on PATH, among pyenv's versions or among those that uv manages."""
    name = "python" + _dotted(version)
    for directory in _directories():
        path = f"{directory}/{name}"
        found = probe(path) if os.access(path, os.X_OK) else None
        if found and found.version[:2] == version:
            return found
    return None


def find_newest() -> Optional[Interpreter]:
    """Find the newest Python from OLDEST on."""
    for minor in range(_NEWEST_MINOR, OLDEST[1] - 1, -1):
        found = find((3, minor))
        if found:
            return found
    own = probe(sys.executable)
    return own if own and own.version[:2] >= OLDEST else None


def is_ready(name: str, given: Optional[Interpreter]) -> bool:
    """Check that the environment has the current lock file and the interpreter that a new one would get."""
    digest, base = _read_mark(name)
    if base is None or digest != _digest(name) or not (ROOT / name / "bin" / "python").exists():
        return False
    if given:
        return base.path == given.path
    return base.version[:2] == wanted() or find(wanted()) is None


def set_up(name: str, given: Optional[Interpreter]) -> None:
    """Build an environment beside its place, then move it there.

    Args:
        name: one of LOCKS.
        given: the interpreter to use; None chooses the best match.

    Raises:
        SetupError: there is no interpreter, or uv cannot be installed or fails.
    """
    new, old, tools = (ROOT / (name + suffix) for suffix in (".new", ".old", ".uv"))
    try:
        _remove(new, old, tools)
        base = given or find(wanted())
        older = None if base else find_newest()
        fetching = base is None and _can_fetch()
        if not (base or older or fetching):
            raise _nothing_found()
        _say(f"Setting up {name} ...")
        uv = _uv(tools, base or older)
        if fetching:
            base = _fetch(uv)
        base = base or _accept(older)
        _say(f"  installing what {LOCKS[name]} lists, for Python {_dotted(base.version)} ...")
        _run([uv, "venv", "--quiet", "--no-project", "--relocatable", "--python", base.path, str(new)])
        # Compiling all of .venv takes 35 s of CPU and its first imports 1 s; a server's start has a time limit.
        options = ["--quiet", "--require-hashes"] + ["--compile-bytecode"] * (name == ".venv-cloud")
        _run([uv, "pip", "sync", *options, "--python", str(new / "bin" / "python"), str(ROOT / LOCKS[name])])
        (new / ".ready").write_text(f"{_digest(name)}\n{_dotted(base.version)}\n{base.path}\n")
        if os.path.lexists(str(ROOT / name)):
            (ROOT / name).rename(old)
        new.rename(ROOT / name)
    finally:
        _remove(new, old, tools)


def _nothing_found() -> SetupError:
    oldest, best = _dotted(OLDEST), _dotted(wanted())
    return SetupError(
        f"Python {oldest} or newer is needed, but none was found on PATH or among pyenv's versions and none can be "
        f"fetched from here: install Python {best}, or name one with `make PYTHON=/path/to/python{best}`."
    )


def _accept(older: Optional[Interpreter]) -> Interpreter:
    if older is None:
        raise _nothing_found()
    _say(f"Python {_dotted(wanted())} was not found and cannot be fetched from here: taking {_dotted(older.version)}.")
    return older


def _directories() -> Iterator[str]:
    """List the directories that may hold interpreters: PATH first, because its order is the user's choice."""
    yield from os.environ.get("PATH", os.defpath).split(os.pathsep)
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for parent, pattern in ((pyenv / "versions", "3.*"), (managed, "cpython-3.*")):
        yield from (str(found / "bin") for found in sorted(parent.glob(pattern), reverse=True))


def _can_fetch() -> bool:
    """Check within half a second if uv could fetch an interpreter."""
    if os.environ.get("UV_OFFLINE") or os.environ.get("UV_PYTHON_DOWNLOADS") in ("never", "manual"):
        return False
    if any(os.environ.get(name) for name in ("UV_PYTHON_INSTALL_MIRROR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True
    # Name resolution has no timeout, so it runs in a separate process that can be ended.
    program = f"import socket; socket.create_connection({_DOWNLOADS!r})"
    with suppress(subprocess.TimeoutExpired):
        command = [sys.executable, "-I", "-c", program]
        return subprocess.call(command, stderr=subprocess.DEVNULL, timeout=_ROUTE_SECONDS) == 0
    return False


def _fetch(uv: str) -> Optional[Interpreter]:
    """Fetch the wanted interpreter into uv's directory. Returns None if that fails."""
    _say(f"  fetching Python {_dotted(wanted())} ...")
    limits = {"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "3"}
    try:
        _run([uv, "python", "install", "--quiet", "--no-bin", _dotted(wanted())], limits)
    except SetupError:
        return None
    return find(wanted())


def _uv(tools: Path, base: Optional[Interpreter]) -> str:
    """Copy uv from the existing environment, or install the locked version into a temporary one. Returns its path."""
    locked = re.search(r"^uv==(\S+)(?:.*\\\n)+.*\n", (ROOT / LOCKS[".venv"]).read_text(), re.MULTILINE)
    assert locked is not None
    present = ROOT / ".venv" / "bin" / "uv"
    try:
        if subprocess.check_output([str(present), "--version"]).split()[1].decode() == locked.group(1):
            return str(shutil.copy2(str(present), str(tools)))
    except (OSError, subprocess.CalledProcessError):
        pass
    _say(f"  installing uv {locked.group(1)} ...")
    _run([_starter(base), "-I", "-m", "venv", str(tools)])
    (tools / "uv.txt").write_text(locked.group(0))
    pip = [str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--require-hashes", "--requirement", str(tools / "uv.txt")])
    return str(tools / "bin" / "uv")


def _starter(base: Optional[Interpreter]) -> str:
    """Find a Python that can make an environment with pip: Debian ships that apart."""
    own = Interpreter(sys.version_info[:3], sys.executable)
    for _, path in (each for each in (base, own) if each and each.version >= _OLDEST_FOR_UV):
        if subprocess.call([path, "-I", "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL) == 0:
            return path
    raise SetupError("Python's modules venv and ensurepip are missing (Debian's package python3-venv has them).")


def _run(command: List[str], settings: Optional[Dict[str, str]] = None) -> None:
    process = subprocess.Popen(command, cwd=str(ROOT), env=dict(os.environ, **(settings or {})))
    try:
        while process.returncode is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, _said_at[-1] + _HEARTBEAT_SECONDS - time.monotonic()))
                break
            _say(f"  ... {time.monotonic() - _said_at[0]:.0f} s")
    finally:
        if process.poll() is None:
            process.kill()
    if process.returncode:
        raise SetupError(f"The set-up failed: `{' '.join(command)}` ended with {process.returncode}.")


def _read_mark(name: str) -> Tuple[str, Optional[Interpreter]]:
    try:
        digest, version, path = (ROOT / name / ".ready").read_text().splitlines()
    except (OSError, ValueError):
        return "", None
    return digest, Interpreter(tuple(int(part) for part in version.split(".")), path)


def _digest(name: str) -> str:
    return hashlib.sha256((ROOT / LOCKS[name]).read_bytes()).hexdigest()


def _dotted(version: Tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif os.path.lexists(str(path)):
            path.unlink()


def _say(line: str) -> None:
    print(line, flush=True)
    _said_at.append(time.monotonic())


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    directory = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _given(name: str, word: str) -> Optional[Interpreter]:
    """Find the interpreter that `make PYTHON=...` names; the local cloud always takes that of .venv.

    Raises:
        SetupError: it does not run, or is too old.
    """
    if name != ".venv":
        return _read_mark(".venv")[1]
    if not word:
        return None
    found = probe(word)
    if found is None:
        raise SetupError(f"PYTHON={word} does not run: name an interpreter, or leave it out.")
    if found.version[:2] < OLDEST:
        raise SetupError(f"PYTHON={word} is Python {_dotted(found.version)}, and {_dotted(OLDEST)} or newer is needed.")
    return found


def main() -> int:
    """Set up the environment named by the first argument, unless it is ready. The second may name an interpreter."""
    name, word = sys.argv[1], "".join(sys.argv[2:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        given = _given(name, word)
        if not is_ready(name, given):
            with _one_at_a_time():
                if not is_ready(name, given):
                    set_up(name, given)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
