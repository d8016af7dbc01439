"""Stripe's events about subscriptions and invoices, from the sandbox and made up."""

import json
from collections.abc import Iterator

import pytest

from chalicelib.adapters.stripe.checkout_schema import decode_event
from chalicelib.adapters.stripe.subscription_schema import invoice_of, membership_ref_from_metadata
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import MembershipHint, MembershipRef, StripeEvent
from chalicelib.errors import NotAuthentic
from chalicelib.usecases.stripe_events import INVOICE_EVENTS, SUBSCRIPTION_EVENTS
from infra.local.stack import _WEBHOOK_EVENTS
from tests.adapters.samples import new_id
from tests.adapters.stripe_lab import Json, Lab, open_lab
from tests.adapters.test_stripe_memberships import (
    advance_a_month,
    membership_ref,
    subscribe,
    todays_membership,
)
from tests.adapters.webhooks_lab import a_session, an_event, read

MEMBERSHIP_ID = new_id()
METADATA = {"membership_id": MEMBERSHIP_ID, "plan_id": "coin_club", "user_id": "ann", "coins": "500"}
REF = MembershipRef(membership_id=MEMBERSHIP_ID, plan_id="coin_club", user_id="ann", coins=500)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


def about(event_type: str, **members: object) -> StripeEvent:
    return read(an_event(type=event_type, data={"object": members}))


def test_decode_event_of_subscription_has_membership_hint(lab: Lab) -> None:
    membership = todays_membership()
    subscription_id = subscribe(lab, membership)
    advance_a_month(lab)
    lab.control("PUT", "/knobs", renewals="failed")
    advance_a_month(lab)
    lab.control("POST", f"/subscriptions/{subscription_id}/cancel")
    events = [decode_event(json.dumps(event).encode()) for event in lab.events()]

    hint = MembershipHint(subscription_id=subscription_id, ref=membership_ref(membership))
    by_type = {event.type: event for event in events}
    assert by_type.keys() >= INVOICE_EVENTS | SUBSCRIPTION_EVENTS | {"checkout.session.completed"}
    for event_type in SUBSCRIPTION_EVENTS | {"checkout.session.completed"}:
        assert (by_type[event_type].membership, by_type[event_type].invoice_id) == (hint, None)
    for event_type in INVOICE_EVENTS:
        assert by_type[event_type].membership is None
        assert by_type[event_type].invoice_id in lab.sandbox.store.invoices
    session = by_type["checkout.session.completed"].session
    assert session is not None
    assert (session.mode, session.ref) == ("subscription", None)


def test_webhook_is_registered_for_all_membership_events() -> None:
    types = {event_type for event_type in _WEBHOOK_EVENTS if "*" not in event_type}
    families = {pattern.removesuffix("*") for pattern in _WEBHOOK_EVENTS if pattern.endswith("*")}
    assert types >= INVOICE_EVENTS
    assert all(any(each.startswith(family) for family in families) for each in SUBSCRIPTION_EVENTS)


def test_decode_event_reads_only_the_hint() -> None:
    event = about("customer.subscription.updated", id="sub_1", metadata=METADATA, status=7)
    assert event.membership == MembershipHint(subscription_id="sub_1", ref=REF)
    assert about("invoice.paid", id="in_1", total="much").invoice_id == "in_1"


@pytest.mark.parametrize("metadata", [None, {}, {"purchase_id": MEMBERSHIP_ID, "user_id": "ann", "coins": "500"}])
def test_decode_event_of_unrelated_subscription_has_no_hint(metadata: Json | None) -> None:
    assert about("customer.subscription.deleted", id="sub_1", metadata=metadata).membership is None


def test_decode_event_session_without_subscription_has_no_hint() -> None:
    session = a_session(mode="subscription", payment_intent=None, subscription=None, metadata=METADATA)
    event = read(an_event(data={"object": session}))
    assert event.membership is None
    assert event.session is not None
    assert event.session.membership == REF
    subscribed = read(an_event(data={"object": session | {"subscription": "sub_1"}})).membership
    assert subscribed == MembershipHint(subscription_id="sub_1", ref=REF)


def test_decode_event_upcoming_invoice_has_no_id() -> None:
    assert about("invoice.upcoming", total=499).invoice_id is None


@pytest.mark.parametrize("event_type", ["customer.subscription.updated", "invoice.paid"])
@pytest.mark.parametrize("members", [{}, {"id": ""}, {"id": 7}, {"id": None}, {"id": "x" * 256}], ids=str)
def test_decode_event_without_valid_object_id_is_not_authentic(event_type: str, members: Json) -> None:
    with pytest.raises(NotAuthentic):
        about(event_type, **members)


