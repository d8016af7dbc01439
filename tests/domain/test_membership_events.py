import pytest
from msgspec.structs import replace

from chalicelib.domain.events import message_for
from chalicelib.domain.membership_months import month_of
from chalicelib.domain.posting import NotPosted, Posting
from tests.domain.builders import EVENT_ID, FAN, KEY, a_membership
from tests.fake_memberships import invoice_of
from tests.fakes import START


@pytest.mark.parametrize(
    ("month", "event_type", "paid_until"),
    [
        (1, "coinpurse.membership.started.v1", "2026-12-22T12:00:00.000Z"),
        (2, "coinpurse.membership.renewed.v1", "2027-01-21T12:00:00.000Z"),
    ],
)
def test_announce_month_has_the_membership_event_type(month: int, event_type: str, paid_until: str) -> None:
    invoice = invoice_of(a_membership(), month)
    message = message_for(
        month_of(invoice, Posting(posted_at=START, event_id=EVENT_ID)), None, source="/coinpurse/test", livemode=True
    )
    assert message.id == message.envelope["id"] == EVENT_ID
    assert (message.envelope["type"], message.envelope["subject"]) == (event_type, f"wallet/{FAN}")
    assert message.envelope["dataschema"] == f"urn:{event_type.replace('.', ':')}"
    assert message.envelope["data"] == {
        "membership_id": KEY,
        "purchase_id": invoice.purchase_id,
        "user_id": FAN,
        "plan_id": "coin_club",
        "coins": 500,
        "price": {"amount_minor": 499, "currency": "usd"},
        "paid_until": paid_until,
    }
    assert message.attributes == {"event_type": event_type, "kind": "purchase", "coins": 500, "livemode": "true"}


def test_announce_month_without_posting_or_end_raises_not_posted() -> None:
    month = month_of(invoice_of(a_membership()), Posting(posted_at=START, event_id=EVENT_ID))
    for unfit in (replace(month, event_id=None), replace(month, paid_until=None)):
        with pytest.raises(NotPosted):
            message_for(unfit, None, source="/coinpurse/test", livemode=True)
