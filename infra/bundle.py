"""Contents of the deployment zip: prune dependencies, compile, write."""

import shutil
import stat
import subprocess
import sys
import zipfile
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


def write_zip(tree: Path, target: Path, base: Path | None = None) -> None:
    """Write a tree into a zip, behind the files of another zip if there is one.

    The bytes depend only on the files' names and contents. Files of `base` are copied, not compressed again.

    Raises:
        ValueError: `base` has one of the files.
    """
    if base:
        shutil.copyfile(base, target)
    files = {file.relative_to(tree).as_posix(): file for file in tree.rglob("*") if file.is_file()}
    with zipfile.ZipFile(target, "a" if base else "w", zipfile.ZIP_DEFLATED) as archive:
        if twice := sorted(files.keys() & set(archive.namelist())):
            raise ValueError(f"{twice[0]} is in two trees")
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every platform
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, file.read_bytes())
