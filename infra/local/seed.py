"""`make seed`: fill the running local cloud with a fan who has coins, two creators, and a day of gifts.

The gifts are sent through the API, in this process and with a clock in the past, so that they are spread over the day.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from infra.local.client import Checkout, Fan, UnexpectedError
from infra.local.facts import StackFacts
from infra.local.processes import StartError
from infra.local.registry import DIRECTORY, running_stack
from infra.local.serve.gateway import HttpRequest, HttpResponse
from infra.local.serve.process import gateway_of, load_api
from infra.local.stripe_side import StripeSide

if TYPE_CHECKING:
    from chalice.app import Chalice

    from chalicelib.domain.catalogue import Catalogue

FAN, CREATORS, OPERATOR = "ada", ("grace", "linus"), "olga"
GIFTS = 24
DAY = timedelta(days=1)

Body = dict[str, str | int]


class PastClock:
    """The Clock port, at a time that the program sets. Ids begin with that time."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def wait_until(self, at: datetime) -> None:
        self.at = max(self.at, at)

    def new_id(self) -> str:
        return str(uuid7(nanoseconds=int(self.at.timestamp() * 1000) * 10**6))


class Caller:
    """Calls the API in this process, at the time of a clock."""

    def __init__(self, api: "Chalice", clock: PastClock) -> None:
        self._api, self._gateway, self._clock = api, gateway_of(api), clock

    def post(self, path: str, user: Fan, body: Mapping[str, str | int]) -> None:
        """Send a POST request with a new idempotency key.

        Raises:
            UnexpectedError: the response is not 201.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": self._clock.new_id(), **user.signed_in}
        event = self._gateway.event_of(HttpRequest("POST", path, list(headers.items()), json.dumps(body).encode()))
        response = event if isinstance(event, HttpResponse) else self._gateway.response_of(self._api(event, None))
        if response.status != 201:
            raise UnexpectedError(f"POST {path} returned {response.status}: {response.body.decode()}")


def gifts(catalogue: "Catalogue", random: Random) -> Iterator[Body]:
    """Make gifts of the kinds that the economy has, without end. `coins` is the price where an item has it."""
    economy = catalogue.economy
    kinds = [kind for kind in ("gift", "cheer", "super_chat") if getattr(economy, kind)]
    items = sorted(catalogue.gifts.values(), key=lambda item: item.coins)[:6]
    while True:
        kind, creator_id = random.choice(kinds), random.choice(CREATORS)
        if kind == "gift":
            item, quantity = random.choice(items), random.choice([1, 1, 2, 3])
            quantity = min(quantity, economy.gift.max_quantity) if economy.gift else 1
            yield {"creator_id": creator_id, "item_id": item.item_id, "quantity": quantity}
        else:
            rules = economy.cheer if kind == "cheer" else economy.super_chat
            assert rules is not None
            coins = random.choice(rules.tiers[:4]).min_coins * random.choice([1, 2, 5, 50])
            yield {"creator_id": creator_id, "kind": kind, "coins": min(coins, rules.max_coins)}


def price_of(gift: Body, catalogue: "Catalogue") -> int:
    """Return the coins of a gift."""
    if "coins" in gift:
        return int(gift["coins"])
    return catalogue.gifts[str(gift["item_id"])].coins * int(gift["quantity"])


def main() -> int:
    """Run the command. Returns the exit code."""
    try:
        facts = running_stack(DIRECTORY)
        if not facts.has_token_issuer:
            raise StartError(
                f"make seed needs the stack's own token issuer, and this stack takes the tokens of {facts.issuer_url}."
            )
        _seed(facts)
    except (StartError, UnexpectedError) as failure:
        print(failure)
        return 1
    return 0


def _seed(facts: StackFacts) -> None:
    fan, operator = Fan(facts, FAN), Fan(facts, OPERATOR, "operator")
    api = load_api(facts)
    from chalicelib.services import services

    began = datetime.now(UTC).replace(microsecond=0) - DAY
    clock = services.clock = PastClock(began)
    caller = Caller(api, clock)
    day = [gift for gift, _ in zip(gifts(services.catalogue, Random(1)), range(GIFTS), strict=False)]  # noqa: S311
    spent = sum(price_of(gift, services.catalogue) for gift in day)
    caller.post("/v1/operator/grants", operator, {"user_id": FAN, "coins": spent, "reason": "seed"})
    for number, gift in enumerate(day, 1):
        clock.at = began + DAY * number / (GIFTS + 1)
        caller.post("/v1/gifts", fan, gift)
    bought = _buy(fan, services.catalogue, StripeSide(facts)) if facts.has_stripe_sandbox else 0
    print(*report(spent, bought, fan.wallet().coins), f"Sign in as {FAN} at {facts.shop_url}", sep="\n")


def report(spent: int, bought: int, left: int) -> Iterator[str]:
    """Describe a run: coins granted and given, coins bought, and the balance, to which earlier runs have added."""
    yield f"An operator granted {FAN} {spent:,} coins, and {FAN} gave them to {' and '.join(CREATORS)}:"
    yield f"{GIFTS} gifts, spread over the last 24 hours."
    yield f"Then {FAN} bought {bought:,} coins, and now has {left:,}." if bought else f"{FAN} has {left:,} coins."
    yield "Another make seed adds the same again."


def _buy(fan: Fan, catalogue: "Catalogue", stripe: StripeSide) -> int:
    """Buy the second largest bundle, in the catalogue's first currency. Returns its coins."""
    currency = catalogue.currencies("web")[0]
    bundle = catalogue.offers(currency, "web")[-2:][0].bundle
    body: Body = {"bundle_id": bundle.bundle_id, "currency": currency, "channel": "web"}
    stripe.pay(fan.post("/checkout-sessions", body).read(201, Checkout))
    stripe.wait_for_webhooks()
    return bundle.coins


if __name__ == "__main__":
    sys.exit(main())
