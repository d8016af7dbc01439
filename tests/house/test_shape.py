import pytest

from tests.house import commands, shape
from tests.house.rules import RULES, Rule


@pytest.mark.parametrize(("rule", "sources"), RULES, ids=[rule.__name__ for rule, _ in RULES])
def test_sources_keep_the_rules(rule: Rule, sources: dict[str, str]) -> None:
    assert sources
    assert [complaint for path, source in sources.items() for complaint in rule(path, source)] == []


def lines(number: int) -> str:
    return "x = 1\n" * number


PASSED_ON = "def run() -> subprocess.CompletedProcess[str]:\n    return subprocess.run(['ls'])\n"


def function(number: int) -> str:
    """Build a function of that many lines."""
    return "def f():\n" + "    x = 1\n" * (number - 1)


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (shape.too_long, "chalicelib/http/routing.py", lines(301)),
        (shape.too_long, "app.py", lines(61)),
        (shape.too_long, "a.py", function(41)),
        (shape.too_long, "a.py", "class A:\n    async " + function(41).replace("\n", "\n    ").strip()),
        (shape.mocked, "a.py", "from unittest import mock"),
        (shape.mocked, "a.py", "from unittest.mock import patch"),
        (shape.mocked, "a.py", "import unittest.mock"),
        (shape.mocked, "a.py", "import mock"),
        (shape.mocked, "a.py", "def f(mock):\n    mock.patch('a.b')"),
        (shape.asleep, "tests/a.py", "import time\ntime.sleep(1)"),
        (shape.asleep, "tests/a.py", "from time import sleep"),
        (shape.inexact, "a.py", "price = 0.99"),
        (shape.inexact, "a.py", "price = 1e3"),
        (shape.inexact, "a.py", "price = float('1')"),
        (shape.inexact, "a.py", "price = round(cents, 2)"),
        (shape.told_the_time, "a.py", "from datetime import UTC, datetime\nat = datetime.now(UTC)"),
        (shape.told_the_time, "a.py", "from datetime import date\nat = date.today()"),
        (shape.classes_with_behavior, "chalicelib/usecases/gifts.py", "def send_gift(): ...\nclass Sender: ..."),
        (shape.unnamed_units, "tests/a.py", "def test_what_nobody_foresaw_is_counted(): ..."),
        (shape.serialized_by_hand, "a.py", "import json\nbody = json.dumps({})"),
        (shape.serialized_by_hand, "a.py", "from json import dumps"),
        (shape.asserted, "a.py", "def f(x):\n    assert x is not None, 'never'"),
        (shape.key_formats, "a.py", "key = f'WALLET#{user_id}'"),
        (shape.key_formats, "a.py", "is_entry = sort_key.startswith('ENTRY#')"),
        (shape.key_formats, "a.py", "shard = 'CREATOR#' + creator_id"),
        (shape.key_formats, "a.py", "user = keys['PK']"),
        (shape.key_formats, "a.py", "is_wallet = sort_key == 'WALLET'"),
        (shape.careless_writes, "a.py", "row.save()"),
        (shape.careless_writes, "a.py", "row.save(settings)"),
        (shape.careless_writes, "a.py", "transaction.save(row)"),
        (shape.careless_writes, "a.py", "transaction.save(Row.pk.does_not_exist())"),
        (shape.careless_writes, "a.py", "Row.scan()"),
        (shape.careless_writes, "a.py", "row.delete()"),
        (shape.careless_writes, "a.py", "table.put_item(Item={})"),
        (commands.unchecked_commands, "tests/a.py", "import subprocess\nsubprocess.run(['ls'])"),
        (commands.unchecked_commands, "tests/a.py", "out = subprocess.run(['ls'], check=False).stdout"),
        (commands.unchecked_commands, "tests/a.py", "done = subprocess.run(['ls'])\nprint(done.returncode)"),
        (commands.unchecked_commands, "tests/a.py", "done = subprocess.run(['ls'])\nassert other.returncode == 0"),
        (
            commands.unchecked_commands,
            "tests/a.py",
            "def f():\n    with subprocess.Popen(['ls']) as p:\n        p.wait()",
        ),
        (commands.unchecked_commands, "tests/a.py", "run = partial(subprocess.run, check=False)"),
        (commands.unchecked_commands, "tests/a.py", "import os\nos.system('ls')"),
        (commands.unchecked_commands, "tests/a.py", "from subprocess import run"),
        (commands.unchecked_commands, "tests/a.py", "def f():\n    return subprocess.run(['ls']).stdout == ''"),
        (commands.unchecked_commands, "tests/a.py", "subprocess.call(['ls'])"),
        (commands.unchecked_commands, "infra/a.py", PASSED_ON + "print(run().stdout)"),
    ],
)
def test_rule_finds_its_violation(rule: Rule, path: str, source: str) -> None:
    assert len(rule(path, source)) == 1


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (shape.too_long, "a.py", lines(300)),
        (shape.too_long, "app.py", lines(60)),
        (shape.too_long, "a.py", function(40)),
        (shape.mocked, "a.py", "from moto import mock_aws"),
        (shape.asleep, "tests/a.py", "SCRIPT = 'import time; time.sleep(60)'"),
        (shape.inexact, "a.py", "price = 99 // 2"),
        (shape.told_the_time, "a.py", "at = clock.now()"),
        (
            shape.classes_with_behavior,
            "chalicelib/usecases/a.py",
            "def a(): ...\n@dataclass(frozen=True)\nclass B: ...",
        ),
        (shape.classes_with_behavior, "chalicelib/usecases/a.py", "def a(): ...\nclass B(StrEnum): ..."),
        (shape.classes_with_behavior, "chalicelib/usecases/a.py", "def a(): ...\nclass B(A, Protocol): ..."),
        (shape.asserted, "a.py", "def f(x):\n    if x is None:\n        raise NotPosted"),
        (shape.key_formats, "a.py", "def f():\n    '''Return the WALLET# key.'''\n    return '#'.join(ids)"),
        (shape.unnamed_units, "tests/a.py", "def test_wallet_the_first_time_is_empty(): ..."),
        (shape.serialized_by_hand, "a.py", "import json\njson.loads('{}')"),
        (shape.careless_writes, "a.py", "row.save(Row.pk.does_not_exist())"),
        (shape.careless_writes, "a.py", "row.save(condition=Row.pk.exists())"),
        (shape.careless_writes, "a.py", "transaction.save(row, Row.pk.does_not_exist(), return_values='ALL_OLD')"),
        (commands.unchecked_commands, "tests/a.py", "subprocess.run(['ls'], check=True)"),
        (commands.unchecked_commands, "tests/a.py", "subprocess.check_call(['ls'])"),
        (commands.unchecked_commands, "tests/a.py", "ok = subprocess.call(['ls']) == 0"),
        (commands.unchecked_commands, "tests/a.py", "p = subprocess.Popen(['ls'])\nassert p.wait() == 0"),
        (commands.unchecked_commands, "tests/a.py", "done = subprocess.run(['ls'])\nassert done.returncode == 0"),
        (commands.unchecked_commands, "tests/a.py", "done = subprocess.run(['ls'])\nif done.returncode:\n    stop()"),
        (
            commands.unchecked_commands,
            "tests/a.py",
            "with subprocess.Popen(['ls']) as p: ...\nassert p.returncode == 0",
        ),
        (commands.unchecked_commands, "tests/a.py", "children: dict[int, subprocess.Popen[bytes]] = {}"),
        (commands.unchecked_commands, "infra/a.py", PASSED_ON + "ok = run().returncode == 0"),
    ],
)
def test_rule_passes_sound_code(rule: Rule, path: str, source: str) -> None:
    assert rule(path, source) == []
