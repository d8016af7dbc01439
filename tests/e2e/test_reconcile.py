"""Reconcile handles the events of payments and memberships on the deployed stack when no webhook is delivered."""

import pytest
from uuid_utils import uuid7

from infra.local.client import Fan
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.e2e.memberships import ALLOWANCE, open_membership, state_of, subscribe
from tests.e2e.operations import Cloud
from tests.e2e.payments import CHANGES, assert_keeps_share, open_checkouts, without_webhooks

pytestmark = pytest.mark.cloud

MIN_AGE_SECONDS = 600
"""Reconcile leaves later events to the webhooks."""


def test_reconcile_handles_what_no_webhook_delivered(stack: StackFacts, stripe: StripeSide, cloud: Cloud) -> None:
    checkouts, member = open_checkouts(stack), Fan(stack, f"fan-{uuid7()}")
    membership = open_membership(member)
    with without_webhooks(stripe):
        stripe.set_clock(-MIN_AGE_SECONDS)
        try:
            kept = [change(stripe, checkout) for change, (_, checkout) in zip(CHANGES, checkouts, strict=True)]
            subscription_id = subscribe(stripe, membership).subscription.id
            stripe.renew(subscription_id)
            stripe.cancel_subscription(subscription_id)
        finally:
            stripe.set_clock(0)
    assert {fan.wallet().coins for fan in (member, *(fan for fan, _ in checkouts))} == {0}

    cloud.rewind_reconcile()
    first, again = cloud.invoke("Reconcile"), cloud.invoke("Reconcile")

    assert {"try_again", "unforeseen"}.isdisjoint(first)
    assert first["credited"] >= len(checkouts)
    handled = {"credited", "clawed_back", "restored", "membership_active", "membership_ended"}
    assert again.keys().isdisjoint({*handled, "try_again", "unforeseen"})
    assert_keeps_share(stack, checkouts, kept)
    assert member.wallet().coins == 2 * ALLOWANCE
    assert state_of(member) == ("ended", False)
