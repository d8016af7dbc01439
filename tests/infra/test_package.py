"""The deployment package: complete, small, compiled and reproducible."""

import ast
import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bundle import compile_tree, write_zip
from infra.package import PYTHON, ROOT, RUNTIME, Package, build, require_runtime
from infra.service_models import OPERATIONS
from tests.infra.packaged import CLEAN_ENVIRONMENT, in_lambda

UNCHECKED_HASH = 0b01
IMPORT_ALL = """
import importlib, pkgutil, chalicelib, app
from chalicelib import workers
for found in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
    importlib.import_module(found.name)
assert app.app and workers.relay
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print([file for file in files if "site-packages" in file])
"""
SMALL_APP = """
from chalice.app import Chalice
app = Chalice(app_name="small")
@app.route("/")
def index():
    return {value}
"""


def clients_in(source: str) -> Iterator[str]:
    """Find the services of created clients: `client("sns")`, `session.create_client(service_name=...)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            named = [word.value for word in node.keywords if word.arg == "service_name"]
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if called in {"client", "resource", "create_client"}:
                for value in named or node.args[:1]:
                    assert isinstance(value, ast.Constant), "a client's service must be written out: it may be pruned"
                    assert isinstance(value.value, str)
                    yield value.value
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            if any(name.split(".")[0] == "pynamodb" for name in names):
                yield "dynamodb"


def clients_of(root: Path) -> set[str]:
    # aws_session.py creates the clients for the other modules.
    files = {root / "app.py", *root.glob("chalicelib/**/*.py")} - {root / "chalicelib/adapters/aws_session.py"}
    return {name for file in files for name in clients_in(file.read_text())}


class TestContent:
    def test_contains_runtime_files_only(self, unpacked: Path) -> None:
        for name in ("app.py", "chalice/app.py", "chalice/__init__.py", "chalicelib/settings.py"):
            assert (unpacked / name).is_file(), name
        for name in ("infra", "tests", ".chalice", "Makefile", "pyproject.toml", "requirements.txt", "moto", "pytest"):
            assert not (unpacked / name).exists(), name
        assert list((unpacked / "chalicelib").rglob("*.md")) == []

    def test_contains_data_files(self, unpacked: Path) -> None:
        for folder in ("http/pages", "catalogues", "catalogues/pictures"):
            files = [file for file in (ROOT / "chalicelib" / folder).glob("*.*") if file.suffix != ".md"]
            assert files
            for file in files:
                assert (unpacked / "chalicelib" / folder / file.name).read_bytes() == file.read_bytes()

    def test_every_module_imports_from_the_zip_only(self, unpacked: Path) -> None:
        assert in_lambda(unpacked, IMPORT_ALL).strip() == "[]"

    def test_contains_library_metadata(self, unpacked: Path) -> None:
        program = "from importlib.metadata import version; print(version('botocore'), version('stripe'))"
        assert len(in_lambda(unpacked, program).split()) == 2

    def test_contains_time_zones(self, unpacked: Path) -> None:
        program = "import zoneinfo; zoneinfo.reset_tzpath([]); print(zoneinfo.ZoneInfo('Asia/Kathmandu'))"
        assert in_lambda(unpacked, program).strip() == "Asia/Kathmandu"

    def test_contains_licenses(self, unpacked: Path) -> None:
        assert list(unpacked.glob("stripe-*.dist-info/**/LICENSE*"))
        assert list(unpacked.glob("botocore-*.dist-info/**/LICENSE*"))

    def test_size_is_within_limits(self, package: Package, unpacked: Path) -> None:
        assert package.code.stat().st_size < 25e6
        assert sum(file.stat().st_size for file in unpacked.rglob("*")) < 100e6


class TestClients:
    def test_botocore_data_has_used_services_only(self, unpacked: Path) -> None:
        assert {found.name for found in (unpacked / "botocore/data").iterdir() if found.is_dir()} == set(OPERATIONS)
        for name in ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"):
            assert (unpacked / "botocore/data" / name).is_file()

    def test_services_of_clients_in_the_code_are_kept(self) -> None:
        assert clients_of(ROOT) <= set(OPERATIONS)

    def test_every_client_is_created_from_the_zip(self, unpacked: Path) -> None:
        names = sorted({*clients_of(ROOT), *OPERATIONS})
        program = (
            "from chalicelib.adapters.aws_session import client\n"
            f"print([client(name).meta.service_model.service_name for name in {names!r}])"
        )
        assert in_lambda(unpacked, program).strip() == repr(names)

    def test_endpoints_equal_those_of_complete_botocore(self, unpacked: Path) -> None:
        regions = ("us-east-1", "eu-central-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "mars-north-1")
        program = (
            "import json\nfrom botocore.session import Session\nsession = Session()\n"
            f"names, regions = {tuple(OPERATIONS)!r}, {regions!r}\n"
            "made = {(name, region): session.create_client(name, region) for name in names for region in regions}\n"
            "print(json.dumps([[*at, client.meta.endpoint_url] for at, client in made.items()]))"
        )
        complete = subprocess.run(
            [sys.executable, "-I", "-c", program], env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=True
        ).stdout
        assert json.loads(in_lambda(unpacked, program)) == json.loads(complete)

    def test_client_of_pruned_service_is_detected(self, unpacked: Path) -> None:
        assert set(clients_in("session.client('s3')\nclient('sqs')\nimport pynamodb.models")) == {
            "s3",
            "sqs",
            "dynamodb",
        }
        with pytest.raises(AssertionError, match="UnknownServiceError"):
            in_lambda(unpacked, "from chalicelib.adapters.aws_session import client\nclient('s3')")


class TestBytecode:
    def test_every_source_has_unchecked_bytecode(self, unpacked: Path) -> None:
        sources = list(unpacked.rglob("*.py"))
        assert len(sources) > 1000
        for source in sources:
            compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
            assert compiled[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(compiled[4:8], "little") == UNCHECKED_HASH, source
            assert compiled[8:16] == importlib.util.source_hash(source.read_bytes()), source

    def test_nothing_is_compiled_at_start(self, unpacked: Path) -> None:
        program = "import _frozen_importlib_external as external\ncompiled = []\n"
        program += "external.SourceLoader.source_to_code = lambda self, data, path, **_: compiled.append(path)\n"
        assert in_lambda(unpacked, f"{program}import botocore.session, app\nprint(compiled)").strip() == "[]"

    def test_bytecode_has_paths_of_the_unpacked_zip(self, unpacked: Path) -> None:
        program = "import chalicelib.settings as s; print(s.Settings.read.__code__.co_filename)"
        assert in_lambda(unpacked, program).strip() == str(unpacked / "chalicelib/settings.py")


class TestReproducible:
    def test_two_builds_are_equal(self, package: Package, tmp_path: Path) -> None:
        again = build("local", tmp_path)
        assert again.code.read_bytes() == package.code.read_bytes()
        assert again.template.read_text() == package.template.read_text()

    def test_bytecode_is_independent_of_build_directory(self, tmp_path: Path) -> None:
        source = 'def kind(word: str) -> bool:\n    return word in {"gift", "purchase", "clawback"}\n'
        archives = []
        for name in ("here", "elsewhere"):
            tree = tmp_path / name / "tree"
            tree.mkdir(parents=True)
            (tree / "module.py").write_text(source)
            compile_tree(tree)
            write_zip(tree, tmp_path / f"{name}.zip")
            archives.append((tmp_path / f"{name}.zip").read_bytes())
        assert archives[0] == archives[1]

    def test_write_zip_rejects_file_of_its_base(self, tmp_path: Path) -> None:
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree/six.py").touch()
        write_zip(tmp_path / "tree", tmp_path / "base.zip")
        with pytest.raises(ValueError, match=r"six\.py is in two trees"):
            write_zip(tmp_path / "tree", tmp_path / "out.zip", base=tmp_path / "base.zip")


class TestRuntime:
    @pytest.mark.parametrize("stage", ["test", "prod"])
    def test_require_runtime_stage_on_aws_needs_its_python(self, stage: str) -> None:
        require_runtime(stage, RUNTIME)
        with pytest.raises(
            SystemExit, match=rf"^The stage {stage} runs on python3\.13 .* this is python3\.11: install"
        ):
            require_runtime(stage, (3, 11))

    def test_require_runtime_local_accepts_any_python(self) -> None:
        require_runtime("local", (3, 11))

    def test_compiled_libraries_match_the_packaging_python(self, unpacked: Path) -> None:
        names = {file.name.split(".")[1] for file in unpacked.rglob("*.so")}
        assert names
        assert names <= {f"cpython-{PYTHON[0]}{PYTHON[1]}-x86_64-linux-gnu", "abi3"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal project without its app, whose packaged dependencies are kept."""
    root = tmp_path_factory.mktemp("small")
    for folder in ("chalicelib/catalogues", ".chalice", "infra"):
        (root / folder).mkdir(parents=True)
    (root / "requirements.txt").touch()
    (root / "chalicelib/__init__.py").touch()
    config = {"version": "2.0", "app_name": "small", "stages": {"local": {"api_gateway_stage": "local"}}}
    (root / ".chalice/config.json").write_text(json.dumps(config))
    (root / "infra/resources.yaml").write_text("Parameters: {Stage: {Type: String}}\n")
    return root


