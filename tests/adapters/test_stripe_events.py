"""Events with a valid signature: decoding, unusable bodies and purchase references."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import CheckoutSession, PurchaseRef, StripeEvent
from chalicelib.errors import NotAuthentic
from tests.adapters.webhooks_lab import BODY, NOW, PURCHASE_ID, Json, a_session, an_event, read, without
from tests.fakes import START


def test_read_event_decodes_checkout_session() -> None:
    assert read(BODY) == StripeEvent(
        stripe_event_id="evt_1",
        type="checkout.session.completed",
        livemode=False,
        account=None,
        created_at=START - timedelta(seconds=1),
        session=CheckoutSession(
            session_id="cs_1",
            mode="payment",
            payment_status="paid",
            payment_intent="pi_1",
            subtotal_minor=529,
            total_minor=529,
            currency="usd",
            created_at=START - timedelta(seconds=60),
            ref=PurchaseRef(purchase_id=PURCHASE_ID, user_id="ann", coins=500),
        ),
    )


def test_read_event_of_other_type_has_no_session() -> None:
    event = read(an_event(type="charge.refunded", livemode=True, account="acct_1", data={"object": {"any": [1.5]}}))

    assert (event.type, event.livemode, event.account, event.session) == ("charge.refunded", True, "acct_1", None)


UNUSABLE: Mapping[str, bytes | Json] = {
    "nothing": b"",
    "no JSON": b"{",
    "two of them": BODY + BODY,
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "no UTF-8": BODY.replace(b"evt_1", b"evt_\xff"),
    "UTF-16": BODY.decode().encode("utf-16"),
    "only bad bytes": b"\xff\xfe\xfd",
    "null": b"null",
    "a number": b"7",
    "a list": b"[" + BODY + b"]",
    "a deep list": b"[" * 200_000,
    "deep where nobody looks": BODY[:-1] + b', "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep in the session": BODY.replace(b'"paid"', b"[" * 200_000 + b"]" * 200_000),
    "NaN": BODY.replace(b"529", b"NaN"),
    "a thin event": {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter", "livemode": False},
    "another object": an_event(object="v2.core.event"),
    "no id": without(an_event(), "id"),
    "an empty id": an_event(id=""),
    "an id that is too long": an_event(id="e" * 256),
    "an id that is a number": an_event(id=1),
    "no object": without(an_event(), "object"),
    "no type": without(an_event(), "type"),
    "a type that is a list": an_event(type=["checkout.session.completed"]),
    "no created": without(an_event(), "created"),
    "created as a float": an_event(created=NOW + 0.5),
    "created as true": an_event(created=True),
    "created as text": an_event(created=str(NOW)),
    "created before time": an_event(created=-1),
    "created beyond time": an_event(created=253_402_300_800),
    "created beyond numbers": an_event(created=10**400),
    "no livemode": without(an_event(), "livemode"),
    "livemode as a number": an_event(livemode=0),
    "livemode as text": an_event(livemode="false"),
    "an account that is a number": an_event(account=1),
    "no data": without(an_event(), "data"),
    "data that is null": an_event(data=None),
    "data without an object": an_event(data={}),
    "an object that is null": an_event(data={"object": None}),
    "an object that is a list": an_event(data={"object": [a_session()]}),
    "a session without an id": an_event(data={"object": without(a_session(), "id")}),
    "a session without a mode": an_event(data={"object": without(a_session(), "mode")}),
    "an amount as a float": an_event(data={"object": a_session(amount_subtotal=529.0001)}),
    "an amount as true": an_event(data={"object": a_session(amount_subtotal=True)}),
    "an amount as text": an_event(data={"object": a_session(amount_total="529")}),
    "an amount below zero": an_event(data={"object": a_session(amount_total=-1)}),
    "an amount beyond JSON": an_event(data={"object": a_session(amount_total=MAX_AMOUNT + 1)}),
    "an expanded payment intent": an_event(data={"object": a_session(payment_intent={"id": "pi_1"})}),
    "metadata that is a list": an_event(data={"object": a_session(metadata=["coins"])}),
    "metadata with numbers": an_event(data={"object": a_session(metadata={"coins": 500})}),
}


@pytest.mark.parametrize("payload", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_read_event_rejects_unusable_body_with_valid_signature(payload: bytes | Json) -> None:
    with pytest.raises(NotAuthentic):
        read(payload)


OURS = {"purchase_id": PURCHASE_ID, "user_id": "ann", "coins": "500"}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"order": "7"},
        *[without(OURS, name) for name in OURS],
        *[OURS | {"purchase_id": bad} for bad in ("", "1", PURCHASE_ID.upper(), f" {PURCHASE_ID}", f"{PURCHASE_ID}\n")],
        *[OURS | {"user_id": bad} for bad in ("", "ann#1", "a b", "änn", "a" * 129, "ann\n")],
        *[
            OURS | {"coins": bad}
            for bad in ("", "0", "-5", "+5", "5.0", "05", "5e2", " 5", "5\n", "\u0665", "9" * 16, "9" * 99)
        ],
    ],
)
def test_read_event_session_without_valid_metadata_has_no_reference(metadata: Json | None) -> None:
    session = read(an_event(data={"object": a_session(metadata=metadata)})).session

    assert session is not None
    assert session.ref is None


def test_read_event_session_without_optional_fields_has_defaults() -> None:
    bare = {"id": "cs_1", "mode": "payment", "payment_status": "unpaid", "created": NOW, "currency": "usd"}

    session = read(an_event(data={"object": bare})).session

    assert session is not None
    assert (session.payment_intent, session.subtotal_minor, session.currency, session.ref) == (None, 0, "usd", None)
    assert session.created_at == datetime.fromtimestamp(NOW, UTC)


def test_session_without_a_currency_is_not_read() -> None:
    setup = {"id": "cs_1", "mode": "setup", "payment_status": "no_payment_required", "created": NOW, "currency": None}
    assert read(an_event(data={"object": setup})).session is None
