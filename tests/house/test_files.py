"""Files beside the code: versions, locks, deployment settings, and nothing private."""

import json
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from chalicelib import VERSION
from tests.house.source import ROOT, python_files, tracked_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.txt"))
STAGES = json.loads((ROOT / ".chalice/config.json").read_text())["stages"]

# Split, so that this file does not match its own rule.
_ELSEWHERE = re.compile(
    "|".join(
        [
            r"(?<![\w.:/-])/" + r"work\b",
            r"\.\./" + r"shared\b",
            r"files\." + r"pythonhosted\.org",
            r"\bpypi\." + r"org",
            r"registry\." + r"npmjs\.org",
            r"proxy\." + r"golang\.org",
            r"--(extra-)?index-" + r"url[ =]",
        ]
    )
)
_LOCKED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+( ;[^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")


def unlocked(text: str) -> list[str]:
    """List requirements without one pinned version and its hashes."""
    requirements = re.sub(r" \\\n", "\0", text.strip()).splitlines()
    restored = [requirement.replace("\0", " \\\n") for requirement in requirements if requirement[:1] not in {"#", ""}]
    return [requirement for requirement in restored if not _LOCKED.fullmatch(requirement)]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_requirements_are_locked_to_hashes(path: Path) -> None:
    assert unlocked(path.read_text()) == []


def test_requirements_are_locked() -> None:
    assert [path.with_suffix(".in").name for path in LOCKS] == sorted(path.name for path in ROOT.glob("*.in"))


@pytest.mark.parametrize(
    "text",
    [
        "boto3",
        "boto3>=1",
        "boto3==1.0",
        "boto3==1.0 \\\n    --hash=md5:abc",
        "boto3 @ https://example.org/boto3.zip",
        "-r other.txt",
        "a==1 \\\n    --hash=sha256:" + "0" * 63,
    ],
)
def test_loose_requirement_is_found(text: str) -> None:
    good = "stripe==1.0 ; python_version > '3' \\\n    --hash=sha256:" + "0" * 64
    assert unlocked(f"# a comment\n{good}\n{text}\n{good}\n") == [text]


def test_version_stands_in_chalicelib_alone() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "chalicelib.VERSION"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def listed(name: str) -> list[str]:
    """List the requirements of an .in file."""
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and line[0] not in {"#", "-"}]


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("requirements.in", PROJECT["project"]["dependencies"]),
        ("requirements-dev.in", PROJECT["dependency-groups"]["dev"]),
        ("requirements-cloud.in", PROJECT["dependency-groups"]["cloud"]),
    ],
)
def test_pyproject_declares_what_the_in_file_lists(name: str, declared: list[str]) -> None:
    assert declared == listed(name)


def distributions_imported(folders: tuple[str, ...]) -> dict[str, str]:
    """Map the distributions that the folders import to a file that does."""
    known, found = packages_distributions(), {}
    for path, source in python_files(*folders).items():
        for module in re.findall(r"^ *(?:from|import) (\w+)", source, re.MULTILINE):
            for distribution in known.get(module, [])[:1]:
                found[canonical(distribution)] = path
    return found


def canonical(requirement: str) -> str:
    """Normalize the name of a requirement. Stubs of AWS services are extras of one package."""
    name = re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()
    return "types-boto3" if name.startswith("types-boto3-") else name


@pytest.mark.parametrize(
    ("folders", "lists"),
    [
        (("app.py", "chalicelib"), ("requirements.in",)),
        (("infra", "tests"), ("requirements.in", "requirements-dev.in")),
    ],
)
def test_imports_are_declared(folders: tuple[str, ...], lists: tuple[str, ...]) -> None:
    # `chalice package` adds Chalice's runtime by itself, and no type stub is imported at run time.
    declared = {"chalice", "types-boto3"} | {canonical(requirement) for name in lists for requirement in listed(name)}
    imported = distributions_imported(folders)
    assert imported
    assert {name: path for name, path in imported.items() if name not in declared} == {}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_have_no_debugging_and_written_policies(stage: str) -> None:
    assert "debug" not in json.dumps(STAGES[stage]).lower()
    assert STAGES[stage]["autogen_policy"] is False


def test_stages_have_the_same_settings() -> None:
    assert set(STAGES) == {"local", "test", "prod"}
    assert len({json.dumps(settings).replace(stage, "") for stage, settings in STAGES.items()}) == 1


def test_app_never_turns_debugging_on() -> None:
    assert not re.search(r"\bdebug\s*=", (ROOT / "app.py").read_text())


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_files_name_no_place_of_their_making() -> None:
    if not tracked_files():
        pytest.skip("not a git checkout")
    texts = {path.name: path.read_text(errors="replace") for path in tracked_files()}
    assert {name: found[0] for name, text in texts.items() if (found := _ELSEWHERE.search(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "see " + "/" + "work/notes",
        "cd " + "/" + "work",
        "../" + "shared/DESIGN.md",
        "https://" + "pypi." + "org/simple",
        "--index-" + "url https://mirror",
    ],
)
def test_place_of_making_is_found(text: str) -> None:
    assert _ELSEWHERE.search(text)


@pytest.mark.parametrize("text", ["framework", "/workers", ".github/workflows", "--no-emit-index-" + "url"])
def test_file_without_a_place_of_making_passes(text: str) -> None:
    assert not _ELSEWHERE.search(text)
