"""The workers as Lambda calls them: effects, return values and metrics."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import pytest

from chalicelib import workers
from chalicelib.adapters.dynamodb.budget_expressions import budget_text
from chalicelib.adapters.dynamodb.mapping import adjustment_row, gift_row
from chalicelib.adapters.dynamodb.models import EntryRow, WalletRow
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import UNLIMITED, Limits, first_budget
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import PART
from tests.domain.builders import a_gift, a_reversal, an_adjustment
from tests.fakes import START, uuid7_at
from tests.http.api import Api
from tests.http.broken import Broken
from tests.http.events import counters, event_of, hint_of

HOUR = timedelta(hours=1)
GIVEN = a_gift(gift_id=uuid7_at(START, 1), event_id=uuid7_at(START, 2), price_coins=35, creator_id="cleo")
GRANTED = an_adjustment(entry_id=uuid7_at(START, 3), event_id=uuid7_at(START, 4))
REVERSED = a_reversal(GIVEN, entry_id=uuid7_at(START, 5), event_id=uuid7_at(START, 6))
POSTED: tuple[Gift | Adjustment, ...] = (GIVEN, GRANTED, REVERSED)

Event = dict[str, Any]


SHARD_OF_THE_FAN = 9


def on_schedule() -> Event:
    """Build EventBridge's event."""
    return {
        "version": "0",
        "account": "123456789012",
        "region": "eu-central-1",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": iso(START),
        "id": "cron",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/sweep"],
    }


def in_the_stream(*rows: EntryRow) -> Event:
    """Build the stream event of newly written rows."""
    return {
        "Records": [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/1",
                "awsRegion": "eu-central-1",
                "dynamodb": {
                    "Keys": {"PK": {"S": row.pk}, "SK": {"S": row.sk}},
                    "NewImage": row.serialize(),
                    "SequenceNumber": f"n{number}",
                },
            }
            for number, row in enumerate(rows)
        ]
    }


def given_up(first: datetime, last: datetime) -> Event:
    """Build the queue event of a stretch that the mapping discarded."""
    stretch = {"approximateArrivalOfFirstRecord": iso(first), "approximateArrivalOfLastRecord": iso(last)}
    record = {"body": json.dumps({"DDBStreamBatchInfo": stretch, "version": "1.0"}), "receiptHandle": "handle"}
    return {"Records": [record]}


def row_of(entry: Gift | Adjustment) -> EntryRow:
    return gift_row(entry) if isinstance(entry, Gift) else adjustment_row(entry)


def post(api: Api, *entries: Gift | Adjustment) -> None:
    """Write to the fake ledger only."""
    for entry in entries:
        api.ledger.entries.setdefault(entry.user_id, {})[entry.entry_id] = entry


def types(api: Api) -> list[object]:
    return [message.attributes["event_type"] for message in api.publisher.published]


# --- relay ------------------------------------------------------------------------------------------------------------


def test_relay_publishes_posted_entries(api: Api) -> None:
    post(api, *POSTED)
    assert workers.relay(in_the_stream(*map(row_of, POSTED)), None) == {"batchItemFailures": []}
    assert sorted(map(str, types(api))) == [
        "coinpurse.coins.granted.v1",
        "coinpurse.gift.reversed.v1",
        "coinpurse.gift.sent.v1",
    ]
    assert api.ledger.shards["cleo", 0].coins == 0
    assert {message.envelope["source"] for message in api.publisher.published} == {"/coinpurse/test"}


def test_relay_returns_records_to_repeat(api: Api) -> None:
    post(api, *POSTED)
    api.publisher.busy = {GRANTED.event_id}
    answer = workers.relay(in_the_stream(*map(row_of, POSTED)), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "n1"}]}


