from typing import Any

import pytest

from chalicelib.domain.entries import shard_entry
from chalicelib.domain.events import Announcement, announce
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.shards import ShardPosition
from tests.domain.builders import CREATOR, EVENT_ID, FAN, KEY
from tests.fakes import START

SOURCE = "/coinpurse/test"


def a_notice(**changes: Any) -> NotificationEntry:
    facts: dict[str, Any] = {
        "entry_id": KEY,
        "user_id": FAN,
        "kind": NotificationKind.BUDGET_REMINDER,
        "posted_at": START,
        "event_id": EVENT_ID,
        "payload": {"percent": 80},
    }
    return NotificationEntry(**facts | changes)


def told_of(notification: NotificationEntry, sequence: int | None = None) -> Announcement:
    return announce(notification, ShardPosition(sequence=sequence) if sequence else None, source=SOURCE, livemode=False)


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        (NotificationKind.BUDGET_REMINDER, "coinpurse.budget.reached.v1"),
        (NotificationKind.MEMBERSHIP_END, "coinpurse.membership.ended.v1"),
    ],
)
def test_a_notice_to_a_fan_is_told_with_its_facts(kind: NotificationKind, event_type: str) -> None:
    told = told_of(a_notice(kind=kind))
    assert (told.id, told.envelope["type"], told.envelope["subject"]) == (EVENT_ID, event_type, f"wallet/{FAN}")
    assert told.envelope["data"] == {"entry_id": KEY, "user_id": FAN, "percent": 80}
    assert told.attributes == {"event_type": event_type, "kind": kind.value, "coins": 0, "livemode": "false"}


def test_a_notice_to_a_creator_has_its_place_in_the_lane_and_names_no_fan_by_itself() -> None:
    told = told_of(a_notice(kind=NotificationKind.STREAK_END, creator_id=CREATOR, shard=3, payload={"count": 9}), 7)
    assert told.envelope["type"] == "coinpurse.gift.streak_ended.v1"
    assert told.envelope["subject"] == f"creator/{CREATOR}"
    assert (told.envelope["partitionkey"], told.envelope["sequence"]) == (f"{CREATOR}/3", "0000000000000007")
    assert told.envelope["data"] == {"entry_id": KEY, "creator_id": CREATOR, "sequence": 7, "count": 9}
    assert told.attributes["creator_id"] == CREATOR


def test_a_notice_moves_no_coins_and_has_a_creators_side_only_with_a_creator() -> None:
    assert a_notice().coins == a_notice().creator_coins == 0
    assert shard_entry(a_notice()) is None
    assert shard_entry(notification := a_notice(creator_id=CREATOR)) is notification
