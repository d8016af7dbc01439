from typing import Any

import pytest

from chalicelib.domain.entries import shard_entry
from chalicelib.domain.events import Message, message_for
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.shards import ShardPosition
from tests.domain.builders import CREATOR, EVENT_ID, FAN, KEY
from tests.fakes import START

SOURCE = "/coinpurse/test"


def a_notification(**changes: Any) -> NotificationEntry:
    facts: dict[str, Any] = {
        "entry_id": KEY,
        "user_id": FAN,
        "kind": NotificationKind.BUDGET_REMINDER,
        "posted_at": START,
        "event_id": EVENT_ID,
        "payload": {"percent": 80},
    }
    return NotificationEntry(**facts | changes)


def announced(notification: NotificationEntry, sequence: int | None = None) -> Message:
    return message_for(
        notification, ShardPosition(sequence=sequence) if sequence else None, source=SOURCE, livemode=False
    )


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        (NotificationKind.BUDGET_REMINDER, "coinpurse.budget.reached.v1"),
        (NotificationKind.MEMBERSHIP_END, "coinpurse.membership.ended.v1"),
        (NotificationKind.MEMBERSHIP_RESUME, "coinpurse.membership.resumed.v1"),
    ],
)
def test_announce_notification_to_a_fan_has_its_payload(kind: NotificationKind, event_type: str) -> None:
    message = announced(a_notification(kind=kind))
    assert (message.id, message.envelope["type"], message.envelope["subject"]) == (
        EVENT_ID,
        event_type,
        f"wallet/{FAN}",
    )
    assert message.envelope["data"] == {"entry_id": KEY, "user_id": FAN, "percent": 80}
    assert message.attributes == {"event_type": event_type, "kind": kind.value, "coins": 0, "livemode": "false"}


def test_announce_notification_to_a_creator_has_a_sequence_and_no_fan() -> None:
    message = announced(
        a_notification(kind=NotificationKind.STREAK_END, creator_id=CREATOR, shard=3, payload={"count": 9}), 7
    )
    assert message.envelope["type"] == "coinpurse.gift.streak_ended.v1"
    assert message.envelope["subject"] == f"creator/{CREATOR}"
    assert (message.envelope["partitionkey"], message.envelope["sequence"]) == (f"{CREATOR}/3", "0000000000000007")
    assert message.envelope["data"] == {"entry_id": KEY, "creator_id": CREATOR, "sequence": 7, "count": 9}
    assert message.attributes["creator_id"] == CREATOR


def test_notification_has_no_coins_and_a_shard_entry_only_with_creator() -> None:
    assert a_notification().coins == a_notification().creator_coins == 0
    assert shard_entry(a_notification()) is None
    assert shard_entry(notification := a_notification(creator_id=CREATOR)) is notification
