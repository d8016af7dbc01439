import pytest

from tests.house.law import ROOMS, broken_laws
from tests.house.source import python_files

SOURCES = python_files("app.py", "chalicelib", "infra")


@pytest.mark.parametrize("path", SOURCES)
def test_imports_of_a_module_are_those_its_room_may(path: str) -> None:
    assert broken_laws(path, SOURCES[path]) == []


def test_rooms_of_the_law_have_modules() -> None:
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in SOURCES}
    assert all(any(module == room or module.startswith(f"{room}.") for module in modules) for room in ROOMS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/errors.py", "from chalicelib.domain.ids import iso"),
        ("chalicelib/errors.py", "import dataclasses"),
        ("chalicelib/domain/gifts.py", "import os"),
        ("chalicelib/domain/gifts.py", "import time"),
        ("chalicelib/domain/gifts.py", "import random"),
        ("chalicelib/domain/gifts.py", "import logging"),
        ("chalicelib/domain/gifts.py", "from uuid import uuid4"),
        ("chalicelib/domain/gifts.py", "import msgspec"),
        ("chalicelib/domain/gifts.py", "from msgspec import json"),
        ("chalicelib/domain/gifts.py", "from chalicelib.ports.clock import Clock"),
        ("chalicelib/domain/gifts.py", "from .ids import iso"),
        ("chalicelib/domain/gifts.py", "def f():\n    from os import environ"),
        ("chalicelib/ports/ledger.py", "from chalicelib.usecases.gifts import send_gift"),
        ("chalicelib/usecases/gifts.py", "import time"),
        ("chalicelib/usecases/gifts.py", "import msgspec"),
        ("chalicelib/usecases/gifts.py", "import stripe"),
        ("chalicelib/usecases/gifts.py", "from chalicelib import services"),
        ("chalicelib/usecases/gifts.py", "from chalicelib.settings import Settings"),
        ("chalicelib/usecases/gifts.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/usecases/gifts.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import stripe"),
        ("chalicelib/adapters/clock.py", "import os"),
        ("chalicelib/adapters/clock.py", "import chalice"),
        ("chalicelib/adapters/clock.py", "import requests"),
        ("chalicelib/adapters/clock.py", "from chalicelib.settings import Settings"),
        ("chalicelib/adapters/clock.py", "from chalicelib.adapters.dynamodb.models import key"),
        ("chalicelib/adapters/dynamodb/models.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/adapters/clock.py", "import boto3\nimport stripe"),
        ("chalicelib/adapters/aws/sns_publisher.py", "import types_boto3_sns"),
        ("chalicelib/http/routing.py", "from chalicelib.usecases.gifts import send_gift"),
        ("chalicelib/http/routing.py", "from chalicelib import services"),
        ("chalicelib/http/routing.py", "import os.path"),
        ("chalicelib/http/routing.py", "from chalice import Chalice"),
        ("chalicelib/http/strict_json.py", "from chalicelib.http import routing"),
        ("chalicelib/http/schemas/common.py", "from chalicelib.http.routing import Api"),
        ("chalicelib/http/openapi.py", "from chalicelib import services"),
        ("chalicelib/workers.py", "from chalicelib.http import routing"),
        ("infra/package.py", "from tests.fakes import FakeLedger"),
        ("chalicelib/http/pages/__init__.py", "from chalicelib.domain.gifts import GiftOrder"),
        ("chalicelib/telemetry.py", "import os"),
        ("chalicelib/http/routing.py", "from aws_lambda_powertools import Logger"),
        ("chalicelib/services.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/services.py", "def f():\n    import boto3"),
        ("chalicelib/services.py", "def f():\n    from chalicelib.http import routing"),
        ("app.py", "import os"),
        ("app.py", "import boto3"),
        ("app.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/attic.py", ""),
    ],
)
def test_forbidden_import_is_found(path: str, source: str) -> None:
    assert len(broken_laws(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/domain/gifts.py", "from chalicelib.domain.ids import iso\nfrom collections.abc import Mapping"),
        (
            "chalicelib/adapters/dynamodb/mapping.py",
            "from chalicelib.adapters.dynamodb.models import key\nimport pynamodb.models",
        ),
        ("chalicelib/adapters/aws/sns_publisher.py", "if TYPE_CHECKING:\n    import types_boto3_sns"),
        (
            "chalicelib/adapters/aws/sns_publisher.py",
            "import boto3\nfrom botocore.config import Config\nimport msgspec",
        ),
        ("chalicelib/services.py", "import os\ndef f():\n    from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/http/openapi.py", "from chalicelib import VERSION"),
    ],
)
def test_allowed_import_passes(path: str, source: str) -> None:
    assert broken_laws(path, source) == []