def wallet_record(number: str, left: int, old_left: int, **changes: Any) -> Event:
    """Build the stream record of a wallet with a remainder of a daily budget of 100 coins."""
    budget = first_budget(Limits(zone="UTC", coins=ByPeriod(100, UNLIMITED, UNLIMITED)), START)

    def image(coins: int) -> dict[str, Any]:
        others: dict[str, Any] = dict.fromkeys(
            ("coin_week", "coin_month", "money_day", "money_week", "money_month"), UNLIMITED
        )
        row = WalletRow(
            "WALLET#ann",
            "WALLET",
            coin_day=coins,
            **others,
            day_ends=budget.ends.day,
            budget=budget_text(budget),
            budget_version=1,
        )
        return dict(row.serialize())

    change = {
        "Keys": {"PK": {"S": "WALLET#ann"}, "SK": {"S": "WALLET"}},
        "SequenceNumber": number,
        "NewImage": image(left) | changes,
        "OldImage": image(old_left),
    }
    return {"eventName": "MODIFY", "dynamodb": change}


def test_relay_posts_the_reminder_of_a_spent_budget(api: Api) -> None:
    post(api, GIVEN)
    event = in_the_stream(row_of(GIVEN))
    event["Records"] += [wallet_record("w1", 20, 21), wallet_record("w2", 0, 20, budget={"S": "poison"})]

    assert workers.relay(event, None) == {"batchItemFailures": []}

    (reminder,) = [entry for entry in api.ledger.entries["ann"].values() if isinstance(entry, NotificationEntry)]
    assert (reminder.payload["what"], reminder.payload["percent"]) == ("coins", 80)
    assert types(api) == ["coinpurse.gift.sent.v1"], "the reminder comes with the stream, as an entry of its own"
    assert api.queue.budgets == ["ann"]


def test_relay_returns_wallets_to_repeat(api: Api) -> None:
    api.ports["ledger"] = Broken(TryAgain())
    answer = workers.relay({"Records": [wallet_record("w1", 20, 21), wallet_record("w2", 30, 31)]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "w1"}]}


# --- sweep ------------------------------------------------------------------------------------------------------------


