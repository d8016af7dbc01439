import pytest

from tests.house.law import ROOMS, broken_laws
from tests.house.source import python_files

SOURCES = python_files("app.py", "chalicelib")


@pytest.mark.parametrize("path", SOURCES)
def test_a_module_imports_only_what_its_room_may(path: str) -> None:
    assert broken_laws(path, SOURCES[path]) == []


def test_every_room_is_lived_in() -> None:
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
        ("chalicelib/domain/gifts.py", "from chalicelib.ports import Clock"),
        ("chalicelib/domain/gifts.py", "from .ids import iso"),
        ("chalicelib/domain/gifts.py", "def f():\n    from os import environ"),
        ("chalicelib/ports.py", "from chalicelib.usecases.send_gift import send_gift"),
        ("chalicelib/usecases/send_gift.py", "import time"),
        ("chalicelib/usecases/send_gift.py", "import msgspec"),
        ("chalicelib/usecases/send_gift.py", "import stripe"),
        ("chalicelib/usecases/send_gift.py", "from chalicelib import wiring"),
        ("chalicelib/usecases/send_gift.py", "from chalicelib.settings import Settings"),
        ("chalicelib/usecases/send_gift.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/usecases/send_gift.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import stripe"),
        ("chalicelib/adapters/clock.py", "import os"),
        ("chalicelib/adapters/clock.py", "import chalice"),
        ("chalicelib/adapters/clock.py", "import requests"),
        ("chalicelib/adapters/clock.py", "from chalicelib.settings import Settings"),
        ("chalicelib/adapters/clock.py", "from chalicelib.adapters.tables import key"),
        ("chalicelib/adapters/tables.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/adapters/clock.py", "import boto3\nimport stripe"),
        ("chalicelib/adapters/sns_publisher.py", "import types_boto3_sns"),
        ("chalicelib/web.py", "from chalicelib.usecases.send_gift import send_gift"),
        ("chalicelib/web.py", "from chalicelib.domain.gifts import GiftOrder"),
        ("chalicelib/web.py", "import os.path"),
        ("chalicelib/web.py", "from chalice import Chalice"),
        ("chalicelib/strict_json.py", "from chalicelib import web"),
        ("chalicelib/schemas.py", "from chalicelib.web import Answer"),
        ("chalicelib/openapi.py", "from chalicelib import schemas"),
        ("chalicelib/pages/__init__.py", "from chalicelib.domain.gifts import GiftOrder"),
        ("chalicelib/telemetry.py", "import os"),
        ("chalicelib/web.py", "from aws_lambda_powertools import Logger"),
        ("chalicelib/wiring.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/wiring.py", "def f():\n    import boto3"),
        ("chalicelib/wiring.py", "def f():\n    from chalicelib import web"),
        ("app.py", "import os"),
        ("app.py", "import boto3"),
        ("app.py", "from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/attic.py", ""),
    ],
)
def test_the_law_is_enforced(path: str, source: str) -> None:
    assert len(broken_laws(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/domain/gifts.py", "from chalicelib.domain.ids import iso\nfrom collections.abc import Mapping"),
        ("chalicelib/adapters/rows.py", "from chalicelib.adapters.tables import key\nimport pynamodb.models"),
        ("chalicelib/adapters/sns_publisher.py", "if TYPE_CHECKING:\n    import types_boto3_sns"),
        ("chalicelib/adapters/sns_publisher.py", "import boto3\nfrom botocore.config import Config\nimport msgspec"),
        ("chalicelib/wiring.py", "import os\ndef f():\n    from chalicelib.adapters.clock import SystemClock"),
        ("chalicelib/openapi.py", "from chalicelib import VERSION"),
    ],
)
def test_the_law_lets_through_what_it_should(path: str, source: str) -> None:
    assert broken_laws(path, source) == []
