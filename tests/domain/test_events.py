import json
import re
from typing import Any

import pytest

from chalicelib.domain.events import Announcement, announce_credit, announce_gift
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.posting import NotPosted
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.shards import ShardPosition
from tests.domain.builders import CREATOR, EVENT_ID, FAN, KEY, a_gift, a_posted_purchase, a_purchase

SOURCE = "/coinpurse/test"


def told_of_gift(sequence: int = 7, *, livemode: bool = False, **changes: Any) -> Announcement:
    return announce_gift(a_gift(**changes), ShardPosition(sequence=sequence), source=SOURCE, livemode=livemode)


def told_of_credit(*, livemode: bool = False, **changes: Any) -> Announcement:
    return announce_credit(a_posted_purchase(**changes), source=SOURCE, livemode=livemode)


def leaves(value: object) -> list[object]:
    """Everything in a JSON value that is neither an object nor a list."""
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [value]


def test_a_gift_is_told_whole() -> None:
    told = told_of_gift(item_id="cake", quantity=2, price_coins=70, message="hi", stream_id="live", shard=3)
    assert told == Announcement(
        id=EVENT_ID,
        envelope={
            "specversion": "1.0",
            "id": EVENT_ID,
            "type": "coinpurse.gift.sent.v1",
            "source": SOURCE,
            "subject": f"creator/{CREATOR}",
            "time": "2026-11-22T12:00:00.000Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:coinpurse:gift:sent:v1",
            "partitionkey": f"{CREATOR}/3",
            "sequence": "0000000000000007",
            "data": {
                "gift_id": KEY,
                "kind": "gift",
                "creator_id": CREATOR,
                "sender_id": FAN,
                "sender_name": None,
                "anonymous": False,
                "item_id": "cake",
                "quantity": 2,
                "coins": 70,
                "message": "hi",
                "stream_id": "live",
                "streak": None,
                "super_chat": None,
                "sequence": 7,
            },
        },
        attributes={
            "event_type": "coinpurse.gift.sent.v1",
            "kind": "gift",
            "coins": 70,
            "livemode": "false",
            "creator_id": CREATOR,
        },
    )


def test_a_credit_is_told_whole() -> None:
    assert told_of_credit() == Announcement(
        id=EVENT_ID,
        envelope={
            "specversion": "1.0",
            "id": EVENT_ID,
            "type": "coinpurse.coins.credited.v1",
            "source": SOURCE,
            "subject": f"wallet/{FAN}",
            "time": "2026-11-22T12:00:00.000Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:coinpurse:coins:credited:v1",
            "data": {
                "purchase_id": KEY,
                "user_id": FAN,
                "bundle_id": "coins_70",
                "channel": "web",
                "coins": 70,
                "price": {"amount_minor": 74, "currency": "usd"},
            },
        },
        attributes={
            "event_type": "coinpurse.coins.credited.v1",
            "kind": "purchase",
            "coins": 70,
            "livemode": "false",
        },
    )


def test_an_anonymous_fan_is_named_nowhere() -> None:
    told = told_of_gift(anonymous=True, user_id="shy-fan")
    assert told.envelope["data"] == told_of_gift().envelope["data"] | {"sender_id": None, "anonymous": True}  # type: ignore[operator]
    assert "shy-fan" not in json.dumps([told.envelope, told.attributes])


def test_a_gift_outside_a_stream_says_so() -> None:
    data = told_of_gift(stream_id=None).envelope["data"]
    assert isinstance(data, dict)
    assert data["stream_id"] is None


@pytest.mark.parametrize("told", [told_of_gift(), told_of_credit()], ids=["gift", "credit"])
def test_an_envelope_has_what_cloudevents_requires(told: Announcement) -> None:
    assert told.envelope["specversion"] == "1.0"
    for name in ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema"):
        assert isinstance(told.envelope[name], str)
        assert told.envelope[name]
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in told.envelope)
    assert told.id == told.envelope["id"]
    assert json.loads(json.dumps(told.envelope)) == told.envelope


@pytest.mark.parametrize(
    "told",
    [told_of_gift(MAX_AMOUNT, price_coins=MAX_AMOUNT), told_of_credit(coins=MAX_AMOUNT, amount_minor=MAX_AMOUNT)],
    ids=["gift", "credit"],
)
def test_numbers_are_whole(told: Announcement) -> None:
    assert {type(leaf) for leaf in leaves([told.envelope, told.attributes])} <= {str, int, bool, type(None), list}
    assert not any(isinstance(leaf, float) for leaf in leaves(told.envelope))


@pytest.mark.parametrize("told", [told_of_gift(), told_of_credit()], ids=["gift", "credit"])
def test_subscribers_can_filter_by_at_most_eight_attributes(told: Announcement) -> None:
    assert {"event_type", "kind", "coins", "livemode"} <= set(told.attributes)
    assert len(told.attributes) <= 8


@pytest.mark.parametrize(("livemode", "word"), [(True, "true"), (False, "false")])
def test_real_money_is_told_apart_from_play_money(*, livemode: bool, word: str) -> None:
    assert told_of_gift(livemode=livemode).attributes["livemode"] == word
    assert told_of_credit(livemode=livemode).attributes["livemode"] == word


def test_sequences_sort_as_text_as_they_do_as_numbers() -> None:
    numbers = [1, 2, 9, 10, 11, 99, 100, 10**9, 10**15, MAX_AMOUNT]
    assert sorted(numbers, key=lambda number: str(told_of_gift(number).envelope["sequence"])) == numbers


@pytest.mark.parametrize(
    "purchase",
    [a_posted_purchase(event_id=None), a_posted_purchase(posted_at=None), a_purchase()],
    ids=["no event_id", "no posted_at", "pending"],
)
def test_what_was_not_posted_is_not_told(purchase: Purchase) -> None:
    with pytest.raises(NotPosted):
        announce_credit(purchase, source=SOURCE, livemode=False)
