"""Bugs in memberships: months credited twice, unpaid members, unpublished ends."""

from typing import Final

from tests.faults.planted.bug import Bug

_DOMAIN: Final = "chalicelib/domain/memberships.py"
_MONTHS: Final = "chalicelib/domain/membership_months.py"
_STORE: Final = "chalicelib/adapters/dynamodb/memberships.py"
_FOLLOW: Final = "chalicelib/usecases/memberships.py"
_MONEY: Final = "chalicelib/usecases/refunds.py"
_EVENTS: Final = "chalicelib/usecases/stripe_events.py"
_TABLE: Final = ("tests/adapters/test_memberships.py", "-k", "table_store")
_WINDOWS: Final = ("tests/adapters/test_membership_windows.py", "-k", "table_store")
_COUNTS: Final = ("tests/adapters/test_membership_budgets.py", "-k", "table_store")
_INTERLEAVINGS: Final = ("tests/faults/test_membership_interleavings.py",)
_WAYS: Final = ("tests/usecases/test_membership_payments.py",)
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
        _MONTHS,
        "        purchase_id=invoice.purchase_id,\n",
        "        purchase_id=posting.event_id,\n",
        _LIFE,
    ),
    Bug(
        "an upgrade is a month",
        _MONTHS,
        "    if invoice.billing_reason not in _BILLED:\n",
        "    if not invoice.billing_reason:\n",
        ("tests/domain/test_membership_months.py",),
    ),
    Bug(
        "half a price buys a whole month",
        _MONTHS,
        "    if invoice.paid_minor != invoice.total_minor:\n",
        "    if invoice.paid_minor > invoice.total_minor:\n",
        ("tests/domain/test_membership_months.py",),
    ),
    Bug(
        "a month whose money is gone goes on",
        _DOMAIN,
        "last is not None and not last.is_kept",
        "last is None and status in LIVE",
        ("tests/faults/test_failpoints.py", "-k", "month"),
    ),
    Bug(
        "a coupon's month has the whole coins",
        _MONTHS,
        "    if invoice.total_minor != invoice.subtotal_minor:\n",
        "    if invoice.total_minor > invoice.subtotal_minor:\n",
        _WAYS,
    ),
    Bug(
        "what was paid outside Stripe gives coins",
        _MONTHS,
        "    if invoice.off_stripe_minor:\n",
        "    if invoice.off_stripe_minor > invoice.paid_minor:\n",
        _WAYS,
    ),
    Bug(
        "a month in review makes no member",
        _FOLLOW,
        "        if month is not None:\n",
        "        if month is not None and known is not None:\n",
        _WAYS,
    ),
    Bug(
        "an invoice of 0.00 is a review",
        "chalicelib/usecases/fulfillment.py",
        "    if invoice.is_free:\n",
        "    if invoice.is_free and invoice.paid_minor:\n",
        _WAYS,
    ),
    Bug(
        "a payment that is attached later is a review at once",
        "chalicelib/usecases/fulfillment.py",
        "    if awaits_payment(invoice, clock.now()):\n",
        "    if awaits_payment(invoice, clock.now()) and invoice.is_free:\n",
        _WAYS,
    ),
    Bug(
        "a bank debit under way ends the membership",
        _DOMAIN,
        "served_until=subscription.period_ends_at if is_served else None,",
        "served_until=None,",
        _WAYS,
    ),
    Bug(
        "a refund of the second part is not followed",
        _MONEY,
        "isinstance(purchase, Purchase) and purchase.payment_intent in payment.parts:",
        "isinstance(purchase, Purchase) and purchase.payment_intent == payment.payment_intent:",
        _WAYS,
    ),
    Bug(
        "the money of one part stands for all",
        _MONEY,
        "part: services.gateway.read_money(part) for part in payment.parts}",
        "part: services.gateway.read_money(part) for part in payment.parts[:1]}",
        _WAYS,
    ),
    Bug(
        "a fan whose overdue trial is over is refused for ever",
        _DOMAIN,
        "(self.status in LIVE and self.renews)",
        "self.status in LIVE",
        ("tests/domain/test_membership_orders.py",),
    ),
    Bug(
        "nobody hears of a return",
        _FOLLOW,
        "end_notification(*news) or resume_notification(*news)",
        "end_notification(*news)",
        ("tests/usecases/test_memberships_sync.py",),
    ),
    Bug(
        "a member without a paid month is forgotten after sixty days",
        "chalicelib/adapters/dynamodb/membership_rows.py",
        "        assign(MembershipRow.ttl, _expires_at(member)),\n",
        "",
        ("tests/adapters/test_membership_costs.py", "-k", "ttl"),
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
        "chalicelib/domain/membership_notifications.py",
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
        _TABLE,
    ),
    Bug(
        "any price buys the month",
        _STORE,
        "        & (MembershipRow.amount_minor == month.amount_minor)\n",
        "",
        _TABLE,
    ),
    Bug(
        "any subscription pays for it",
        _STORE,
        "        & (MembershipRow.subscription_id.does_not_exist() | "
        "(MembershipRow.subscription_id == subscription_id))\n",
        "",
        _TABLE,
    ),
    Bug(
        "a membership beyond the budget",
        _STORE,
        "is_within_budget & may_buy()",
        "may_buy()",
        _COUNTS,
    ),
    Bug(
        "any number of unpaid memberships",
        "chalicelib/adapters/dynamodb/window_expressions.py",
        "if seen and is_active(seen, now) and seen.unpaid < limit:",
        "if seen and is_active(seen, now) and (limit := seen.unpaid + 1):",
        _WINDOWS,
    ),
    Bug(
        "a membership whose session was never created counts for ever",
        "chalicelib/usecases/checkout.py",
        "return purchases + end_stale_memberships(user_id, over, services)",
        "return purchases",
        ("tests/usecases/test_membership_budgets.py",),
    ),
    Bug(
        "a member behind ten tries is none",
        _STORE,
        "return [*newest, *(each for each in found if each)]",
        "return newest",
        _TABLE,
    ),
    Bug(
        "a first month counts twice",
        _STORE,
        "if month.is_renewal or not self._post_counted(month, subscribed, is_as_quoted):",
        "if month.coins:",
        _COUNTS,
    ),
    Bug(
        "a first month that counts no more is free",
        _STORE,
        "is_counted = is_as_quoted & MembershipRow.is_counted.exists()",
        "is_counted = is_as_quoted",
        _COUNTS,
    ),
    Bug(
        "the price of a paid month is released",
        _STORE,
        "                is_as_read &= MembershipRow.is_counted.exists()\n",
        "",
        _COUNTS,
    ),
    Bug(
        "a free first month counts for ever",
        _DOMAIN,
        "membership.is_counted and status is MembershipStatus.PENDING",
        "membership.is_counted",
        ("tests/usecases/test_membership_budgets.py",),
    ),
    Bug(
        "a key of another account ends memberships",
        _FOLLOW,
        "not services.gateway.has_event(event_id)",
        "services.gateway.has_event(event_id)",
        ("tests/usecases/test_memberships_sync.py",),
    ),
    Bug(
        "an unpaid membership counts for ever",
        "chalicelib/usecases/unpaid_memberships.py",
        "    if after.is_counted or not before.is_counted:\n",
        "    if after.is_counted or before.is_counted:\n",
        ("tests/usecases/test_membership_budgets.py",),
    ),
    Bug(
        "who came later wins",
        _STORE,
        "            is_as_read = (MembershipRow.version == before.version) & ",
        "            is_as_read = MembershipRow.pk.exists() & ",
        _TABLE,
    ),
    Bug(
        "a member is forgotten after sixty days",
        _STORE,
        "[*noted, MembershipRow.ttl.remove()]",
        "[*noted]",
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
