"""Bugs in the adapters of DynamoDB, Stripe and SNS."""

from typing import Final

from tests.faults.planted.bug import Bug

_STORE: Final = "chalicelib/adapters/dynamodb/ledger.py"
_SHARDS: Final = "chalicelib/adapters/dynamodb/shards.py"
_PURCHASES: Final = "chalicelib/adapters/dynamodb/purchases.py"
_OPERATORS: Final = "chalicelib/adapters/dynamodb/operators.py"
_REVIEWS: Final = "chalicelib/adapters/dynamodb/reviews.py"
_STRIPE: Final = "chalicelib/adapters/stripe/gateway.py"
_KEYS: Final = "chalicelib/adapters/stripe/keys.py"
_TABLE: Final = ("-k", "table_store")

IN_ADAPTERS: Final = [
    Bug(
        "a credit in two writes",
        _PURCHASES,
        """transaction.update(WalletRow(row.pk, WALLET), credited, is_counted, return_values="ALL_OLD")""",
        """WalletRow(row.pk, WALLET).update(credited, is_counted)""",
        ("tests/adapters/test_ledger_purchases.py", *_TABLE),
    ),
    Bug(
        "what is posted expires",
        _PURCHASES,
        "        EntryRow.version.add(1),\n        EntryRow.ttl.remove(),\n",
        "        EntryRow.version.add(1),\n",
        ("tests/faults/test_replays.py",),
    ),
    Bug(
        "what is being processed expires",
        _PURCHASES,
        "            actions.append(EntryRow.ttl.remove())\n",
        "            pass\n",
        ("tests/faults/test_replays.py",),
    ),
    Bug(
        "two events of one purchase, two credits",
        _PURCHASES,
        "may_post(session.payment_intent)\n            & (EntryRow.coins == ref.coins)",
        "(EntryRow.coins == ref.coins)",
        ("tests/adapters/test_ledger_purchases.py", *_TABLE),
    ),
    Bug(
        "coins out of the metadata",
        _PURCHASES,
        "            & (EntryRow.coins == ref.coins)\n",
        "",
        ("tests/adapters/test_ledger_purchases.py", *_TABLE),
    ),
    Bug(
        "another price is as good",
        _PURCHASES,
        "            & (EntryRow.amount_minor == session.subtotal_minor)\n",
        "",
        ("tests/adapters/test_ledger_purchases.py", *_TABLE),
    ),
    Bug(
        "a stale truth is written",
        _PURCHASES,
        "transaction.update(row, synced, EntryRow.version == purchase.version)",
        "transaction.update(row, synced, EntryRow.pk.exists())",
        ("tests/adapters/test_ledger_money.py", *_TABLE),
    ),
    Bug(
        "an operator's unfreezing ends a dispute's freeze",
        _OPERATORS,
        "else WalletRow.frozen_at.remove()\n",
        "else WalletRow.disputes.remove()\n",
        ("tests/adapters/test_ledger_disputes.py", *_TABLE),
    ),
    Bug(
        "a gift adds its coins",
        _STORE,
        "WalletRow.coins.add(-gift.price_coins)",
        "WalletRow.coins.add(gift.price_coins)",
        ("tests/adapters/test_ledger_gifts.py", *_TABLE),
    ),
    Bug(
        "a gift without a key condition",
        _STORE,
        'transaction.save(gift_row(gift), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")',
        "transaction.save(gift_row(gift))",
        ("tests/adapters/test_ledger_gifts.py", *_TABLE),
    ),
    Bug(
        "a sequence is given twice",
        _SHARDS,
        "ShardRow.sequence.set(self._seen + len(self._gifts))",
        "ShardRow.sequence.set(self._seen + 1)",
        ("tests/adapters/test_ledger_shards.py", *_TABLE),
    ),
    Bug(
        "a shard receives a gift again",
        _SHARDS,
        'transaction.save(row, CreatorEntryRow.pk.does_not_exist(), return_values="ALL_OLD")',
        "transaction.save(row)",
        ("tests/adapters/test_ledger_shards.py", *_TABLE),
    ),
    Bug(
        "a review overwrites",
        _STORE,
        "row.save(ReviewRow.pk.does_not_exist())",
        "row.save()",
        ("tests/adapters/test_ledger_purchases.py", "tests/adapters/test_operators_reviews.py", *_TABLE),
    ),
    Bug(
        "a definite no is asked again under the next key",
        _KEYS,
        "(error.http_status or 0) < _SERVER_ERROR",
        "(error.http_status or 0) < 400",
        ("tests/adapters/test_stripe_keys.py",),
    ),
    Bug(
        "an error that Stripe may not keep uses up a key",
        _KEYS,
        """if (error.headers or {}).get("Idempotent-Replayed") == "true":""",
        "if error.http_status:",
        ("tests/adapters/test_stripe_keys.py",),
    ),
    Bug(
        "a repeat begins at a later key",
        _KEYS,
        "    number, is_second = 0, False\n",
        "    number, is_second = len(keys) // 2, False\n",
        ("tests/adapters/test_stripe_keys.py",),
    ),
    Bug(
        "a row of the first release gets new keys",
        _KEYS,
        "    if key_form == FORMER_KEY_FORM:",
        "    if not keys:",
        ("tests/adapters/test_stripe_keys.py",),
    ),
    Bug(
        "every reader asks the provider",
        "chalicelib/adapters/dynamodb/open_checkouts.py",
        "(OpenRow.kind == PURCHASES.kind) & is_due",
        "OpenRow.kind == PURCHASES.kind",
        ("tests/adapters/test_asking.py", *_TABLE),
    ),
    Bug(
        "the dashboard decides the currency that is charged",
        "chalicelib/adapters/stripe/client.py",
        """{**params, "adaptive_pricing": {"enabled": False}}""",
        "{**params}",
        ("tests/adapters/test_stripe_sessions.py",),
    ),
    Bug(
        "a conflict is read as a repeat",
        "chalicelib/adapters/dynamodb/transactions.py",
        "if codes & _BUSY:\n            self.wait()\n        elif codes == {_CONDITION}:",
        "if codes & _BUSY and _CONDITION not in codes:\n            self.wait()\n        elif _CONDITION in codes:",
        ("tests/adapters/test_transactions.py",),
    ),
    Bug(
        "throttling is final",
        "chalicelib/adapters/dynamodb/transactions.py",
        '        "ThrottlingException",\n',
        "",
        ("tests/adapters/test_transactions.py",),
    ),
    Bug(
        "a credit posts what another payment has posted",
        _REVIEWS,
        "may_post(purchase.payment_intent) & is_released",
        "EntryRow.pk.exists() & is_released",
        ("tests/adapters/test_operators_reviews.py", *_TABLE),
    ),
    Bug(
        "a month extends a membership that changed",
        _REVIEWS,
        "MembershipRow.version == before.version if before",
        "MembershipRow.pk.exists() if before",
        ("tests/adapters/test_operators_reviews.py", *_TABLE),
    ),
    Bug(
        "a granted payment posts its purchase",
        _PURCHASES,
        "EntryRow.status.is_in(*UNPOSTED) & not_granted",
        "EntryRow.status.is_in(*UNPOSTED)",
        ("tests/adapters/test_old_reviews.py",),
    ),
    Bug(
        "a settled review stays among the open ones",
        "chalicelib/adapters/dynamodb/review_rows.py",
        '        ReviewRow.journal_hour.set(settled_reviews(f"{review.opened_at:%Y-%m}")),\n    ]',
        "    ]",
        ("tests/adapters/test_review_lists.py", *_TABLE),
    ),
    Bug(
        "one key for two fans",
        "chalicelib/adapters/dynamodb/acts.py",
        'transaction.save(row, AuditRow.pk.does_not_exist(), return_values="ALL_OLD")',
        "transaction.save(row)",
        ("tests/adapters/test_operators_grants.py", *_TABLE),
    ),
    Bug(
        "a grant without a key condition",
        _OPERATORS,
        'adjustment_row(adjustment), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")',
        "adjustment_row(adjustment))",
        ("tests/adapters/test_operators_grants.py", *_TABLE),
    ),
    Bug(
        "a reversal twice",
        _OPERATORS,
        " & EntryRow.reversed_by.does_not_exist(),",
        ",",
        ("tests/adapters/test_operators_reversals.py", *_TABLE),
    ),
    Bug(
        "a review is settled twice",
        _REVIEWS,
        " & ReviewRow.settled_key.does_not_exist()\n",
        "\n",
        ("tests/adapters/test_operators_reviews.py", *_TABLE),
    ),
    Bug(
        "True is a number of coins",
        "chalicelib/adapters/dynamodb/attributes.py",
        "type(value) is not int",
        "not isinstance(value, int)",
        ("tests/adapters/test_tables.py", "tests/properties/test_values.py"),
    ),
    Bug(
        "a signature is good for days",
        _STRIPE,
        "SIGNATURE_TOLERANCE: Final = timedelta(minutes=5)",
        "SIGNATURE_TOLERANCE: Final = timedelta(days=5)",
        ("tests/adapters/test_stripe_signatures.py",),
    ),
    Bug(
        "the second secret is ignored",
        _STRIPE,
        "for secret in self._webhook_secrets())",
        "for secret in self._webhook_secrets()[:1])",
        ("tests/adapters/test_stripe_signatures.py",),
    ),
    Bug(
        "what was not signed is taken",
        _STRIPE,
        "    except (stripe.SignatureVerificationError, UnicodeDecodeError):\n        return False",
        "    except (stripe.SignatureVerificationError, UnicodeDecodeError):\n        return True",
        ("tests/adapters/test_stripe_signatures.py",),
    ),
    Bug(
        "what SNS did not accept is forgotten",
        "chalicelib/adapters/aws/sns_publisher.py",
        'for failure in response.get("Failed", [])]',
        "for failure in []]",
        ("tests/adapters/test_sns_publisher.py",),
    ),
    Bug(
        "the stream is read from now on",
        "infra/resources.yaml",
        "StartingPosition: TRIM_HORIZON",
        "StartingPosition: LATEST",
        ("tests/faults/test_relay_under_the_stream.py",),
    ),
]
