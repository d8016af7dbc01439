"""The arithmetic of the benchmark. Its figures are its own business: `make bench` holds them to what was promised."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.recorder import Counts, Recorder, capacity
from tests.bench.calls import gifts_to
from tests.bench.children import BenchError, Children, require
from tests.bench.cold import LIMITS
from tests.bench.counts import BATCHES, relay_messages, relay_write_units
from tests.bench.modules import size
from tests.bench.report import Promise, count, exit_code, measure, number, plain, ratio, write_json
from tests.bench.warm import transaction


class TestPromises:
    @pytest.mark.parametrize(("relation", "kept", "broken"), [("=", [5], [4, 6]), ("<=", [4.9, 5], [5.01])])
    def test_they_are_kept_or_not(self, relation: str, kept: list[float], broken: list[float]) -> None:
        promise = Promise(relation, 5)
        assert [promise.is_kept(figure) for figure in kept] == [True] * len(kept)
        assert [promise.is_kept(figure) for figure in broken] == [False] * len(broken)

    def test_a_row_says_so(self) -> None:
        assert count("gift", 5, "WRU", 5).cells() == ("gift", "5", "WRU", "= 5", "ok")
        assert measure("cold gift", 7.25, "x", 7).cells() == ("cold gift", "7.25", "x", "<= 7", "NOT MET")
        assert measure("bare", 11.64, "ms").cells() == ("bare", "11.6", "ms", "", "")

    def test_only_counted_ones_fail_the_run(self) -> None:
        kept, broken = count("gift", 1, "requests", 1), count("gift", 2, "requests", 1)
        slow = measure("cold gift", 70, "x", 7)
        assert exit_code({"a": [kept], "b": [slow]}) == 0
        assert exit_code({"a": [kept], "b": [slow, broken]}) == 1
        assert exit_code({"a": [count("gift: read units", 3, "RRU")]}) == 0, "nothing was promised"

    @pytest.mark.parametrize(("gifts", "units", "messages"), [(1, 4, 1), (10, 22, 1), (11, 24, 2), (99, 200, 10)])
    def test_the_relay(self, gifts: int, units: int, messages: int) -> None:
        assert (relay_write_units(gifts), relay_messages(gifts)) == (units, messages)
        assert max(BATCHES) == 99

    def test_a_webhook_may_take_more_than_a_gift(self) -> None:
        gift, webhook = LIMITS["gift"], LIMITS["webhook"]
        assert gift.yardsticks < webhook.yardsticks
        assert 1 < gift.floors < webhook.floors


class TestFigures:
    def test_a_ratio_is_one_of_medians(self) -> None:
        assert ratio([0.03, 0.9, 0.02], [0.01, 0.005, 5.0]) == pytest.approx(3)

    @pytest.mark.parametrize(
        ("figure", "text"), [(5, "5"), (5.0, "5"), (1.149, "1.15"), (20.33, "20.3"), (0, "0"), (378.4, "378")]
    )
    def test_numbers(self, figure: float, text: str) -> None:
        assert number(figure) == text

    def test_the_table_is_aligned(self) -> None:
        lines = plain({"Counted": [count("gift", 5, "WRU", 5), count("relay of 99", 200, "WRU", 200)]})
        assert lines == [
            "",
            "Counted",
            "what         figure  unit  promise",
            "-----------  ------  ----  -------  --",
            "gift              5  WRU   = 5      ok",
            "relay of 99     200  WRU   = 200    ok",
        ]

    def test_json_holds_the_figures_as_they_are(self) -> None:
        written = json.loads(write_json({"CPU": [measure("cold gift", 6.123456, "x", 7), measure("bare", 11.6, "ms")]}))
        first, second = written["CPU"]
        assert first == {
            "what": "cold gift",
            "figure": 6.123456,
            "unit": "x",
            "counted": False,
            "promise": "<= 7",
            "verdict": "ok",
        }
        assert (second["promise"], second["verdict"]) == (None, None)

    def test_modules_are_counted_by_package(self) -> None:
        assert size("stripe", ["stripe", "stripe._webhook", "stripes", "chalice.stripe"]) == 2


class TestCapacity:
    @pytest.mark.parametrize(
        ("answer", "units"),
        [
            ({}, 0),
            ({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}}, 1),
            ({"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 5.0}, {"CapacityUnits": 2.0}]}, 7),
        ],
    )
    def test_all_that_is_reported_counts(self, answer: dict[str, Any], units: float) -> None:
        assert capacity(answer) == units

    def test_requests_are_told_apart(self) -> None:
        client = _Client()
        recorder = Recorder()
        recorder.attach(client)

        def act() -> None:
            for operation, units in (("GetItem", 1.0), ("TransactWriteItems", 5.0)):
                client.say("provide-client-params.dynamodb.*", params={"Key": operation})
                client.say("before-send.*.*", event_name=f"before-send.dynamodb.{operation}")
                answer = {"ConsumedCapacity": {"CapacityUnits": units}}
                client.say("after-call.dynamodb.*", event_name=f"after-call.dynamodb.{operation}", parsed=answer)
            client.say("before-send.*.*", event_name="before-send.sns.PublishBatch")

        _, tally = recorder.record(act)
        assert tally.requests == {"dynamodb": 2, "sns": 1}
        assert (tally.read_units, tally.write_units) == (1, 5)
        assert recorder.parameters == {"Key": "TransactWriteItems"}, "as they were before they were added to"
        assert recorder.record(lambda: None) == (None, Counts())


class TestWork:
    def test_a_transaction_is_made_for_another_purchase(self) -> None:
        sample = {"TransactItems": [{"Update": {"Key": "ENTRY#p1"}}], "ClientRequestToken": "x", "ReturnAnything": "y"}
        assert transaction(json.dumps(sample), "p1", "p2") == {"TransactItems": [{"Update": {"Key": "ENTRY#p2"}}]}

    def test_only_a_creators_new_gifts_make_a_batch(self) -> None:
        wanted = _record("INSERT", "ENTRY#1", "creator")
        others = [
            _record("INSERT", "ENTRY#2", "somebody"),
            _record("INSERT", "GIFT#3", "creator"),
            _record("MODIFY", "ENTRY#4", "creator"),
        ]
        assert gifts_to("creator", [*others, wanted]) == {"Records": [wanted]}

    def test_another_answer_is_no_measurement(self) -> None:
        answer = {"statusCode": 200, "body": '{"outcome": "credited"}'}
        assert require(answer, 200, outcome="credited") == {"outcome": "credited"}
        for status, outcome in ((201, "credited"), (200, "stranger")):
            with pytest.raises(BenchError, match="got 200"):
                require(answer, status, outcome=outcome)

    def test_a_failing_process_is_no_measurement(self, tmp_path: Path) -> None:
        children = Children({}, tmp_path)
        assert children.run(["/bin/sh", "-c", "exit 0"]) > 0
        with pytest.raises(BenchError, match="because"):
            children.run(["/bin/sh", "-c", "echo because; exit 3"])


class _Client:
    """A botocore client's hooks."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}

    @property
    def meta(self) -> "_Client":
        return self

    @property
    def events(self) -> "_Client":
        return self

    def register(self, event_name: str, handler: Callable[..., None]) -> None:
        self.handlers[event_name] = handler

    def say(self, event: str, **facts: object) -> None:
        self.handlers[event](**{"event_name": event, **facts})


def _record(event_name: str, sort_key: str, creator_id: str) -> dict[str, Any]:
    change = {"Keys": {"SK": {"S": sort_key}}, "NewImage": {"creator_id": {"S": creator_id}}}
    return {"eventName": event_name, "dynamodb": change}
