"""Bugs in memberships: months credited twice, unpaid members, unpublished ends."""

from typing import Final

from tests.faults.planted.bug import Bug

_DOMAIN: Final = "chalicelib/domain/memberships.py"
_STORE: Final = "chalicelib/adapters/dynamodb/memberships.py"
_FOLLOW: Final = "chalicelib/usecases/memberships.py"
_MONEY: Final = "chalicelib/usecases/refunds.py"
_EVENTS: Final = "chalicelib/usecases/stripe_events.py"
_MOTO: Final = ("tests/adapters/test_memberships.py", "-k", "moto")
_INTERLEAVINGS: Final = ("tests/faults/test_membership_interleavings.py",)
_LIFE: Final = ("tests/properties/test_membership_events.py",)

IN_MEMBERSHIPS: Final = [
    Bug(
        "a customer for each membership",
        "chalicelib/usecases/memberships.py",
        "    if known.customer_id:\n        return known.customer_id\n",
        "",
        ("tests/usecases/test_open_membership.py",),
    ),
    Bug(
        "each delivery of an invoice is a month of its own",
        _DOMAIN,
        "        purchase_id=invoice.purchase_id,\n",
        "        purchase_id=posting.event_id,\n",
        _LIFE,
    ),
    Bug(
        "an upgrade is a month",
        _DOMAIN,
        "    if invoice.billing_reason not in _BILLED:\n",
        "    if not invoice.billing_reason:\n",
        ("tests/domain/test_memberships.py",),
    ),
    Bug(
        "half a price buys a whole month",
        _DOMAIN,
        "    if invoice.paid_minor != invoice.total_minor:\n",
        "    if invoice.paid_minor > invoice.total_minor:\n",
        ("tests/domain/test_memberships.py",),
    ),
    Bug(
        "a month whose money is gone goes on",
        _DOMAIN,
        "last.amount_minor and last.kept_minor == 0",
        "last.amount_minor and last.kept_minor == -1",
        ("tests/faults/test_failpoints.py", "-k", "month"),
    ),
    Bug(
        "a member before anything was paid",
        _DOMAIN,
        "    if last is None and status in LIVE:\n",
        "    if last is None and status not in LIVE:\n",
        ("tests/usecases/test_memberships_sync.py",),
    ),
    Bug(
        "what has ended ends again",
        _DOMAIN,
        "has_ended = after.status is MembershipStatus.ENDED and before.status is not MembershipStatus.ENDED",
        "has_ended = after.status is MembershipStatus.ENDED",
        _LIFE,
    ),
    Bug(
        "the membership is read after its subscription",
        _FOLLOW,
        "        # Conditional on the version",
        "        before = memberships.find_membership(hint.ref.user_id, hint.ref.membership_id) or before\n"
        "        # Conditional on the version",
        _INTERLEAVINGS,
    ),
    Bug(
        "a look at a membership that found nothing is not written down",
        _FOLLOW,
        "        posting = Posting(",
        "        if replace(after, version=before.version) == before:\n            return Outcome.UNCHANGED\n"
        "        posting = Posting(",
        _INTERLEAVINGS,
    ),
    Bug(
        "only its own invoice posts a month",
        _FOLLOW,
        "        if known is None:\n",
        "        if known is not None and not known:\n",
        ("tests/usecases/test_memberships_sync.py",),
    ),
    Bug(
        "a refund does not reach the membership",
        _MONEY,
        "    if payment.invoice and (hint := payment.invoice.hint):\n",
        "    if payment.invoice and not (hint := payment.invoice.hint):\n",
        ("tests/faults/test_failpoints.py", "-k", "month"),
    ),
    Bug(
        "a paid invoice is credited and nobody becomes a member",
        _EVENTS,
        "    synced = _sync_membership(invoice.hint, services)\n",
        "    synced = Outcome.UNCHANGED\n",
        ("tests/faults/test_failpoints.py", "-k", "month"),
    ),
    Bug(
        "a month is posted over another",
        _STORE,
        "transaction.save(posted_row(month), EntryRow.pk.does_not_exist(), return_values=",
        "transaction.save(posted_row(month), EntryRow.pk.does_not_exist() | EntryRow.pk.exists(), return_values=",
        _MOTO,
    ),
    Bug(
        "any price buys the month",
        _STORE,
        "        & (MembershipRow.amount_minor == month.amount_minor)\n",
        "",
        _MOTO,
    ),
    Bug(
        "any subscription pays for it",
        _STORE,
        "        & (MembershipRow.subscription_id.does_not_exist() | "
        "(MembershipRow.subscription_id == subscription_id))\n",
        "",
        _MOTO,
    ),
    Bug(
        "who came later wins",
        _STORE,
        "MembershipRow.version == before.version)",
        "MembershipRow.pk.exists())",
        _MOTO,
    ),
    Bug(
        "a member is forgotten after sixty days",
        _STORE,
        "        MembershipRow.ttl.remove(),\n",
        "",
        ("tests/adapters/test_membership_costs.py", "-k", "ttl"),
    ),
    Bug(
        "what the portal canceled is said to renew",
        "chalicelib/adapters/stripe/subscription_schema.py",
        "renews=not subscription.cancel_at_period_end and subscription.cancel_at is None,",
        "renews=not subscription.cancel_at_period_end,",
        ("tests/adapters/test_stripe_memberships.py",),
    ),
]
