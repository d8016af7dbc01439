"""The composition root: builds each adapter at first use. The only module that knows which adapter serves a port.

Adapters are imported inside the methods, because SDKs are slow to import and each function needs only some of them.
Ports are imported for types alone. Tests put fakes into the instance's attributes; nothing else has to be replaced.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from chalicelib import telemetry
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.adapters.aws.secrets import SsmSecrets
    from chalicelib.adapters.stripe.pace import Pace
    from chalicelib.domain.addresses import Origin
    from chalicelib.domain.catalogue import Catalogue
    from chalicelib.domain.reference_rates import ReferenceRates
    from chalicelib.ports.billing import OfferSigner, PaymentGateway, Subscriptions
    from chalicelib.ports.clock import Clock
    from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer, StreamReader
    from chalicelib.ports.journal import Journal
    from chalicelib.ports.ledger import Ledger
    from chalicelib.ports.looks import Looks
    from chalicelib.ports.memberships import Memberships
    from chalicelib.ports.operators import OperatorLedger
    from chalicelib.ports.threads import Threads
    from chalicelib.ports.tokens import TokenVerifier
    from chalicelib.ports.totals import Totals
    from chalicelib.ports.work import WorkPositions


class Services:
    """Settings and ports of one Lambda function. An attribute is built when first read, and kept."""

    @cached_property
    def settings(self) -> Settings:
        return Settings.read()

    @property
    def livemode(self) -> bool:
        return self.settings.livemode

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return self.settings.allowed_origins

    def pseudonym(self, user_id: str) -> str:
        """Hash a user id for logs. The key is the table's name, which CloudFormation makes up and no log has."""
        key = self.settings.table_name.encode()[-blake2b.MAX_KEY_SIZE :]
        return blake2b(user_id.encode(), key=key, digest_size=8).hexdigest()

    @property
    def return_origins(self) -> frozenset[Origin]:
        """Origins of the pages that fans may come back to."""
        from chalicelib.domain.addresses import origin_of

        settings = self.settings
        return frozenset(map(origin_of, settings.allowed_return_origins or [settings.success_url]))

    @property
    def max_open_checkouts(self) -> int:
        return self.settings.max_open_checkouts

    @property
    def max_open_memberships(self) -> int:
        return self.settings.max_open_memberships

    @property
    def source(self) -> str:
        """`source` of published events."""
        return f"/coinpurse/{self.settings.stage}"

    @cached_property
    def clock(self) -> Clock:
        from chalicelib.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def catalogue(self) -> Catalogue:
        from chalicelib.adapters.catalogue_files import load_catalogue

        return load_catalogue(self.settings.catalogue)

    @cached_property
    def streak_pause(self) -> timedelta:
        """The pause after which a streak ends."""
        gift = self.catalogue.economy.gift
        return timedelta(seconds=gift.streak_seconds if gift else 0)

    @cached_property
    def reference_rates(self) -> ReferenceRates:
        from chalicelib.adapters.rate_files import load_reference_rates

        return load_reference_rates()

    @cached_property
    def tokens(self) -> TokenVerifier:
        from chalicelib.adapters.tokens.issuer_keys import IssuerKeys
        from chalicelib.adapters.tokens.verifier import JwtVerifier

        keys = IssuerKeys(self.settings.jwks_url, on_stale=lambda: telemetry.count("StaleKeys"))
        return JwtVerifier(issuer=self.settings.token_issuer, audiences=self.settings.token_audience, keys=keys)

    @cached_property
    def ledger(self) -> Ledger:
        from chalicelib.adapters.dynamodb.ledger import DynamoLedger

        return DynamoLedger(self.settings.table_name)

    @cached_property
    def operators(self) -> OperatorLedger:
        from chalicelib.adapters.dynamodb.operators import DynamoOperators

        return DynamoOperators(self.settings.table_name)

    @cached_property
    def journal(self) -> Journal:
        from chalicelib.adapters.dynamodb.journal import DynamoJournal

        return DynamoJournal(self.settings.table_name)

    @cached_property
    def positions(self) -> WorkPositions:
        from chalicelib.adapters.dynamodb.work import DynamoWorkPositions

        return DynamoWorkPositions(self.settings.table_name)

    @cached_property
    def looks(self) -> Looks:
        from chalicelib.adapters.dynamodb.looks import DynamoLooks

        return DynamoLooks(self.settings.table_name)

    @cached_property
    def threads(self) -> Threads:
        from chalicelib.adapters.threads import MAX_THREADS, ThreadPool

        return ThreadPool(THREADS.get(os.environ.get("_HANDLER", ""), MAX_THREADS))

    @cached_property
    def stripe_pace(self) -> Pace | None:
        """The pace of a function without waiting callers."""
        from chalicelib.adapters.stripe.pace import Pace

        return Pace(RECONCILE_PER_SECOND) if os.environ.get("_HANDLER") == RECONCILE else None

    @cached_property
    def totals(self) -> Totals:
        from chalicelib.adapters.dynamodb.totals import DynamoTotals

        return DynamoTotals(self.settings.table_name)

    @cached_property
    def memberships(self) -> Memberships:
        from chalicelib.adapters.dynamodb.memberships import DynamoMemberships

        return DynamoMemberships(self.settings.table_name)

    @cached_property
    def stream(self) -> StreamReader:
        from chalicelib.adapters.dynamodb import stream_records

        return stream_records

    @cached_property
    def secrets(self) -> SsmSecrets:
        from chalicelib.adapters.aws.secrets import NAMES, SsmSecrets

        return SsmSecrets(
            self.settings.stage,
            livemode=self.settings.livemode,
            names=SECRETS.get(os.environ.get("_HANDLER", ""), NAMES),
            on_stale=lambda: telemetry.count("StaleSecrets"),
        )

    @cached_property
    def publisher(self) -> EventPublisher:
        from chalicelib.adapters.aws.sns_publisher import SnsPublisher

        return SnsPublisher(self.settings.topic_arn, self.threads)

    @cached_property
    def redrive_queue(self) -> RedriveQueue:
        from chalicelib.adapters.aws.redrive_queue import SqsRedriveQueue
        from chalicelib.adapters.dynamodb.keys import item_keys

        return SqsRedriveQueue(self.settings.redrive_queue_url, item_keys)

    @cached_property
    def streak_timer(self) -> StreakTimer:
        from chalicelib.adapters.aws.streak_timer import SqsStreakTimer

        return SqsStreakTimer(self.settings.streak_queue_url, self.settings.streak_dead_letters_url)

    @cached_property
    def gateway(self) -> PaymentGateway:
        """Imports stripe: only checkouts, webhooks, credits of reviews and reconcile read it."""
        from chalicelib.adapters.stripe.gateway import StripeGateway

        return StripeGateway(
            api_key=self.secrets.stripe_api_key,
            webhook_secrets=self.secrets.stripe_webhook_secrets,
            api_url=self.settings.stripe_api_url,
            success_url=self.settings.success_url,
            cancel_url=self.settings.cancel_url,
            on_rejected=lambda: telemetry.count("PaymentUnavailable"),
            pace=self.stripe_pace,
        )

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Imports stripe, as `gateway`."""
        from chalicelib.adapters.stripe.memberships import StripeMemberships

        return StripeMemberships(
            api_key=self.secrets.stripe_api_key,
            api_url=self.settings.stripe_api_url,
            success_url=self.settings.success_url,
            cancel_url=self.settings.cancel_url,
            on_rejected=lambda: telemetry.count("PaymentUnavailable"),
            pace=self.stripe_pace,
        )

    @cached_property
    def offer_signer(self) -> OfferSigner:
        from chalicelib.adapters.offer_signer import EcOfferSigner

        return EcOfferSigner(self.secrets.offer_signing_keys)

    def start(self) -> None:
        """Build this function's adapters during Lambda's init phase, which has more CPU than a request.

        Outside Lambda there is no `_HANDLER`, and everything is built at first use.
        """
        if (handler := os.environ.get("_HANDLER")) is None:
            return
        needed = NEEDED.get(handler, ())
        with_stack_memory(lambda: self._build(needed))
        # Collection is off since the import of chalicelib. It skips what exists by now.
        gc.freeze()
        gc.enable()
        if "secrets" in needed:
            self.secrets.read_ahead()

    def _build(self, names: Sequence[str]) -> None:
        for name in names:
            getattr(self, name)


def with_stack_memory(call: Callable[[], None]) -> None:
    """Call a function from a frame of 512 KB, in whose allocation all frames below it fit too.

    Python allocates frames by 16 KB. A loop at the end of such a chunk maps and unmaps the next one at each call
    (https://github.com/python/cpython/issues/142183), and SDKs compile regular expressions that deep while imported.
    """
    call()


with_stack_memory.__code__ = with_stack_memory.__code__.replace(co_stacksize=1 << 16)


RECONCILE: Final = "chalicelib.workers.reconcile_events"
_RELAY: Final = ("settings", "clock", "catalogue", "ledger", "publisher")
"""The queues of the relay are for streaks and for records that it cannot relay: most batches need neither."""
NEEDED: Final = {
    "app.app": ("settings", "clock", "catalogue", "ledger", "tokens"),
    "chalicelib.workers.relay": _RELAY,
    "chalicelib.workers.redrive_stretch": ("settings", "clock", "stream"),
    "chalicelib.workers.sweep_journal": (*_RELAY, "journal", "positions"),
    "chalicelib.workers.end_streaks": ("settings", "clock", "catalogue", "ledger", "streak_timer"),
    RECONCILE: (
        *("settings", "clock", "ledger", "journal", "secrets", "gateway", "memberships", "subscriptions"),
        *("positions", "looks", "threads"),
    ),
    "chalicelib.workers.audit_totals": ("settings", "clock", "ledger", "operators", "journal", "totals", "positions"),
}
"""Attributes that each function builds in its init phase, by Lambda handler.

The API reads its secrets at their first use: most of its requests need none, and must not wait for SSM.
"""

THREADS: Final = {"chalicelib.workers.reconcile_events": 4}
"""Calls side by side, by Lambda handler: as many as the pace needs at 200 ms a request. Others have MAX_THREADS."""
RECONCILE_PER_SECOND: Final = 20
"""Requests of reconcile to Stripe in a second, which takes 100, in a sandbox 25 (docs.stripe.com/rate-limits)."""

SECRETS: Final = {RECONCILE: ("stripe_api_key",)}
"""Secrets that a function may read, by Lambda handler. A function that is not listed may read all."""

services: Final = Services()
"""The instance that the routes and workers of this process share."""
