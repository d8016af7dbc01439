"""Files of a running stack, including those that earlier versions wrote."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from infra.local.deployment import with_catalogue
from infra.local.facts import StackFacts
from infra.local.processes import Process, start_time
from infra.local.registry import Registry
from infra.package import Package

FIRST_KEYS = (
    *("shop_url", "api_url", "stripe_api_url", "stripe_webhook_secret", "issuer_url"),
    *("aws_endpoint_url", "aws_region", "table_name", "topic_arn"),
)


@pytest.mark.parametrize("field", ["started", "born"])
def test_registry_reads_the_start_time_under_its_names(tmp_path: Path, field: str) -> None:
    own = {"name": "front door", "pid": os.getpid(), field: start_time(os.getpid())}
    (tmp_path / "processes.json").write_text(json.dumps({"owner": own | {"name": "owner"}, "processes": [own]}))

    registry = Registry(tmp_path)

    assert registry.owner_lives()
    assert registry.processes() == [Process("front door", os.getpid(), start_time(os.getpid()) or "")]


@pytest.mark.parametrize("content", ["", "[]", '{"owner": 1}', '{"owner": {"name": "x"}}'])
def test_registry_unreadable_file_ends_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "processes.json").write_text(content)
    registry = Registry(tmp_path)
    assert (registry.is_claimed(), registry.owner_lives(), registry.end_all()) == (True, False, [])


def test_facts_of_earlier_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(dict.fromkeys(FIRST_KEYS, "x") | {"since_then_removed": 1}))
    facts = StackFacts.read(tmp_path)
    assert facts is not None
    assert (facts.table_name, facts.catalogue, facts.has_stripe_sandbox) == ("x", "default", True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"shop_url": "x"}'])
def test_facts_unreadable_file_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert StackFacts.read(tmp_path) is None


def test_with_catalogue_adds_the_file_to_a_copy(tmp_path: Path) -> None:
    package = Package(template=tmp_path / "sam.json", code=tmp_path / "deployment.zip")
    with zipfile.ZipFile(package.code, "w") as made:
        made.writestr("app.py", "")
    (tmp_path / "ours.json").write_text("{}")

    changed = with_catalogue(package, tmp_path / "ours.json", tmp_path / "copy")

    assert changed.template == package.template
    with zipfile.ZipFile(package.code) as before, zipfile.ZipFile(changed.code) as after:
        assert before.namelist() == ["app.py"]
        assert after.namelist() == ["app.py", "chalicelib/catalogues/ours.json"]
        assert after.read("chalicelib/catalogues/ours.json") == b"{}"
