"""Each economy through the deployed stack, run from its file: from its bundles to its creator's share in money."""

from functools import singledispatchmethod
from typing import Any

import pytest
from uuid_utils import uuid7

from infra.local.audit import audit
from infra.local.client import Checkout, Fan, Reply, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.economies import SCENARIOS
from tests.e2e.operations import Cloud
from tests.e2e.scenario import Earn, Give, Refuse, Scenario, Sold, Tap

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_an_economy_runs_from_its_bundles_to_its_creators_share(
    scenario: Scenario, cloud_of: Cloud, stack: StackFacts, stripe: StripeSide, overlay: Subscriber
) -> None:
    cloud_of.run_on(scenario.name)
    life = Life(stack, overlay, scenario)

    assert life.on_sale() == scenario.sold
    life.buy(stripe)
    for step in scenario.steps:
        life.see(step)

    assert life.fan.get("/wallet").read(200, dict[str, Any])["coins"] == scenario.left
    wait_until("all was announced", lambda: overlay.has_received(audit(stack).event_ids))
    assert life.heard() == life.expected
    assert life.streaks_heard() == life.streaks
    for streak in life.streaks:
        assert life.order_of(streak["streak_id"]) == [*range(1, streak["count"] + 1), "end"]
    assert audit(stack).violations == ()


