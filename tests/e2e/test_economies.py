"""The scenario of each economy on the deployed stack: purchase, gifts, events and earnings."""

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
from tests.e2e.scenario import Earn, Give, Reject, Scenario, Sold, Streak

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_economy_scenario_matches_events_and_earnings(
    scenario: Scenario, cloud: Cloud, stack: StackFacts, stripe: StripeSide, overlay: Subscriber
) -> None:
    cloud.switch_catalogue(scenario.name)
    run = ScenarioRun(stack, overlay, scenario)

    assert run.on_sale() == scenario.sold
    run.buy(stripe)
    for step in scenario.steps:
        run.run_step(step)

    assert run.fan.get("/wallet").read(200, dict[str, Any])["coins"] == scenario.coins_left
    wait_until("all was published", lambda: overlay.has_received(run.expected.keys()))
    assert run.published_gifts() == run.expected
    assert run.published_streak_ends() == run.streaks
    for streak in run.streaks:
        assert run.streak_order(streak["streak_id"]) == [*range(1, streak["count"] + 1), "end"]
    assert audit(stack).violations == ()


class ScenarioRun:
    """A fan and a creator who play a scenario, and the events that a subscriber is to receive."""

    def __init__(self, facts: StackFacts, overlay: Subscriber, scenario: Scenario) -> None:
        self._scenario, self._overlay = scenario, overlay
        self.fan, self._creator = Fan(facts, f"fan-{uuid7()}"), Fan(facts, f"creator-{uuid7()}", "creator")
        self.expected: dict[str, dict[str, Any]] = {}
        self.streaks: list[dict[str, Any]] = []

    def on_sale(self) -> dict[str, list[Sold]]:
        """Read the bundles on sale, by channel."""
        currency = self._scenario.currency
        responses = {
            channel: self.fan.get(f"/bundles?currency={currency}&channel={channel}").read(200, dict[str, Any])
            for channel in ("web", "in_app")
        }
        return {channel: [_sold(bundle) for bundle in answer["bundles"]] for channel, answer in responses.items()}

    def buy(self, stripe: StripeSide) -> None:
        """Open a checkout, pay it, and check the coins."""
        bought = self._scenario.bought
        request = {"bundle_id": bought.bundle_id, "currency": self._scenario.currency, "channel": "web"}
        checkout = self.fan.post("/checkout-sessions", request).read(201, Checkout)
        assert (checkout.coins, checkout.price.amount_minor) == (bought.coins, bought.amount_minor)
        stripe.pay(checkout)
        stripe.wait_for_webhooks()
        assert self.fan.wallet().coins == bought.coins

    @singledispatchmethod
    def run_step(self, step: Give | Streak | Reject | Earn) -> None:
        """Run one step of the scenario."""
        raise NotImplementedError(step)

    @run_step.register
    def _(self, step: Give) -> None:
        self._give(step)

    @run_step.register
    def _(self, step: Reject) -> None:
        refused = self._post(step.request).read(step.status, dict[str, Any])
        assert refused["code"] == step.code
        assert {fact: refused.get(fact) for fact in step.fields} == step.fields

    @run_step.register
    def _(self, step: Earn) -> None:
        wait_until("the creator received it", lambda: self._earnings()["coins"] == step.coins)
        earned = self._earnings()
        assert (earned["units"], earned["unit"]) == (step.units, self._scenario.unit)
        assert earned["earned"]["amount_minor"] == step.amount_minor
        assert earned["earned"]["currency"] == self._scenario.creator_currency
        assert earned["can_withdraw"] == step.can_withdraw

    @run_step.register
    def _(self, step: Streak) -> None:
        streak_id, each = str(uuid7()), step.coins // step.times
        for count in range(1, step.times + 1):
            tap = Give(request={"item_id": step.item_id, "streak_id": streak_id}, coins=each)
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
        wait_until(
            "the end of the streak was published",
            lambda: bool(self._overlay.receive() and self.published_streak_ends()),
        )
        self.run_step(Reject(request={"item_id": step.item_id, "streak_id": streak_id}, code="streak_ended"))

    def published_gifts(self) -> dict[str, dict[str, Any]]:
        """Return the published gifts of the creator by event id, without fields that only the relay sets."""
        gifts = self._data_of("coinpurse.gift.sent.v1")
        return {event_id: _without(data, "gift_id", "sequence", "creator_id") for event_id, data in gifts.items()}

    def published_streak_ends(self) -> list[dict[str, Any]]:
        """Return the published ends of the creator's streaks, with repeats."""
        ends = self._data_of("coinpurse.gift.streak_ended.v1").values()
        return [_without(data, "entry_id", "sequence") for data in ends]

    def streak_order(self, streak_id: str) -> list[int | str]:
        """Return the streak's running counts and its end, in order of sequence. All are in one shard."""
        messages: list[dict[str, Any]] = list(self._overlay.messages.values())
        gifts = {message["sequence"]: message for message in messages if _streak_of(message) == streak_id}
        assert len({message["partitionkey"] for message in gifts.values()}) == 1
        streaks = [gifts[sequence]["data"].get("streak") for sequence in sorted(gifts)]
        return [streak["count"] if streak else "end" for streak in streaks]

    def _data_of(self, event_type: str) -> dict[str, dict[str, Any]]:
        about = (event_type, f"creator/{self._creator.user_id}")
        messages: dict[str, dict[str, Any]] = self._overlay.messages
        return {
            key: message["data"] for key, message in messages.items() if (message["type"], message["subject"]) == about
        }

    def _give(self, step: Give, key: str | None = None) -> str:
        sent = self._post(step.request, key).read(201, dict[str, Any])
        assert (sent["coins"], sent["color"], sent["pin_seconds"]) == (step.coins, step.color, step.pin_seconds)
        is_anonymous = bool(step.request.get("anonymous"))
        self.expected[sent["event_id"]] = {
            "kind": step.request.get("kind", "gift"),
            "sender_id": None if is_anonymous else self.fan.user_id,
            "sender_name": None if is_anonymous else step.request.get("sender_name"),
            "anonymous": is_anonymous,
            "item_id": step.request.get("item_id"),
            "quantity": step.request.get("quantity", 1),
            "coins": step.coins,
            "message": step.request.get("message", "") if step.published_message is None else step.published_message,
            "stream_id": step.request.get("stream_id"),
            "streak": None,
            "super_chat": {"color": step.color, "pin_seconds": step.pin_seconds} if step.color else None,
        }
        return str(sent["event_id"])

    def _post(self, request: Any, key: str | None = None) -> Reply:
        return self.fan.post("/gifts", {"creator_id": self._creator.user_id, **request}, key)

    def _earnings(self) -> dict[str, Any]:
        return self._creator.get("/creator/earnings").read(200, dict[str, Any])


def _sold(bundle: dict[str, Any]) -> Sold:
    return Sold(
        bundle_id=bundle["bundle_id"],
        coins=bundle["coins"],
        amount_minor=bundle["price"]["amount_minor"],
        bonus_coins=bundle["bonus_coins"],
    )


def _streak_of(message: dict[str, Any]) -> str | None:
    data = message["data"]
    found: str | None = (data.get("streak") or data).get("streak_id")
    return found


def _without(data: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: value for field, value in data.items() if field not in fields}
