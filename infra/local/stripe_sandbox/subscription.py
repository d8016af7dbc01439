"""Subscriptions and their items: state and JSON."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject
from .objects import Method
from .recurring import Recurrence
from .session import LineItem

SubscriptionStatus = Literal["trialing", "active", "past_due", "paused", "canceled"]
PauseBehavior = Literal["keep_as_draft", "mark_uncollectible", "void"]

_SUBSCRIPTION_NULLS = (
    "application application_fee_percent billing_cycle_anchor_config billing_thresholds customer_account "
    "days_until_due default_source next_pending_invoice_item_invoice on_behalf_of pending_invoice_item_interval "
    "pending_setup_intent pending_update schedule test_clock transfer_data"
)


@dataclass(frozen=True)
class SubscriptionItem:
    """A line item of the checkout that is billed each period."""

    id: str
    line: LineItem


@dataclass
class Subscription:
    """A subscription. `period` is the number of the current period, 0 for the first, which is the trial if it has one.

    `trial_end` anchors the periods after a trial. https://docs.stripe.com/billing/subscriptions/trials
    """

    id: str
    customer: str
    currency: str
    created: int
    items: tuple[SubscriptionItem, ...]
    recurrence: Recurrence
    method: Method
    payment_method: str
    metadata: dict[str, str]
    description: str | None = None
    status: SubscriptionStatus = "active"
    period: int = 0
    latest_invoice: str | None = None
    cancel_at: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    cancellation: dict[str, str] = field(default_factory=dict)
    trial_end: int | None = None
    # Collection is paused; the status stays. https://docs.stripe.com/billing/subscriptions/pause-payment
    pause: PauseBehavior | None = None

    @property
    def amount(self) -> int:
        """The price of a period, in minor units."""
        return sum(item.line.amount for item in self.items)

    @property
    def is_in_trial(self) -> bool:
        return self.trial_end is not None and self.period == 0

    @property
    def period_start(self) -> int:
        """The start of the current period, in Unix seconds."""
        return self.start_of(self.period)

    @property
    def period_end(self) -> int:
        """The start of the next period, in Unix seconds."""
        return self.start_of(self.period + 1)

    def start_of(self, period: int) -> int:
        """Return the start of a period, in Unix seconds."""
        if self.trial_end is None or period == 0:
            return self.recurrence.start_of(period, self.created)
        return self.recurrence.start_of(period - 1, self.trial_end)

    def to_json(self) -> JsonObject:
        """Render the subscription. As in the current API, the periods are in its items."""
        return {
            **dict.fromkeys(_SUBSCRIPTION_NULLS.split()),
            "id": self.id,
            "object": "subscription",
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": self.trial_end or self.created,
            "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
            "billing_schedules": [],
            "cancel_at": self.cancel_at,
            "cancel_at_period_end": self.cancel_at_period_end,
            "canceled_at": self.canceled_at,
            "cancellation_details": dict.fromkeys(["comment", "feedback", "reason"]) | self.cancellation,
            "collection_method": "charge_automatically",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "default_payment_method": self.payment_method,
            "default_tax_rates": [],
            "description": self.description,
            "discounts": [],
            "ended_at": self.ended_at,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": self._items(),
            "latest_invoice": self.latest_invoice,
            "livemode": False,
            "metadata": dict(self.metadata),
            "pause_collection": {"behavior": self.pause, "resumes_at": None} if self.pause else None,
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "start_date": self.created,
            "status": self.status,
            "trial_end": self.trial_end,
            "trial_start": None if self.trial_end is None else self.created,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        }

    def _items(self) -> JsonObject:
        url = f"/v1/subscription_items?subscription={self.id}"
        return {"object": "list", "data": [self._item(item) for item in self.items], "has_more": False, "url": url}

    def _item(self, item: SubscriptionItem) -> JsonObject:
        return {
            "id": item.id,
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": self.created,
            "current_period_end": self.period_end,
            "current_period_start": self.period_start,
            "discounts": [],
            "metadata": {},
            "plan": _plan(item.line, self.recurrence),
            "price": item.line.price_json(),
            "quantity": item.line.quantity,
            "subscription": self.id,
            "tax_rates": [],
        }


def _plan(line: LineItem, recurrence: Recurrence) -> JsonObject:
    """Render the legacy `plan`, which Stripe still sends beside `price`."""
    return {
        **dict.fromkeys(["meter", "nickname", "tiers_mode", "transform_usage", "trial_period_days"]),
        "id": line.price_id,
        "object": "plan",
        "active": False,
        "amount": line.unit_amount,
        "amount_decimal": str(line.unit_amount),
        "billing_scheme": "per_unit",
        "created": line.created,
        "currency": line.currency,
        "interval": recurrence.interval,
        "interval_count": recurrence.interval_count,
        "livemode": False,
        "metadata": {},
        "product": line.product_id,
        "usage_type": "licensed",
    }