class Life:
    """One fan and one creator in an economy: what they do, and what a subscriber must have heard of it in the end."""

    def __init__(self, facts: StackFacts, overlay: Subscriber, scenario: Scenario) -> None:
        self._scenario, self._overlay = scenario, overlay
        self.fan, self._creator = Fan(facts, f"fan-{uuid7()}"), Fan(facts, f"creator-{uuid7()}", "creator")
        self.expected: dict[str, dict[str, Any]] = {}
        self.streaks: list[dict[str, Any]] = []

    def on_sale(self) -> dict[str, list[Sold]]:
        """What the shop shows, by channel."""
        currency = self._scenario.currency
        shown = {
            channel: self.fan.get(f"/bundles?currency={currency}&channel={channel}").read(200, dict[str, Any])
            for channel in ("web", "in_app")
        }
        return {channel: [_sold(bundle) for bundle in answer["bundles"]] for channel, answer in shown.items()}

    def buy(self, stripe: StripeSide) -> None:
        """Open a checkout, pay on the provider's page, and have the coins, bonus included."""
        bought = self._scenario.bought
        wish = {"bundle_id": bought.bundle_id, "currency": self._scenario.currency, "channel": "web"}
        checkout = self.fan.post("/checkout-sessions", wish).read(201, Checkout)
        assert (checkout.coins, checkout.price.amount_minor) == (bought.coins, bought.amount_minor)
        stripe.pay(checkout)
        stripe.wait_for_webhooks()
        assert self.fan.wallet().coins == bought.coins

    @singledispatchmethod
    def see(self, step: Give | Tap | Refuse | Earn) -> None:
        """One step of the scenario."""
        raise NotImplementedError(step)

    @see.register
    def _(self, step: Give) -> None:
        self._give(step)

    @see.register
    def _(self, step: Refuse) -> None:
        refused = self._post(step.wish).read(step.status, dict[str, Any])
        assert refused["code"] == step.code
        assert {fact: refused.get(fact) for fact in step.facts} == step.facts

    @see.register
    def _(self, step: Earn) -> None:
        wait_until("the creator received it", lambda: self._earnings()["coins"] == step.coins)
        earned = self._earnings()
        assert (earned["units"], earned["unit"]) == (step.units, self._scenario.unit)
        assert earned["earned"]["amount_minor"] == step.amount_minor
        assert earned["earned"]["currency"] == self._scenario.creator_currency
        assert earned["can_withdraw"] == step.can_withdraw

    @see.register
    def _(self, step: Tap) -> None:
        streak_id, each = str(uuid7()), step.coins // step.times
        for count in range(1, step.times + 1):
            tap = Give(wish={"item_id": step.item_id, "streak_id": streak_id}, coins=each)
            event_id = self._give(tap, streak_id if count == 1 else None)
            self.expected[event_id]["streak"] = {"streak_id": streak_id, "count": count, "coins": each * count}
        self.streaks.append(
            {
                "streak_id": streak_id,
                "creator_id": self._creator.user_id,
                "sender_id": self.fan.user_id,
                "item_id": step.item_id,
                "count": step.times,
                "coins": step.coins,
            }
        )
        wait_until("the streak's end was told", lambda: bool(self._overlay.receive() and self.streaks_heard()))
        self.see(Refuse(wish={"item_id": step.item_id, "streak_id": streak_id}, code="streak_ended"))

    def heard(self) -> dict[str, dict[str, Any]]:
        """What the subscriber heard of the creator's gifts, by event id, but for what only the relay can know."""
        told = self._told("coinpurse.gift.sent.v1")
        return {event_id: _without(data, "gift_id", "sequence", "creator_id") for event_id, data in told.items()}

    def streaks_heard(self) -> list[dict[str, Any]]:
        """Of which streaks of the creator's it heard the end, as often as it heard it."""
        told = self._told("coinpurse.gift.streak_ended.v1").values()
        return [_without(data, "entry_id", "sequence") for data in told]

    def order_of(self, streak_id: str) -> list[int | str]:
        """How the streak stands in its one shard: its running counts in order of sequence, and its end."""
        messages: list[dict[str, Any]] = list(self._overlay.messages.values())
        gifts = {told["sequence"]: told for told in messages if _streak_of(told) == streak_id}
        assert len({told["partitionkey"] for told in gifts.values()}) == 1
        streaks = [gifts[sequence]["data"].get("streak") for sequence in sorted(gifts)]
        return [streak["count"] if streak else "end" for streak in streaks]

    def _told(self, event_type: str) -> dict[str, dict[str, Any]]:
        about = (event_type, f"creator/{self._creator.user_id}")
        messages: dict[str, dict[str, Any]] = self._overlay.messages
        return {key: told["data"] for key, told in messages.items() if (told["type"], told["subject"]) == about}

    def _give(self, step: Give, key: str | None = None) -> str:
        sent = self._post(step.wish, key).read(201, dict[str, Any])
        assert (sent["coins"], sent["color"], sent["pin_seconds"]) == (step.coins, step.color, step.pin_seconds)
        is_anonymous = bool(step.wish.get("anonymous"))
        self.expected[sent["event_id"]] = {
            "kind": step.wish.get("kind", "gift"),
            "sender_id": None if is_anonymous else self.fan.user_id,
            "sender_name": None if is_anonymous else step.wish.get("sender_name"),
            "anonymous": is_anonymous,
            "item_id": step.wish.get("item_id"),
            "quantity": step.wish.get("quantity", 1),
            "coins": step.coins,
            "message": step.wish.get("message", "") if step.told is None else step.told,
            "stream_id": step.wish.get("stream_id"),
            "streak": None,
            "super_chat": {"color": step.color, "pin_seconds": step.pin_seconds} if step.color else None,
        }
        return str(sent["event_id"])

    def _post(self, wish: Any, key: str | None = None) -> Reply:
        return self.fan.post("/gifts", {"creator_id": self._creator.user_id, **wish}, key)

    def _earnings(self) -> dict[str, Any]:
        return self._creator.get("/creator/earnings").read(200, dict[str, Any])


def _sold(bundle: dict[str, Any]) -> Sold:
    return Sold(
        bundle_id=bundle["bundle_id"],
        coins=bundle["coins"],
        amount_minor=bundle["price"]["amount_minor"],
        bonus_coins=bundle["bonus_coins"],
    )


def _streak_of(told: dict[str, Any]) -> str | None:
    data = told["data"]
    found: str | None = (data.get("streak") or data).get("streak_id")
    return found


def _without(data: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: value for field, value in data.items() if field not in fields}