@pytest.mark.parametrize(
    "changes",
    [
        {"membership_id": ""},
        {"membership_id": MEMBERSHIP_ID.upper()},
        {"plan_id": "a b"},
        {"user_id": "a#b"},
        {"coins": "0"},
        {"coins": "-5"},
        {"coins": "5.0"},
        {"coins": "\u0665"},
        {"coins": str(MAX_AMOUNT + 1)},
    ],
    ids=str,
)
def test_membership_ref_from_metadata_rejects_invalid_values(changes: dict[str, str]) -> None:
    assert membership_ref_from_metadata(METADATA) == REF
    assert membership_ref_from_metadata(METADATA | {"coins": str(MAX_AMOUNT)}) is not None
    assert membership_ref_from_metadata(METADATA | changes) is None


# --- invoices ---------------------------------------------------------------------------------------------------------


def an_invoice(**changes: object) -> Json:
    """Build a paid invoice as Stripe returns it, with its payments expanded."""
    details = {"subscription": "sub_1", "metadata": METADATA}
    invoice: Json = {
        "id": "in_1",
        "status": "paid",
        "billing_reason": "subscription_cycle",
        "created": 1_795_000_000,
        "currency": "usd",
        "customer": "cus_1",
        "subtotal": 499,
        "total": 499,
        "amount_paid": 499,
        "parent": {"type": "subscription_details", "subscription_details": details},
        "lines": {"data": [{"period": {"end": 1_797_000_000}}]},
        "payments": {"data": [a_payment("1")]},
    }
    return invoice | changes


def a_payment(name: str, amount: int = 499, *, status: str = "paid", created: int = 1, kind: str = "pi") -> Json:
    """Build an invoice payment: by a payment intent, a payment record (`prec`) or a charge without intent (`ch`)."""
    types = {"pi": "payment_intent", "prec": "payment_record", "ch": "charge"}
    paid = amount if status == "paid" else None
    payment = {"type": types[kind], types[kind]: f"{kind}_{name}"}
    return {"id": f"inpay_{name}", "created": created, "status": status, "amount_paid": paid, "payment": payment}


@pytest.mark.parametrize(
    ("payments", "payment_intents", "off_stripe_minor"),
    [
        ([a_payment("1")], ("pi_1",), 0),
        ([a_payment("0", status="canceled"), a_payment("1"), a_payment("2", status="open")], ("pi_1",), 0),
        ([a_payment("2", 200, created=2), a_payment("1", 299)], ("pi_1", "pi_2"), 0),
        ([a_payment("2", 200), a_payment("1", 299)], ("pi_1", "pi_2"), 0),
        ([a_payment("1", 299)], (), 0),
        ([a_payment("1", status="open")], (), 0),
        ([a_payment("1", kind="prec")], (), 499),
        ([a_payment("1", kind="ch")], (), 499),
        ([a_payment("1", 299), a_payment("2", 200, kind="prec")], ("pi_1",), 200),
        ([], (), 0),
        # Stripe shows ten payments of an invoice. One whose rest is on a further page waits, and is then reviewed.
        ([a_payment(str(number), 40) for number in range(10)], (), 0),
        ([a_payment(str(number), status="canceled") for number in range(10)], (), 0),
    ],
    ids=str,
)
def test_invoice_of_takes_payments_that_come_to_the_amount_paid(
    payments: list[Json], payment_intents: tuple[str, ...], off_stripe_minor: int
) -> None:
    invoice = invoice_of(an_invoice(payments={"data": payments}))
    assert invoice is not None
    assert (invoice.payment_intents, invoice.off_stripe_minor) == (payment_intents, off_stripe_minor)


@pytest.mark.parametrize(("paid_at", "seconds"), [(None, None), (1_795_000_100, 1_795_000_100)])
def test_invoice_of_paid_at_is_that_of_its_status_transition(paid_at: int | None, seconds: int | None) -> None:
    invoice = invoice_of(an_invoice(status_transitions={"paid_at": paid_at}))
    assert invoice is not None
    assert (invoice.paid_at and invoice.paid_at.timestamp()) == seconds


def test_invoice_of_paid_until_is_end_of_last_line() -> None:
    lines = [{"period": {"end": end}} for end in (1_796_000_000, 1_797_000_000, 1_795_000_000)]
    invoice = invoice_of(an_invoice(lines={"data": lines}))
    assert invoice is not None
    assert invoice.paid_until is not None
    assert invoice.paid_until.timestamp() == 1_797_000_000
    without_lines = invoice_of(an_invoice(lines={"data": []}))
    assert without_lines is not None
    assert without_lines.paid_until is None


@pytest.mark.parametrize("parent", [None, {"type": "quote_details", "subscription_details": None}], ids=str)
def test_invoice_of_without_subscription_is_none(parent: Json | None) -> None:
    assert invoice_of(an_invoice(parent=parent)) is None


def test_invoice_of_without_optional_fields_has_defaults() -> None:
    bare = an_invoice(status=None, billing_reason=None, customer=None, payments=None, subtotal=-499, total=-499)
    invoice = invoice_of(bare)
    assert invoice is not None
    assert (invoice.status, invoice.billing_reason, invoice.customer_id, invoice.payment_intent) == (
        None,
        None,
        None,
        None,
    )
    assert invoice.total_minor == -499
