"""What goes into the zip: prune, compile, write. Nothing here knows Chalice or AWS."""

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
    """Drop from installed dependencies what no function reads.

    Sources stay: they make tracebacks readable and take over when the runtime's bytecode differs. So do METADATA
    (read by importlib.metadata) and the licenses (which must travel along).
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
    """Write bytecode that is never checked against its source.

    Lambda's disk is read-only: without it every cold start compiles everything. Hash-based, because the times in a
    zip mean nothing; one process in a fixed order, because marshaling depends on what was loaded before.

    Raises:
        subprocess.CalledProcessError: a source does not compile.
    """
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-j", "1"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(tree), str(tree)]
    subprocess.run(command, check=True)


def write_zip(trees: Iterable[Path], target: Path) -> None:
    """Zip the trees into one archive whose bytes depend on the files' names and contents alone.

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
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, file.read_bytes())
