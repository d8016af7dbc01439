import json
import re
from typing import Any

import pytest

from chalicelib.domain.events import Message, message_for_credit, message_for_gift
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.posting import NotPosted
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.shards import ShardPosition
from tests.domain.builders import CREATOR, EVENT_ID, FAN, KEY, a_gift, a_posted_purchase, a_purchase

SOURCE = "/coinpurse/test"


def announced_gift(sequence: int = 7, *, livemode: bool = False, **changes: Any) -> Message:
    return message_for_gift(a_gift(**changes), ShardPosition(sequence=sequence), source=SOURCE, livemode=livemode)


def announced_credit(*, livemode: bool = False, **changes: Any) -> Message:
    return message_for_credit(a_posted_purchase(**changes), source=SOURCE, livemode=livemode)


def leaves(value: object) -> list[object]:
    """Generate every value of a JSON document except objects and lists."""
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [value]


def test_announce_gift_has_every_field() -> None:
    message = announced_gift(item_id="cake", quantity=2, price_coins=70, message="hi", stream_id="live", shard=3)
    assert message == Message(
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


def test_announce_credit_has_every_field() -> None:
    assert announced_credit() == Message(
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


def test_announce_gift_of_an_anonymous_fan_names_no_fan() -> None:
    message = announced_gift(anonymous=True, user_id="shy-fan")
    assert message.envelope["data"] == announced_gift().envelope["data"] | {"sender_id": None, "anonymous": True}  # type: ignore[operator]
    assert "shy-fan" not in json.dumps([message.envelope, message.attributes])


def test_announce_gift_outside_a_stream_has_null_stream_id() -> None:
    data = announced_gift(stream_id=None).envelope["data"]
    assert isinstance(data, dict)
    assert data["stream_id"] is None


@pytest.mark.parametrize("message", [announced_gift(), announced_credit()], ids=["gift", "credit"])
def test_announce_envelope_has_the_attributes_of_cloudevents(message: Message) -> None:
    assert message.envelope["specversion"] == "1.0"
    for name in ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema"):
        assert isinstance(message.envelope[name], str)
        assert message.envelope[name]
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in message.envelope)
    assert message.id == message.envelope["id"]
    assert json.loads(json.dumps(message.envelope)) == message.envelope


@pytest.mark.parametrize(
    "message",
    [announced_gift(MAX_AMOUNT, price_coins=MAX_AMOUNT), announced_credit(coins=MAX_AMOUNT, amount_minor=MAX_AMOUNT)],
    ids=["gift", "credit"],
)
def test_announce_has_no_floats(message: Message) -> None:
    assert {type(leaf) for leaf in leaves([message.envelope, message.attributes])} <= {str, int, bool, type(None), list}
    assert not any(isinstance(leaf, float) for leaf in leaves(message.envelope))


@pytest.mark.parametrize("message", [announced_gift(), announced_credit()], ids=["gift", "credit"])
def test_announce_has_at_most_eight_attributes(message: Message) -> None:
    assert {"event_type", "kind", "coins", "livemode"} <= set(message.attributes)
    assert len(message.attributes) <= 8


@pytest.mark.parametrize(("livemode", "word"), [(True, "true"), (False, "false")])
def test_announce_has_livemode(*, livemode: bool, word: str) -> None:
    assert announced_gift(livemode=livemode).attributes["livemode"] == word
    assert announced_credit(livemode=livemode).attributes["livemode"] == word


def test_announce_sequence_sorts_as_text() -> None:
    numbers = [1, 2, 9, 10, 11, 99, 100, 10**9, 10**15, MAX_AMOUNT]
    assert sorted(numbers, key=lambda number: str(announced_gift(number).envelope["sequence"])) == numbers


@pytest.mark.parametrize(
    "purchase",
    [a_posted_purchase(event_id=None), a_posted_purchase(posted_at=None), a_purchase()],
    ids=["no event_id", "no posted_at", "pending"],
)
def test_announce_credit_of_an_unposted_purchase_raises_not_posted(purchase: Purchase) -> None:
    with pytest.raises(NotPosted):
        message_for_credit(purchase, source=SOURCE, livemode=False)
