"""Bugs in the use cases and in the domain."""

from typing import Final

from tests.faults.planted.bug import Bug

_EVENTS: Final = "chalicelib/usecases/stripe_events.py"
_MONEY: Final = "chalicelib/usecases/refunds.py"
_GIFT: Final = "chalicelib/usecases/gifts.py"
_RELAY: Final = "chalicelib/usecases/relay.py"
_PARALLEL: Final = ("tests/usecases/test_relay_parallel.py",)
_WEBHOOK: Final = ("tests/usecases/test_receive_webhook.py",)


def _failpoints(scenario: str) -> tuple[str, ...]:
    return ("tests/faults/test_failpoints.py", "-k", f"{scenario}")


def _interleavings(handlers: str) -> tuple[str, ...]:
    return ("tests/faults/test_interleavings.py", "-k", handlers)


def _reviews(handlers: str) -> tuple[str, ...]:
    return ("tests/faults/test_review_interleavings.py", "-k", handlers)


IN_USE_CASES: Final = [
    Bug("test money is money", _EVENTS, "if event.livemode is not services.livemode:", "if not event.type:", _WEBHOOK),
    Bug("another account's money is ours", _EVENTS, "if event.account is not None:", "if not event.type:", _WEBHOOK),
    Bug("a card that is saved buys coins", _EVENTS, 'session.mode != "payment" or ', "", _WEBHOOK),
    Bug(
        "a submitted debit buys coins",
        "chalicelib/domain/purchases.py",
        'if session.payment_status != "paid":',
        'if session.payment_status not in {"paid", "unpaid"}:',
        _WEBHOOK,
    ),
    Bug(
        "a discounted session buys all coins",
        "chalicelib/domain/purchases.py",
        "if session.total_minor != session.subtotal_minor:",
        "if session.total_minor > session.subtotal_minor:",
        _WEBHOOK,
    ),
    Bug(
        "a prefetch asks the provider",
        "chalicelib/http/routes/checkout.py",
        "None if request.is_speculative else ask_about",
        "None if not purchase.coins else ask_about",
        ("tests/http/test_late_webhooks.py",),
    ),
    Bug(
        "an old rendering goes to review",
        "chalicelib/usecases/fulfillment.py",
        "    if present and present.is_paid:\n",
        "    if present and not present.session_id:\n",
        ("tests/usecases/test_fulfill_checkout.py",),
    ),
    Bug(
        "a refused checkout stays pending",
        "chalicelib/usecases/checkout.py",
        "            Status.FAILED,\n            (Status.PENDING,),\n            ledger=services.ledger,",
        "            Status.FAILED,\n            (Status.PROCESSING,),\n            ledger=services.ledger,",
        ("tests/usecases/test_unavailable_payments.py",),
    ),
    Bug(
        "a second payment is a repeat",
        "chalicelib/domain/purchases.py",
        "if purchase.status is Status.POSTED and purchase.payment_intent == session.payment_intent:",
        "if purchase.status is Status.POSTED:",
        _failpoints("payment"),
    ),
    Bug(
        "committed, then refused",
        "chalicelib/usecases/fulfillment.py",
        "                case Posted():\n                    return Outcome.CREDITED\n",
        '                case Posted():\n                    raise NotFound("Too late.")\n',
        _failpoints("hear"),
    ),
    Bug(
        "every hint takes its part again",
        _MONEY,
        "coins_kept(purchase, kept_minor) - coins_kept(purchase, before_minor)",
        "coins_kept(purchase, kept_minor) - purchase.coins",
        _failpoints("refund or dispute"),
    ),
    Bug(
        "the purchase is read after the money",
        _MONEY,
        "    match services.ledger.update_kept_amount(purchase, kept_minor, adjustment, hold, debtor, returned):",
        "    again = services.ledger.find_entry(purchase.user_id, purchase.purchase_id)\n"
        "    purchase = again if isinstance(again, Purchase) else purchase\n"
        "    match services.ledger.update_kept_amount(purchase, kept_minor, adjustment, hold, debtor, returned):",
        _interleavings("refund"),
    ),
    Bug(
        "a look that found nothing is not written down",
        _MONEY,
        "    coins = coins_kept(purchase, kept_minor) - coins_kept",
        "    if kept_minor == before_minor:\n        return Outcome.UNCHANGED\n"
        "    coins = coins_kept(purchase, kept_minor) - coins_kept",
        _interleavings("refund"),
    ),
    Bug(
        "a payment is guessed to be heard of in order",
        _MONEY,
        "    if outcome in {Outcome.CREDITED, Outcome.REPEATED}:\n        return None\n",
        "",
        ("tests/usecases/test_refunds.py",),
    ),
    Bug(
        "a credited payment is credited again",
        "chalicelib/domain/settlements.py",
        "    return review.payment_intent in {None, entry.payment_intent}\n",
        "    return not review.payment_id\n",
        _reviews("webhook"),
    ),
    Bug(
        "a credit does not follow its money",
        "chalicelib/usecases/reviews.py",
        '    if decision == "credit":\n        _follow(settled, services)\n',
        "",
        ("tests/usecases/test_settle_reviews.py",),
    ),
    Bug(
        "a second payment takes the place of the first",
        "chalicelib/domain/settlements.py",
        "payment_entry_id(review.paid_at, review.payment_id) if is_posted(entry) else review.purchase_id",
        "review.purchase_id",
        ("tests/usecases/test_settle_reviews.py",),
    ),
    Bug(
        "the state of money is its amount",
        "chalicelib/domain/reversals.py",
        "(refund.refund_id, refund.amount_minor if",
        '("", refund.amount_minor if',
        ("tests/domain/test_reversals.py",),
    ),
    Bug(
        "a review of money is closed before the coins follow it",
        "chalicelib/domain/settlements.py",
        "(review.moved is None or entry.kept_minor is not None)",
        "(review.moved is None or True)",
        ("tests/usecases/test_open_reviews.py",),
    ),
    Bug(
        "a failed refund stays clawed back",
        "chalicelib/domain/reversals.py",
        '"failed": STAYS,',
        '"failed": GONE,',
        _failpoints("failed"),
    ),
    Bug(
        "a dispute that is won is lost",
        "chalicelib/domain/reversals.py",
        "return max(-sum(booking.amount_minor for booking in dispute.bookings), 0)",
        "return -sum(min(booking.amount_minor, 0) for booking in dispute.bookings)",
        _failpoints("won"),
    ),
    Bug(
        "a prevented dispute has taken no money",
        "chalicelib/domain/reversals.py",
        "    if settled_in == {currency}:\n",
        '    if dispute.status == "prevented":\n        return 0\n    if settled_in == {currency}:\n',
        ("tests/usecases/test_disputes.py",),
    ),
    Bug(
        "an inquiry freezes the wallet",
        "chalicelib/domain/reversals.py",
        "    if not taking:\n        return None\n    return DisputeHold.LOST if",
        "    if not money.disputes:\n        return None\n    return DisputeHold.LOST if",
        ("tests/domain/test_reversals.py",),
    ),
    Bug(
        "a frozen wallet sees its payment page again",
        "chalicelib/usecases/checkout.py",
        "can_still_be_paid(stored, now) and not is_barred(wallet, now)",
        "can_still_be_paid(stored, now)",
        ("tests/usecases/test_disputes.py",),
    ),
    Bug(
        "an unknown movement hides the known ones",
        "chalicelib/usecases/refunds.py",
        "    gone = money_gone(money, purchase.currency)\n",
        "    gone = money_gone(money, purchase.currency)\n"
        "    if gone.unknown:\n        return Outcome.UNKNOWN_STATUS\n",
        ("tests/usecases/test_disputes.py",),
    ),
    Bug(
        "a full reinstatement at another rate is partial",
        "chalicelib/domain/reversals.py",
        "if left * CONVERSION_LOSS > taken else",
        "if left > 0 else",
        ("tests/domain/test_reversals.py",),
    ),
    Bug(
        "money is divided in floats",
        "chalicelib/domain/reversals.py",
        "return purchase.coins * kept_minor // purchase.amount_minor",
        "return int(purchase.coins * (kept_minor / purchase.amount_minor))",
        ("tests/properties/test_reversals.py",),
    ),
    Bug(
        "a refusal hides a success",
        _GIFT,
        "        found = ledger.find_entry(order.user_id, order.gift_id)\n"
        "        if found is None:\n            raise\n        earlier = found\n",
        "        raise\n",
        _failpoints("send"),
    ),
    Bug(
        "an old key is as good",
        _GIFT,
        "        require_fresh_key(order.gift_id, now)\n",
        "",
        ("tests/usecases/test_send_gift.py",),
    ),
    Bug(
        "another wish under the same key",
        "chalicelib/domain/gifts.py",
        "if isinstance(entry, Gift) and _request_of(entry, entry.price_coins) == _request_of(order, order.coins):",
        "if isinstance(entry, Gift):",
        ("tests/usecases/test_send_gift.py",),
    ),
    Bug(
        "a shard that moves with the setting",
        "chalicelib/domain/gifts.py",
        "return zlib.crc32(name.encode()) % creator_shards",
        "return hash(name) % creator_shards",
        ("tests/domain/test_gifts.py",),
    ),
    Bug(
        "who gave in secret is named",
        "chalicelib/domain/events.py",
        "None if gift.anonymous else gift.user_id",
        "gift.user_id",
        ("tests/domain/test_events.py",),
    ),
    Bug(
        "who took back is named",
        "chalicelib/domain/events.py",
        '    del data["user_id"]\n',
        "",
        ("tests/domain/test_events.py", "tests/domain/test_adjustment_events.py"),
    ),
    Bug(
        "a hundred shards in turn",
        _RELAY,
        "    services.threads.map(batch.receive_shard, list(shards.items()))\n",
        "    for shard in shards.items():\n        batch.receive_shard(shard)\n",
        _PARALLEL,
    ),
    Bug(
        "batches of one shard side by side",
        _RELAY,
        "    services.threads.map(batch.receive_shard, list(shards.items()))\n",
        "    parts = [(name, [part]) for name, batches in shards.items() for part in batches]\n"
        "    services.threads.map(batch.receive_shard, parts)\n",
        _PARALLEL,
    ),
    Bug(
        "what the topic is too busy for is forgotten",
        _RELAY,
        "if message.id in outcome.busy:",
        "if message.id in outcome.busy and not message.id:",
        _failpoints("relay"),
    ),
    Bug(
        "a busy shard is forgotten",
        _RELAY,
        "            self.retry.update(record.record_id for record in records)\n",
        "            pass\n",
        _failpoints("relay"),
    ),
    Bug(
        "what cannot be read is passed over",
        _RELAY,
        "            if record.entry is None:\n                self.poison.append(record)\n",
        "            if record.entry is None:\n                continue\n",
        ("tests/usecases/test_relay_faults.py",),
    ),
]
