"""Build what deploys: `python -m infra.package --stage local` writes `build/local/sam.json` and `deployment.zip`.

Chalice packages twice, through its own command: the dependencies, which change with requirements.txt and are kept
under `build/.cache`, and the application with its template. The zip is the same for every stage, byte for byte.

Chalice picks wheels and runtime by the interpreter that runs it, and bytecode fits one version of Python: the stages
on AWS are packaged on RUNTIME only. The stage local takes the version that this environment has, as MiniStack runs its
functions on the same one.
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
RUNTIME = (3, 13)
"""The Python that the stages on AWS run on."""

PYTHON = sys.version_info[:2]
"""The Python that packages, and so the one of the stage local."""

_APP = ("app.py", "chalicelib")
_TEMPLATE = (".chalice", "infra/resources.yaml")
_TOOLS = ("infra/package.py", "infra/bundle.py", "infra/service_models.py")
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
        SystemExit: this is not the Python of the stage; or Chalice failed (the message is Chalice's), or a dependency
            has no wheel for Lambda.
    """
    require_runtime(stage)
    out = out or root / "build" / stage
    package = Package(template=out / "sam.json", code=out / "deployment.zip")
    mark, current = out / "sources.sha256", _digest(root, ("requirements.txt", *_APP, *_TEMPLATE, *_TOOLS))
    if package.template.exists() and package.code.exists() and mark.exists() and mark.read_text() == current:
        return package
    out.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    layer = _layer(root)
    with tempfile.TemporaryDirectory(dir=layer.parent) as temporary:
        built = _application(root, Path(temporary) / "project", stage)
        tree = Path(temporary) / "app"
        _unzip(built / "deployment.zip", tree)
        compile_tree(tree)
        write_zip((layer, tree), Path(temporary) / package.code.name)
        shutil.move(Path(temporary) / package.code.name, package.code)
        package.template.write_text(_pinned((built / "sam.yaml").read_text(), stage))
    mark.write_text(current)
    return package


def render_template(stage: str, root: Path = ROOT) -> str:
    """Render the template of a stage alone. It is the same on every Python, but for the runtime of the stage local."""
    with tempfile.TemporaryDirectory() as temporary:
        return _pinned((_application(root, Path(temporary), stage) / "sam.yaml").read_text(), stage)


def require_runtime(stage: str, running: tuple[int, int] = PYTHON) -> None:
    """Check that this interpreter can package the stage.

    Raises:
        SystemExit: it cannot; one sentence that says what to do.
    """
    if stage != "local" and running != RUNTIME:
        raise SystemExit(
            f"The stage {stage} runs on {runtime(RUNTIME)} and can only be packaged on it, but this is "
            f"{runtime(running)}: install Python {RUNTIME[0]}.{RUNTIME[1]}, then run make again."
        )


def runtime(version: tuple[int, int]) -> str:
    """Name a version of Python as Lambda does."""
    return f"python{version[0]}.{version[1]}"


def chalice_alone(stage: str, out: Path, root: Path = ROOT) -> Path:
    """The zip that Chalice makes of the project by itself, in `out`: what the one of `build` is held against.

    Raises:
        SystemExit: as for `build`.
    """
    project = out / "project"
    for name in (*_APP, *_TEMPLATE, "requirements.txt"):
        _copy(root / name, project / name)
    return _chalice_package(project, stage) / "deployment.zip"


def _application(root: Path, project: Path, stage: str) -> Path:
    """Package the application without its dependencies: `sam.yaml` and `deployment.zip` in the returned directory."""
    for name in (*_APP, *_TEMPLATE):
        _copy(root / name, project / name)
    return _chalice_package(project, stage, "--merge-template", "infra/resources.yaml")


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
    """The template as JSON, deployable as no other stage than the one it was packaged for, with the stage's runtime."""
    document = yaml.safe_load(template)
    for resource in document["Resources"].values() if stage != "local" else ():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = runtime(RUNTIME)
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
    if PYTHON != RUNTIME:
        print(f"Packaged for {runtime(PYTHON)}; the stages test and prod take {runtime(RUNTIME)}.")
    print(f"{os.path.relpath(package.template)}  {os.path.relpath(package.code)} ({size:.1f} MB)")


if __name__ == "__main__":
    main()
