"""Package a stage: `python -m infra.package --stage local` writes `build/local/sam.json` and `deployment.zip`.

`chalice package` runs twice: for the dependencies, which change with requirements.txt and are cached under
`build/.cache`, and for the application with its template. The catalogues are added last, so that a change of them
needs neither run. The zip is identical for every stage, and independent of the steps that were saved.

Chalice chooses wheels and runtime by the interpreter that runs it, and bytecode fits one version of Python. So the
stages on AWS are packaged on RUNTIME only. The stage local uses this environment's version, on which MiniStack runs the
functions too.
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
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from infra.bundle import compile_tree, prune, write_zip

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("local", "test", "prod")
RUNTIME = (3, 13)
"""The Python version of the stages on AWS."""

PYTHON = sys.version_info[:2]
"""The Python version of this interpreter, and so of the stage local."""

_APP = ("app.py", "chalicelib")
_CATALOGUES = "chalicelib/catalogues"
_TEMPLATE = (".chalice", "infra/resources.yaml")
_TOOLS = ("infra/package.py", "infra/bundle.py", "infra/service_models.py")
_NOT_SHIPPED = shutil.ignore_patterns(
    *("__pycache__", "*.pyc", "*.md", ".*.sw?", ".DS_Store", "deployments", "deployed"),
)
_LAYER_APP = """\
from chalice.app import Chalice
app = Chalice(app_name="layer")
app.lambda_function(name="layer")(lambda event, context: None)
"""
_LAYER_CONFIG = {"version": "2.0", "app_name": "layer", "stages": {"layer": {"api_gateway_stage": "layer"}}}


@dataclass(frozen=True, slots=True)
class Package:
    """The paths of a packaged stage."""

    template: Path
    """CloudFormation template with the SAM transform, in JSON. Each function's CodeUri is `./deployment.zip`."""
    code: Path
    """The deployment package of all functions."""


def build(stage: str, out: Path | None = None, root: Path = ROOT) -> Package:
    """Package a stage, unless the existing files were built from the same sources.

    Args:
        stage: one of STAGES.
        out: the output directory; default: `build/<stage>`.
        root: the project's directory.

    Raises:
        SystemExit: this is not the stage's Python, Chalice failed (with its message), or a dependency has no wheel for
            Lambda.
    """
    require_runtime(stage)
    out = out or root / "build" / stage
    package = Package(template=out / "sam.json", code=out / "deployment.zip")
    bare = Package(template=package.template, code=out / "without_catalogues.zip")
    sources = _digest(root, ("requirements.txt", *_APP, *_TEMPLATE, *_TOOLS), without=_CATALOGUES)
    out.mkdir(parents=True, exist_ok=True)
    _once(bare, sources, lambda: _build_code(bare, stage, root))
    whole = f"{sources} {_digest(root, (_CATALOGUES,))}"
    _once(package, whole, lambda: _add_catalogues(bare.code, package.code, root))
    return package


def render_template(stage: str, root: Path = ROOT) -> str:
    """Render a stage's template without packaging. Only the runtime of the stage local depends on the Python."""
    with tempfile.TemporaryDirectory() as temporary:
        return _pinned((_application(root, Path(temporary), stage) / "sam.yaml").read_text(), stage)


def require_runtime(stage: str, running: tuple[int, int] = PYTHON) -> None:
    """Check that this interpreter can package the stage.

    Raises:
        SystemExit: it cannot; the message names the version to install.
    """
    if stage != "local" and running != RUNTIME:
        raise SystemExit(
            f"The stage {stage} runs on {runtime(RUNTIME)} and can only be packaged on it, but this is "
            f"{runtime(running)}: install Python {RUNTIME[0]}.{RUNTIME[1]}, then run make again."
        )


def runtime(version: tuple[int, int]) -> str:
    """Format a Python version as Lambda's runtime, such as `python3.13`."""
    return f"python{version[0]}.{version[1]}"


def chalice_alone(stage: str, out: Path, root: Path = ROOT) -> Path:
    """Package the project by Chalice alone, as a reference for the zip of `build`.

    Args:
        stage: one of STAGES.
        out: the output directory.
        root: the project's directory.

    Raises:
        SystemExit: Chalice failed, or a dependency has no wheel for Lambda.
    """
    project = out / "project"
    for name in (*_APP, *_TEMPLATE, "requirements.txt"):
        _copy(root / name, project / name)
    return _chalice_package(project, stage) / "deployment.zip"


