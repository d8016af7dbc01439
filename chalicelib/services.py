"""The composition root: builds each adapter when it is first asked for, once. Imports no SDK itself.

Tests put fakes in the place of these functions; nothing else has to be replaced.
"""

import gc
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.identity import Caller
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.reference_rates import ReferenceRates
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.ports.billing import OfferSigner, PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.adapters.aws.secrets import SsmSecrets
    from chalicelib.adapters.tokens import JwtVerifier


@cache
def settings() -> Settings:
    """What the deployment decides."""
    return Settings.read()


@cache
def clock() -> Clock:
    """Time and new ids."""
    from chalicelib.adapters.clock import SystemClock

    return SystemClock()


@cache
def catalogue() -> Catalogue:
    """What is on sale."""
    from chalicelib.adapters.catalogue_files import load_catalogue

    return load_catalogue(settings().catalogue)


@cache
def reference_rates() -> ReferenceRates:
    """What the operator says that currencies are worth."""
    from chalicelib.adapters.rate_files import load_reference_rates

    return load_reference_rates()


@cache
def ledger() -> Ledger:
    """The wallets and entries."""
    from chalicelib.adapters.dynamodb.ledger import DynamoLedger

    return DynamoLedger(settings().table_name)


@cache
def operators() -> OperatorLedger:
    """What operators do."""
    from chalicelib.adapters.dynamodb.operators import DynamoOperators

    return DynamoOperators(settings().table_name)


@cache
def journal() -> Journal:
    """All posted entries by time."""
    from chalicelib.adapters.dynamodb.journal import DynamoJournal

    return DynamoJournal(settings().table_name)


@cache
def secrets() -> "SsmSecrets":
    """What nobody may see."""
    from chalicelib.adapters.aws.secrets import SsmSecrets

    return SsmSecrets(settings().stage, livemode=settings().livemode)


@cache
def gateway() -> PaymentGateway:
    """The payment provider. Only a checkout and a webhook ask for it: its SDK is slow to import."""
    from chalicelib.adapters.stripe.gateway import StripeGateway

    return StripeGateway(
        api_key=secrets().stripe_api_key,
        webhook_secrets=secrets().stripe_webhook_secrets,
        api_url=settings().stripe_api_url,
        success_url=settings().success_url,
        cancel_url=settings().cancel_url,
    )


@cache
def offer_signer() -> OfferSigner:
    """What signs bundles. Only what shows or checks a signature asks for it."""
    from chalicelib.adapters.offer_signer import EcOfferSigner

    return EcOfferSigner(secrets().offer_signing_keys)


@cache
def memberships() -> Memberships:
    """The memberships, beside the wallets."""
    from chalicelib.adapters.dynamodb.memberships import DynamoMemberships

    return DynamoMemberships(settings().table_name)


@cache
def subscriptions() -> Subscriptions:
    """The payment provider's side of memberships."""
    from chalicelib.adapters.stripe.memberships import StripeMemberships

    return StripeMemberships(
        api_key=secrets().stripe_api_key,
        api_url=settings().stripe_api_url,
        success_url=settings().success_url,
        cancel_url=settings().cancel_url,
    )


@cache
def publisher() -> EventPublisher:
    """The topic."""
    from chalicelib.adapters.aws.sns_publisher import SnsPublisher

    return SnsPublisher(settings().topic_arn)


@cache
def redrive_queue() -> RedriveQueue:
    """Where records go that cannot be relayed."""
    from chalicelib.adapters.aws.redrive_queue import SqsRedriveQueue

    return SqsRedriveQueue(settings().redrive_queue_url)


@cache
def streak_timer() -> StreakTimer:
    """What tells when streaks may have ended."""
    from chalicelib.adapters.aws.streak_timer import SqsStreakTimer

    return SqsStreakTimer(settings().streak_queue_url)


def streak_pause() -> timedelta:
    """How long nothing is added to a streak before it has ended."""
    gift = catalogue().economy.gift
    return timedelta(seconds=gift.streak_seconds if gift else 0)


def streak_in(message: str) -> tuple[str, str]:
    """The fan and the streak that are to be looked at, out of the timer's message."""
    from chalicelib.adapters.aws import streak_timer

    return streak_timer.streak_in(message)


@cache
def tokens() -> "JwtVerifier":
    """The issuer's tokens."""
    from chalicelib.adapters.tokens import JwtVerifier

    return JwtVerifier(issuer=settings().token_issuer, audience=settings().token_audience, jwks_url=settings().jwks_url)


def verify(token: str) -> Caller:
    """Who holds a bearer token. Raises Unauthenticated."""
    return tokens().verify(token)


def given_up_stretch(message: str) -> tuple[datetime, datetime]:
    """From when to when the records arrived that the stream's mapping gave up, out of its message."""
    from chalicelib.adapters.dynamodb import stream_records

    return stream_records.given_up_stretch(message)


def posted_records(records: Sequence[Mapping[str, Any]]) -> Sequence[PostedRecord]:
    """The entries that became posted, out of `Records` of the table's stream."""
    from chalicelib.adapters.dynamodb import stream_records

    return stream_records.posted_records(records)


def budget_records(records: Sequence[Mapping[str, Any]]) -> Sequence[BudgetRecord]:
    """The wallets whose budgets have changed, out of `Records` of the table's stream."""
    from chalicelib.adapters.dynamodb import stream_records

    return stream_records.budget_records(records)


_RELAY = (settings, clock, catalogue, ledger, publisher, redrive_queue, streak_timer)
_NEEDED = {
    "app.app": (settings, clock, catalogue, ledger, tokens),
    "chalicelib.workers.relay": _RELAY,
    "chalicelib.workers.redrive_stretch": (*_RELAY, journal),
    "chalicelib.workers.sweep_journal": (*_RELAY, journal),
    "chalicelib.workers.end_streaks": (settings, clock, catalogue, ledger, streak_timer),
    "chalicelib.workers.reconcile_events": (settings, clock, ledger, journal, gateway, memberships, subscriptions),
    "chalicelib.workers.audit_totals": (settings, clock, operators, journal),
}


def start() -> None:
    """Build what the function at hand needs, before its first request: Lambda gives more power to its start.

    Outside Lambda there is no such function, and everything is built when it is first asked for.
    """
    needed = _NEEDED.get(os.environ.get("_HANDLER", ""), ())
    if not needed:
        return
    # What is built now stays for good: looking through it for garbage, again and again, is a quarter of the start.
    gc.disable()
    for build in needed:
        build()
    gc.freeze()
    gc.enable()