def test_sweep_relays_lost_entries(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    post(api, *POSTED)
    api.clock.advance(HOUR)
    part = crc32(GIVEN.user_id.encode()) % JOURNAL_SHARDS
    assert workers.sweep_journal({"part": (part + 1) % JOURNAL_SHARDS}, None) == {"swept": 0}
    assert counters(capsys) == {"Swept": 0, "Redriven": 0, "Parked": 0, "CouldNotTell": 0, "SweepBehind": 0}
    assert workers.sweep_journal({"part": part}, None)["swept"] > 0
    workers.sweep_journal(on_schedule(), None)
    assert len(types(api)) == 3
    assert workers.sweep_journal(on_schedule(), None) == {"swept": 0}


def test_sweep_counts_what_it_must_leave(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    post(api, GIVEN)
    api.publisher.busy = {GIVEN.event_id}
    api.clock.advance(timedelta(minutes=11))
    assert workers.sweep_journal({}, None) == {"swept": 0}
    assert counters(capsys) == {"Swept": 0, "Redriven": 0, "Parked": 0, "CouldNotTell": 1, "SweepBehind": 1}


# --- redrive ----------------------------------------------------------------------------------------------------------


def test_redrive_logs_a_discarded_stretch(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    post(api, *POSTED)
    workers.redrive_stretch(given_up(START, START + HOUR), None)
    assert counters(capsys) == {"StretchDiscarded": 1}
    [line] = api.logs()
    assert (line["message"], line["first"], line["last"]) == ("stretch_discarded", iso(START), iso(START + HOUR))
    assert types(api) == []


# --- reconcile --------------------------------------------------------------------------------------------------------


QUIET = {"Parked": 0, "ParkedGone": 0, "ReconcileBehind": 5}
"""Counted by a run that reached the youngest events that webhooks may not deliver any more."""


def test_reconcile_credits_lost_webhooks(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    purchase_id = api.buy().json["id"]
    api.refund(purchase_id, 37)
    api.gateway.listed = [event_of(api, purchase_id), hint_of(purchase_id), hint_of(purchase_id, "refund.updated")]
    api.clock.advance(HOUR)
    outcomes = workers.reconcile_events(on_schedule(), None)
    assert outcomes == {"credited": 1, "clawed_back": 1}
    assert json.loads(json.dumps(outcomes)) == outcomes
    assert counters(capsys) == {"WebhookCredited": 1, "WebhookClawedBack": 1, "Healed": 2, **QUIET}
    assert api.get("/v1/wallet").json["coins"] == 35


@pytest.mark.usefixtures("api")
def test_reconcile_without_lost_webhooks_heals_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert workers.reconcile_events(on_schedule(), None) == {}
    assert counters(capsys) == {"Healed": 0, **QUIET}


def test_reconcile_beside_another_run_counts_no_age(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    now = api.clock.now()
    api.ports["positions"].take(PART, "another", now, now + HOUR)
    assert workers.reconcile_events(on_schedule(), None) == {}
    assert counters(capsys) == {"Healed": 0, "Parked": 0, "ParkedGone": 0}


def test_reconcile_counts_what_it_sets_aside(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.gateway.listed = [event_of(api, api.buy().json["id"])]
    api.ports["ledger"] = Broken(TryAgain())
    api.clock.advance(HOUR)
    workers.reconcile_events(on_schedule(), None)
    assert counters(capsys) == {"WebhookTryAgain": 1, "Healed": 0, **QUIET, "Parked": 1}


# --- audit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tampered", "mismatches"), [({}, 0), ({"fan-1": 1}, 1)])
def test_audit_counts_mismatches(
    api: Api, capsys: pytest.CaptureFixture[str], tampered: Mapping[str, int], mismatches: int
) -> None:
    post(api, *POSTED)
    workers.relay(in_the_stream(*map(row_of, POSTED)), None)
    capsys.readouterr()
    api.ledger.coins = {"fan-1": 70, **tampered}
    api.clock.advance(2 * HOUR)
    assert workers.audit_totals({"part": SHARD_OF_THE_FAN}, None) == {"mismatches": mismatches}
    found = {"Mismatch": mismatches, "Parked": mismatches, "CouldNotTell": 0, "AuditBehind": 0}
    assert counters(capsys) == found
    assert workers.audit_totals(on_schedule(), None) == {"mismatches": 0}
    assert counters(capsys) == {"OpenReviews": 0, "Mismatch": 0, "Parked": 0, "CouldNotTell": 0, "AuditBehind": 0}
    assert len([line for line in api.logs() if line["level"] == "ERROR"]) == mismatches


def test_audit_that_fails_later_counts_what_it_found(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    post(api, *POSTED)
    api.ledger.coins = {"fan-1": 1}
    api.clock.advance(2 * HOUR)
    workers.audit_totals({"part": SHARD_OF_THE_FAN}, None)
    counters(capsys)
    api.clock.advance(HOUR)
    api.ports["journal"] = Broken(TryAgain())
    with pytest.raises(TryAgain):
        workers.audit_totals({"part": SHARD_OF_THE_FAN}, None)
    assert counters(capsys) == {"Mismatch": 1}


# --- all workers ------------------------------------------------------------------------------------------------------

WORKERS = [workers.sweep_journal, workers.reconcile_events, workers.audit_totals]


@pytest.mark.parametrize("worker", WORKERS, ids=["sweep", "reconcile", "audit"])
def test_worker_without_a_journal_raises(api: Api, worker: Any) -> None:
    api.ports["journal"] = Broken(TryAgain())
    with pytest.raises(TryAgain):
        worker(on_schedule(), None)


@pytest.mark.parametrize("worker", WORKERS, ids=["sweep", "reconcile", "audit"])
def test_log_lines_of_a_run_have_its_id(api: Api, worker: Any) -> None:
    post(api, *POSTED)
    api.ledger.coins = {"fan-1": 1}
    api.buy()
    api.gateway.listed = [event_of(api, purchase_id) for purchase_id in api.gateway.sessions]
    api.publisher.refused = {GIVEN.event_id}
    api.clock.advance(HOUR)
    worker(on_schedule(), None)
    assert {line["request_id"][:13] for line in api.logs()} <= {uuid7_at(api.clock.now(), 1)[:13]}
