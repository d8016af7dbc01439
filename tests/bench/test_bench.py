"""Limits, figures and calls of the bench. Its times are checked by `make bench` alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.bench import cold, warm
from tests.bench.calls import gifts_to
from tests.bench.children import BenchError, Children, require, require_relayed
from tests.bench.counts import BATCHES, relay_messages, relay_write_units
from tests.bench.first_release import NotAvailable, first_release
from tests.bench.libraries import by_library, library_of, shares
from tests.bench.modules import size
from tests.bench.report import Limit, count, exit_code, figures, measure, number, plain, ratio, write_json
from tests.bench.warm import transaction
from tests.house.figures import TIMED

IMPORT_LOG = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   _json
import time:       200 |        300 | json
a line of the function
import time:      4000 |       5000 |   chalicelib.domain
import time:      1000 |       9000 | app
import time:      7000 |       7500 |     botocore.session
import time:        50 |         50 | zipimport
"""
TIMES: cold.Times = {"bare": [0.01], "gift": [0.5, 0.4, 0.6], "webhook": [0.6], "relay": [0.3]}
FLOOR: cold.Times = {"floor": [0.4]}


class TestLimits:
    @pytest.mark.parametrize(("relation", "met", "missed"), [("=", [5], [4, 6]), ("<=", [4.9, 5], [5.01])])
    def test_limit_compares_by_its_relation(self, relation: str, met: Sequence[float], missed: Sequence[float]) -> None:
        limit = Limit(relation, 5)
        assert [limit.is_met(value) for value in met] == [True] * len(met)
        assert [limit.is_met(value) for value in missed] == [False] * len(missed)

    def test_row_has_a_verdict_if_it_has_a_limit(self) -> None:
        assert count("gift", 5, "WRU", 5).cells() == ("gift", "5", "WRU", "= 5", "ok")
        assert measure("cold gift", 7.25, "x", 7).cells() == ("cold gift", "7.25", "x", "<= 7", "NOT MET")
        assert measure("bare", 11.64, "ms").cells() == ("bare", "11.6", "ms", "", "")

    def test_exit_code_depends_on_counts_alone(self) -> None:
        met, missed = count("gift", 1, "requests", 1), count("gift", 2, "requests", 1)
        slow = measure("cold gift", 70, "x", 7)
        assert exit_code({"a": [met], "b": [slow]}) == 0
        assert exit_code({"a": [met], "b": [slow, missed]}) == 1
        assert exit_code({"a": [count("gift: read units", 3, "RRU")]}) == 0, "it has no limit"

    @pytest.mark.parametrize(("gifts", "units", "messages"), [(1, 5, 1), (10, 23, 1), (11, 25, 2), (99, 201, 10)])
    def test_relay_limits_grow_with_its_gifts(self, gifts: int, units: int, messages: int) -> None:
        assert (relay_write_units(gifts), relay_messages(gifts)) == (units, messages)
        assert max(BATCHES) == 99

    def test_cold_and_warm_limits_are_those_of_each_path(self) -> None:
        assert cold.LIMITS == {"gift": 1.10, "webhook": 1.40, "relay": 0.90}
        assert warm.LIMITS == {"webhook": 1.25, "gift": 1.25}


class TestColdRows:
    def test_ratios_are_named_as_the_figures_of_the_house(self) -> None:
        named = figures({"cold": cold.report({**TIMES, **FLOOR})})
        assert named == {"cold_gift_ratio": 1.25, "cold_webhook_ratio": 1.5, "cold_relay_ratio": 0.75}
        assert {*named, *(f"warm_{path}_ratio" for path in warm.LIMITS)} <= set(TIMED)

    def test_rows_with_a_missed_limit_name_their_path(self) -> None:
        missed = [row.path for row in cold.report({**TIMES, **FLOOR}) if row.verdict == "NOT MET"]
        assert missed == ["gift", "webhook"]

    def test_ratios_without_a_floor_are_absent(self) -> None:
        rows = list(cold.report(TIMES))
        assert figures({"cold": rows}) == {}
        assert [row.limit for row in rows] == [None] * 4

    def test_package_of_chalice_alone_is_compared_with_ours(self) -> None:
        *_, last = cold.report({**TIMES, "alone": [1.5]})
        assert (last.value, last.unit) == (3, "x cold gift")


def test_first_release_without_its_commit_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="the history lacks commit 0123456"):
        first_release(tmp_path, tmp_path / "cache", "0123456789")
    assert not (tmp_path / "cache").exists()