def _application(root: Path, project: Path, stage: str) -> Path:
    """Package the application without its dependencies. Returns the directory of `sam.yaml` and `deployment.zip`."""
    for name in (*_APP, *_TEMPLATE):
        _copy(root / name, project / name)
    return _chalice_package(project, stage, "--merge-template", "infra/resources.yaml")


def _once(package: Package, sources: str, write: Callable[[], None]) -> None:
    """Write a package, unless it was written from the same sources, which are recorded beside it."""
    mark = package.code.with_suffix(".sha256")
    if package.template.exists() and package.code.exists() and mark.exists() and mark.read_text() == sources:
        return
    mark.unlink(missing_ok=True)
    write()
    mark.write_text(sources)


def _build_code(package: Package, stage: str, root: Path) -> None:
    """Write the template, and the zip without the catalogues."""
    layer = _layer(root)
    with tempfile.TemporaryDirectory(dir=layer.parent) as temporary:
        built = _application(root, Path(temporary) / "project", stage)
        tree = Path(temporary) / "app"
        _unzip(built / "deployment.zip", tree)
        shutil.rmtree(tree / _CATALOGUES, ignore_errors=True)
        compile_tree(tree)
        write_zip(tree, Path(temporary) / package.code.name, base=layer)
        shutil.move(Path(temporary) / package.code.name, package.code)
        package.template.write_text(_pinned((built / "sam.yaml").read_text(), stage))


def _add_catalogues(bare: Path, code: Path, root: Path) -> None:
    """Write the zip with the present catalogues."""
    with tempfile.TemporaryDirectory(dir=code.parent) as temporary:
        _copy(root / _CATALOGUES, Path(temporary) / "tree" / _CATALOGUES)
        write_zip(Path(temporary) / "tree", Path(temporary) / code.name, base=bare)
        (Path(temporary) / code.name).replace(code)


def _layer(root: Path) -> Path:
    """Install the dependencies for Lambda by Chalice, pruned and compiled, once per lock file. Returns their zip."""
    cached = root / "build/.cache" / f"layer-{_digest(root, ('requirements.txt', *_TOOLS))[:20]}.zip"
    if cached.is_file():
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
        shutil.rmtree(tree / "chalice")  # Chalice's runtime is part of the application's package
        prune(tree)
        compile_tree(tree)
        write_zip(tree, Path(temporary) / cached.name)
        (Path(temporary) / cached.name).replace(cached)  # a concurrent run may have created it
    return cached


def _chalice_package(project: Path, stage: str, *options: str) -> Path:
    """Run `chalice package` on a project, without the AWS configuration of this machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    isolated = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    # Chalice imports the project, and would package the bytecode of that import.
    program = "import sys; from chalice.cli import main; sys.dont_write_bytecode = True; raise SystemExit(main())"
    command = [sys.executable, "-c", program]
    command += ["package", "--stage", stage, *options, "out"]
    done = subprocess.run(command, cwd=project, env=inherited | isolated, capture_output=True, text=True, check=False)
    if done.returncode or "Could not install dependencies" in done.stdout + done.stderr:
        raise SystemExit(f"chalice package failed:\n{done.stdout}{done.stderr}")
    return project / "out"


def _pinned(template: str, stage: str) -> str:
    """Convert the template to JSON, with `Stage` restricted to the packaged stage.

    The stages on AWS get their runtime, and take addresses of https only.
    """
    document = yaml.safe_load(template)
    if stage != "local":
        _restrict(document)
    document["Parameters"]["Stage"] |= {"AllowedValues": [stage], "Default": stage}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _restrict(document: dict[str, Any]) -> None:
    for resource in document["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = runtime(RUNTIME)
    for parameter in document["Parameters"].values():
        pattern = parameter.get("AllowedPattern", "")
        if pattern.startswith("https?://"):
            parameter["AllowedPattern"] = pattern.replace("https?://", "https://")


def _digest(root: Path, names: tuple[str, ...], without: str | None = None) -> str:
    """Hash the files and directories, except those in `without`, the interpreter and Chalice's version."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()} {version('chalice')}".encode())
    for name in names:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            inside = file.relative_to(root)
            if without and inside.is_relative_to(without):
                continue
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
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    package = build(arguments.stage, arguments.out)
    size = package.code.stat().st_size / 1e6
    if PYTHON != RUNTIME:
        print(f"Packaged for {runtime(PYTHON)}; the stages test and prod need {runtime(RUNTIME)}.")
    print(f"{os.path.relpath(package.template)}  {os.path.relpath(package.code)} ({size:.1f} MB)")


if __name__ == "__main__":
    main()
