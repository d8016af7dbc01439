"""Build what deploys: `python -m infra.package --stage local` writes `build/local/sam.json` and `deployment.zip`.

Chalice packages twice, through its own command: the dependencies, which change with requirements.txt and are kept
under `build/.cache`, and the application with its template. The zip is the same for every stage, byte for byte.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from infra.bundle import compile_tree, prune, write_zip

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("local", "test", "prod")

_APP = ("app.py", "chalicelib")
_TEMPLATE = (".chalice", "infra/resources.yaml")
_TOOLS = ("infra/package.py", "infra/bundle.py")
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*.sw?", ".DS_Store", "deployments", "deployed")
_LAYER_APP = """\
from chalice.app import Chalice
app = Chalice(app_name="layer")
app.lambda_function(name="layer")(lambda event, context: None)
"""
_LAYER_CONFIG = {"version": "2.0", "app_name": "layer", "stages": {"layer": {"api_gateway_stage": "layer"}}}


@dataclass(frozen=True, slots=True)
class Package:
    """Where the two files are that deploy a stage."""

    template: Path
    """CloudFormation with the SAM transform, JSON; each function's CodeUri is `./deployment.zip`."""
    code: Path
    """The zip of all functions."""


def build(stage: str, out: Path | None = None, root: Path = ROOT) -> Package:
    """Package a stage, unless what is there was built of the same sources.

    Args:
        stage: one of STAGES.
        out: where to write; `build/<stage>` if not given.
        root: the project.

    Raises:
        SystemExit: Chalice failed, or a dependency has no wheel for Lambda; the message is Chalice's.
    """
    out = out or root / "build" / stage
    package = Package(template=out / "sam.json", code=out / "deployment.zip")
    mark, current = out / "sources.sha256", _digest(root, ("requirements.txt", *_APP, *_TEMPLATE, *_TOOLS))
    if package.template.exists() and package.code.exists() and mark.exists() and mark.read_text() == current:
        return package
    out.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    layer = _layer(root)
    with tempfile.TemporaryDirectory(dir=layer.parent) as temporary:
        project = Path(temporary) / "project"
        for name in (*_APP, *_TEMPLATE):
            _copy(root / name, project / name)
        built = _chalice_package(project, stage, "--merge-template", "infra/resources.yaml")
        tree = Path(temporary) / "app"
        _unzip(built / "deployment.zip", tree)
        compile_tree(tree)
        write_zip((layer, tree), Path(temporary) / package.code.name)
        shutil.move(Path(temporary) / package.code.name, package.code)
        package.template.write_text(_pinned((built / "sam.yaml").read_text(), stage))
    mark.write_text(current)
    return package


def chalice_alone(stage: str, out: Path, root: Path = ROOT) -> Path:
    """The zip that Chalice makes of the project by itself, in `out`: what the one of `build` is held against.

    Raises:
        SystemExit: as for `build`.
    """
    project = out / "project"
    for name in (*_APP, *_TEMPLATE, "requirements.txt"):
        _copy(root / name, project / name)
    return _chalice_package(project, stage) / "deployment.zip"


def _layer(root: Path) -> Path:
    """The dependencies as Chalice installs them for Lambda, pruned and compiled; built once per lock file."""
    cached = root / "build/.cache" / f"layer-{_digest(root, ('requirements.txt', *_TOOLS))[:20]}"
    if cached.is_dir():
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as temporary:
        project, tree = Path(temporary) / "project", Path(temporary) / "tree"
        (project / ".chalice").mkdir(parents=True)
        (project / ".chalice/config.json").write_text(json.dumps(_LAYER_CONFIG))
        (project / "app.py").write_text(_LAYER_APP)
        _copy(root / "requirements.txt", project / "requirements.txt")
        _unzip(_chalice_package(project, "layer") / "deployment.zip", tree)
        (tree / "app.py").unlink()
        shutil.rmtree(tree / "chalice")  # the runtime comes along with the application
        prune(tree)
        compile_tree(tree)
        if not cached.exists():  # another run may have been faster
            tree.rename(cached)
    return cached


def _chalice_package(project: Path, stage: str, *options: str) -> Path:
    """Run `chalice package` on a project, deaf to the AWS configuration of whoever runs it."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-c", "from chalice.cli import main; raise SystemExit(main())"]
    command += ["package", "--stage", stage, *options, "out"]
    environment = keep | nowhere | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or "Could not install dependencies" in done.stdout + done.stderr:
        raise SystemExit(f"chalice package failed:\n{done.stdout}{done.stderr}")
    return project / "out"


def _pinned(template: str, stage: str) -> str:
    """The template as JSON, deployable as no other stage than the one it was packaged for."""
    document = yaml.safe_load(template)
    document["Parameters"]["Stage"] |= {"AllowedValues": [stage], "Default": stage}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _digest(root: Path, names: tuple[str, ...]) -> str:
    """One hash over files and folders, the interpreter, and the packager."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()} {version('chalice')}".encode())
    for name in names:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            inside = file.relative_to(root)
            if file.is_file() and not _NOT_SHIPPED("", list(inside.parts)):
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"\n{inside.as_posix()} {content}".encode())
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NOT_SHIPPED)
    else:
        shutil.copyfile(source, target)


def _unzip(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    package = build(arguments.stage, arguments.out)
    size = package.code.stat().st_size / 1e6
    print(f"{os.path.relpath(package.template)}  {os.path.relpath(package.code)} ({size:.1f} MB)")


if __name__ == "__main__":
    main()
