import pytest
from msgspec.structs import replace

from chalicelib.domain.events import announce
from chalicelib.domain.memberships import month_of
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
def test_a_paid_month_is_told_as_the_membership_it_is(month: int, event_type: str, paid_until: str) -> None:
    invoice = invoice_of(a_membership(), month)
    told = announce(
        month_of(invoice, Posting(posted_at=START, event_id=EVENT_ID)), None, source="/coinpurse/test", livemode=True
    )
    assert told.id == told.envelope["id"] == EVENT_ID
    assert (told.envelope["type"], told.envelope["subject"]) == (event_type, f"wallet/{FAN}")
    assert told.envelope["dataschema"] == f"urn:{event_type.replace('.', ':')}"
    assert told.envelope["data"] == {
        "membership_id": KEY,
        "purchase_id": invoice.purchase_id,
        "user_id": FAN,
        "plan_id": "coin_club",
        "coins": 500,
        "price": {"amount_minor": 499, "currency": "usd"},
        "paid_until": paid_until,
    }
    assert told.attributes == {"event_type": event_type, "kind": "purchase", "coins": 500, "livemode": "true"}


def test_a_month_that_is_not_posted_or_has_no_end_is_not_told() -> None:
    month = month_of(invoice_of(a_membership()), Posting(posted_at=START, event_id=EVENT_ID))
    for unfit in (replace(month, event_id=None), replace(month, paid_until=None)):
        with pytest.raises(NotPosted):
            announce(unfit, None, source="/coinpurse/test", livemode=True)
