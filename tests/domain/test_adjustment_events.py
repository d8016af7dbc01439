import json
from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry, ShardEntry, shard_entry
from chalicelib.domain.events import Message, message_for
from chalicelib.domain.posting import NotPosted
from chalicelib.domain.shards import ShardPosition
from tests.domain.builders import (
    CREATOR,
    EVENT_ID,
    FAN,
    KEY,
    a_gift,
    a_posted_purchase,
    a_purchase,
    a_reversal,
    an_adjustment,
)

SOURCE = "/coinpurse/test"
GIVEN = a_gift(gift_id="gift-1", event_id="event-1", user_id="shy-fan", anonymous=True, price_coins=35, shard=3)


def announced(entry: Entry, sequence: int | None = None, *, livemode: bool = False) -> Message:
    return message_for(entry, ShardPosition(sequence=sequence) if sequence else None, source=SOURCE, livemode=livemode)


ADJUSTED: list[tuple[dict[str, Any], str, dict[str, object]]] = [
    (
        {"kind": Kind.CLAWBACK, "coins": -70, "about": "purchase-1", "coins_spent": 30},
        "clawed_back",
        {"purchase_id": "purchase-1", "coins_spent": 30},
    ),
    ({"kind": Kind.CLAWBACK, "coins": -70}, "clawed_back", {"purchase_id": None, "coins_spent": None}),
    ({"kind": Kind.RESTORE, "coins": 70, "about": "purchase-1"}, "restored", {"purchase_id": "purchase-1"}),
    ({"kind": Kind.GRANT, "coins": 70}, "granted", {"payment_id": None}),
    ({"kind": Kind.GRANT, "coins": 70, "about": "pi_1"}, "granted", {"payment_id": "pi_1"}),
]


@pytest.mark.parametrize(("facts", "word", "about"), ADJUSTED)
def test_announce_adjustment_has_every_field(facts: dict[str, Any], word: str, about: dict[str, object]) -> None:
    event_type = f"coinpurse.coins.{word}.v1"
    assert announced(an_adjustment(**facts)) == Message(
        id=EVENT_ID,
        envelope={
            "specversion": "1.0",
            "id": EVENT_ID,
            "type": event_type,
            "source": SOURCE,
            "subject": f"wallet/{FAN}",
            "time": "2026-11-22T12:00:00.000Z",
            "datacontenttype": "application/json",
            "dataschema": f"urn:coinpurse:coins:{word}:v1",
            "data": {"entry_id": KEY, "user_id": FAN, "coins": 70} | about,
        },
        attributes={"event_type": event_type, "kind": facts["kind"].value, "coins": 70, "livemode": "false"},
    )


def test_announce_reversal_is_addressed_to_the_creator() -> None:
    assert announced(a_reversal(GIVEN), 8) == Message(
        id="event-1-back",
        envelope={
            "specversion": "1.0",
            "id": "event-1-back",
            "type": "coinpurse.gift.reversed.v1",
            "source": SOURCE,
            "subject": f"creator/{CREATOR}",
            "time": "2026-11-22T12:00:00.000Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:coinpurse:gift:reversed:v1",
            "partitionkey": f"{CREATOR}/3",
            "sequence": "0000000000000008",
            "data": {
                "entry_id": "gift-1-back",
                "coins": 35,
                "gift_id": "gift-1",
                "creator_id": CREATOR,
                "sequence": 8,
            },
        },
        attributes={
            "event_type": "coinpurse.gift.reversed.v1",
            "kind": "gift_reversal",
            "coins": 35,
            "livemode": "false",
            "creator_id": CREATOR,
        },
    )


def test_announce_reversal_of_an_anonymous_gift_names_no_fan() -> None:
    message = announced(a_reversal(GIVEN), 8)
    assert "shy-fan" not in json.dumps([message.envelope, message.attributes])


@pytest.mark.parametrize("entry", [*[an_adjustment(**facts) for facts, _, _ in ADJUSTED], a_reversal(GIVEN)], ids=str)
def test_announce_adjustment_omits_reason_and_operator(entry: Adjustment) -> None:
    message = announced(entry, 1 if shard_entry(entry) else None)
    text = json.dumps([message.envelope, message.attributes])
    assert "a stream broke down" not in text
    assert "olga" not in text


@pytest.mark.parametrize("livemode", [True, False])
def test_announce_adjustment_has_livemode(livemode: bool) -> None:
    assert announced(an_adjustment(), livemode=livemode).attributes["livemode"] == str(livemode).lower()


@pytest.mark.parametrize(
    ("entry", "sequence", "event_type"),
    [
        (a_posted_purchase(), None, "coins.credited"),
        (a_gift(), 1, "gift.sent"),
        (an_adjustment(), None, "coins.granted"),
    ],
)
def test_announce_has_one_event_type_per_entry_kind(entry: Entry, sequence: int | None, event_type: str) -> None:
    assert announced(entry, sequence).attributes["event_type"] == f"coinpurse.{event_type}.v1"


@pytest.mark.parametrize("entry", [a_gift(), a_purchase()], ids=["a gift without a sequence", "not posted"])
def test_announce_of_an_unposted_entry_raises_not_posted(entry: Entry) -> None:
    with pytest.raises(NotPosted):
        announced(entry)


@pytest.mark.parametrize(
    ("entry", "coins"),
    [
        (GIVEN, 35),
        (a_reversal(GIVEN), -35),
        (an_adjustment(), None),
        (an_adjustment(kind=Kind.CLAWBACK, coins=-1), None),
        (an_adjustment(kind=Kind.RESTORE), None),
        (a_posted_purchase(), None),
        (None, None),
    ],
    ids=str,
)
def test_shard_entry_is_set_for_gifts_and_reversals_only(entry: Entry | None, coins: int | None) -> None:
    received: ShardEntry | None = shard_entry(entry)
    assert (received.creator_coins if received else None) == coins
