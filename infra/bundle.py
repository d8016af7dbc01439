"""Contents of the deployment zip: prune dependencies, compile, write."""

import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from infra.service_models import prune_models

_EPOCH = (1980, 1, 1, 0, 0, 0)
_JUNK_DIRECTORIES = ("*/tests", "boto3/data", "boto3/examples", "*.data", "bin")
_JUNK_FILES = ("*.pyi", "*.c", "*.h", "*.dist-info/RECORD", "*.dist-info/WHEEL")


def prune(tree: Path) -> None:
    """Remove files that no function reads from the installed dependencies.

    Sources stay, for tracebacks and for a runtime whose bytecode differs. METADATA stays for importlib.metadata, and
    the licenses stay because their terms require it.
    """
    if (data := tree / "botocore/data").is_dir():
        prune_models(data)
    for pattern in _JUNK_DIRECTORIES:
        for directory in tree.glob(pattern):
            shutil.rmtree(directory)
    for pattern in _JUNK_FILES:
        for file in tree.rglob(pattern):
            file.unlink()


def compile_tree(tree: Path) -> None:
    """Write bytecode that Python does not validate against its source.

    Lambda's disk is read-only, so without bytecode every cold start compiles every module. Hash-based, because a zip's
    timestamps are constant; in one process and a fixed order, because marshaling depends on the modules loaded before.

    Raises:
        subprocess.CalledProcessError: a source does not compile.
    """
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-j", "1"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(tree), str(tree)]
    subprocess.run(command, check=True)


def write_zip(trees: Iterable[Path], target: Path) -> None:
    """Zip the trees into one archive whose bytes depend only on the files' names and contents.

    Raises:
        ValueError: two trees hold the same file.
    """
    files: dict[str, Path] = {}
    for tree in trees:
        for file in tree.rglob("*"):
            name = file.relative_to(tree).as_posix()
            if file.is_file() and files.setdefault(name, file) is not file:
                raise ValueError(f"{name} is in two trees")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every platform
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, file.read_bytes())
