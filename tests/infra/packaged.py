"""The package of the local stage, built at most once, and each stage's template before and after the SAM transform."""

import json
import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from infra.package import Package, build, render_template

Template = dict[str, Any]

CLEAN_ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "HOME": os.devnull}


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of the resources of one type, by logical id."""
    return {name: found["Properties"] for name, found in template["Resources"].items() if found["Type"] == kind}


@cache
def packaged_template(stage: str) -> Template:
    """Return the template of a stage as packaging writes it. Callers must not change it."""
    text = build(stage).template.read_text() if stage == "local" else render_template(stage)
    loaded: Template = json.loads(text)
    return loaded


@cache
def transformed_template(stage: str) -> Template:
    """Return the plain CloudFormation that the SAM transform makes of a stage's template. Callers must not change it.

    The transform accepts only code that lies in S3.
    """
    document: Template = json.loads(json.dumps(packaged_template(stage)))
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        result: Template = transform(document, {}, _NoManagedPolicies())
    return result


@pytest.fixture(scope="session")
def package() -> Package:
    return build("local")


@pytest.fixture(scope="session")
def template() -> Template:
    return packaged_template("local")


@pytest.fixture(scope="session")
def transformed() -> Template:
    return transformed_template("local")


@pytest.fixture(scope="session")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked zip, laid out as Lambda does in /var/task."""
    task = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package.code) as archive:
        archive.extractall(task)
    return task


class _NoManagedPolicies:
    """No managed policies: the template uses none, so SAM does not have to list them."""

    def load(self) -> dict[str, str]:
        return {}


def in_lambda(unpacked: Path, program: str) -> str:
    """Run a program with the zip and the standard library only, as Lambda does. Returns its output."""
    command = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{program}"]
    done = subprocess.run(
        [*command, str(unpacked)], env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