class TestLibraries:
    def test_import_times_are_summed_by_library(self) -> None:
        assert by_library(IMPORT_LOG) == {"standard library": 350, "our code": 5000, "botocore": 7000}

    @pytest.mark.parametrize(
        ("module", "library"),
        [
            ("app", "our code"),
            ("chalicelib.services", "our code"),
            ("_sysconfigdata__linux_x86_64-linux-gnu", "standard library"),
            ("jwt.api_jwk", "jwt"),
        ],
    )
    def test_each_module_belongs_to_a_library(self, module: str, library: str) -> None:
        assert library_of(module) == library

    def test_shares_are_percent_of_all_files(self) -> None:
        files = {
            "/p/jwt/api_jws.py": 1.0,
            "/p/jwt/utils.py": 1.0,
            "/p/app.py": 1.0,
            "/usr/lib/python3/json/decoder.py": 5.0,
        }
        found = {row.title: row.value for row in shares(files, Path("/p"))}
        assert found == {"standard library": 62.5, "jwt": 25, "our code": 12.5}


class TestReport:
    def test_ratio_is_one_of_medians(self) -> None:
        assert ratio([0.03, 0.9, 0.02], [0.01, 0.005, 5.0]) == pytest.approx(3)

    @pytest.mark.parametrize(
        ("value", "text"), [(5, "5"), (5.0, "5"), (1.149, "1.15"), (20.33, "20.3"), (0, "0"), (378.4, "378")]
    )
    def test_number_has_three_digits_unless_it_is_whole(self, value: float, text: str) -> None:
        assert number(value) == text

    def test_table_is_aligned(self) -> None:
        lines = plain({"Counts": [count("gift", 5, "WRU", 5), count("relay of 99", 200, "WRU", 200)]})
        assert lines == [
            "",
            "Counts",
            "figure       value  unit  limit",
            "-----------  -----  ----  -----  --",
            "gift             5  WRU   = 5    ok",
            "relay of 99    200  WRU   = 200  ok",
        ]

    def test_json_holds_unrounded_values(self) -> None:
        written = json.loads(write_json({"CPU": [measure("cold gift", 6.123456, "x", 7), measure("bare", 11.6, "ms")]}))
        first, second = written["CPU"]
        assert first == {
            "title": "cold gift",
            "value": 6.123456,
            "unit": "x",
            "counted": False,
            "limit": "<= 7",
            "verdict": "ok",
        }
        assert (second["limit"], second["verdict"]) == (None, None)

    def test_size_counts_modules_by_package(self) -> None:
        assert size("stripe", ["stripe", "stripe._webhook", "stripes", "chalice.stripe"]) == 2
        assert size("chalicelib.http", ["chalicelib", "chalicelib.http", "chalicelib.http.routing"]) == 2


class TestCalls:
    def test_transaction_is_derived_for_another_purchase(self) -> None:
        sample = {"TransactItems": [{"Update": {"Key": "ENTRY#p1"}}], "ClientRequestToken": "x", "ReturnAnything": "y"}
        assert transaction(json.dumps(sample), "p1", "p2") == {"TransactItems": [{"Update": {"Key": "ENTRY#p2"}}]}

    def test_batch_holds_new_gifts_to_one_creator(self) -> None:
        wanted = _record("INSERT", "ENTRY#1", "creator")
        others = [
            _record("INSERT", "ENTRY#2", "other"),
            _record("INSERT", "GIFT#3", "creator"),
            _record("MODIFY", "ENTRY#4", "creator"),
        ]
        assert gifts_to("creator", [*others, wanted]) == {"Records": [wanted]}

    def test_unexpected_response_is_no_measurement(self) -> None:
        response = {"statusCode": 200, "body": '{"outcome": "credited"}'}
        assert require(response, 200, outcome="credited") == {"outcome": "credited"}
        for status, outcome in ((201, "credited"), (200, "unrelated")):
            with pytest.raises(BenchError, match="got 200"):
                require(response, status, outcome=outcome)

    def test_record_for_a_retry_is_no_measurement(self) -> None:
        require_relayed({"batchItemFailures": []})
        with pytest.raises(BenchError, match="the relay returned"):
            require_relayed({"batchItemFailures": [{"itemIdentifier": "1"}]})

    def test_failing_process_is_no_measurement(self, tmp_path: Path) -> None:
        children = Children({}, tmp_path)
        assert children.run(["/bin/sh", "-c", "exit 0"]) > 0
        with pytest.raises(BenchError, match="because"):
            children.run(["/bin/sh", "-c", "echo because; exit 3"])


def _record(event_name: str, sort_key: str, creator_id: str) -> dict[str, Any]:
    change = {"Keys": {"SK": {"S": sort_key}}, "NewImage": {"creator_id": {"S": creator_id}}}
    return {"eventName": event_name, "dynamodb": change}