class TestSmallProject:
    """A minimal project, in which tests change and break files. A build that an earlier test made is not repeated."""

    @pytest.fixture
    def project(self, folder: Path) -> Path:
        self.write_app(folder, "1")
        return folder

    def write_app(self, project: Path, value: str) -> None:
        (project / "app.py").write_text(SMALL_APP.replace("{value}", value))

    def test_build_after_changed_catalogue_runs_no_chalice_and_equals_whole_build(self, project: Path) -> None:
        (project / "chalicelib/catalogues/default.json").write_text("1")
        bare = build("local", root=project).code.with_name("without_catalogues.zip")
        packaged = bare.stat().st_mtime_ns
        (project / "chalicelib/catalogues/default.json").write_text("2")
        again = build("local", root=project).code
        assert bare.stat().st_mtime_ns == packaged
        with zipfile.ZipFile(again) as opened:
            assert opened.read("chalicelib/catalogues/default.json") == b"2"
        assert again.read_bytes() == build("local", project / "whole", root=project).code.read_bytes()

    def test_build_omits_caches_and_editor_files(self, project: Path) -> None:
        clean = build("local", root=project).code.read_bytes()
        (project / "chalicelib/__pycache__").mkdir()
        (project / "chalicelib/__pycache__/old.cpython-311.pyc").write_bytes(b"old")
        (project / "chalicelib/.DS_Store").touch()
        (project / "chalicelib/README.md").touch()
        assert build("local", project / "dirty", root=project).code.read_bytes() == clean

    def test_build_runs_again_only_after_a_change(self, project: Path) -> None:
        package = build("local", root=project)
        first = package.code.stat().st_mtime_ns
        assert build("local", root=project).code.stat().st_mtime_ns == first
        self.write_app(project, "2")
        assert build("local", root=project).code.stat().st_mtime_ns > first

    def test_build_of_broken_application_shows_chalices_error(self, project: Path) -> None:
        self.write_app(project, "(")
        with pytest.raises(SystemExit, match="SyntaxError"):
            build("local", root=project)
