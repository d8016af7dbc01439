"""Bugs in amounts of coins, their prices, and return addresses."""

from typing import Final

from tests.faults.planted.bug import Bug

LADDER, CATALOGUE = "chalicelib/domain/ladder.py", "chalicelib/domain/catalogue.py"
PURCHASES, ADDRESSES = "chalicelib/domain/purchases.py", "chalicelib/domain/addresses.py"

IN_AMOUNTS: Final[list[Bug]] = [
    Bug(
        name="an amount is rounded down",
        path=CATALOGUE,
        old="return -(-coins * self.amount_minor // (self.coins * step)) * step",
        new="return coins * self.amount_minor // (self.coins * step) * step",
        tests=("tests/properties/test_ladder.py",),
    ),
    Bug(
        name="an amount may cost more than the next bundle",
        path=LADDER,
        old="        if larger.amount_minor <= best.amount_minor:",
        new="        if larger.amount_minor < 0:",
        tests=("tests/properties/test_ladder.py",),
    ),
    Bug(
        name="a rising web price per coin loads",
        path=CATALOGUE,
        old="        if larger_minor * coins > amount_minor * more_coins:",
        new="        if larger_minor < amount_minor:",
        tests=("tests/domain/test_catalogue.py",),
    ),
    Bug(
        name="an in-app price is charged on the web",
        path=PURCHASES,
        old='    if order.channel != "web":',
        new='    if order.channel == "kiosk":',
        tests=("tests/http/test_amounts.py",),
    ),
    Bug(
        name="a key is repeated with another amount or return address",
        path=PURCHASES,
        old="entry.channel, entry.request_hash) == (order.currency, order.channel, order.request_hash)",
        new="entry.channel) == (order.currency, order.channel)",
        tests=("tests/http/test_amounts.py", "tests/http/test_way_back.py"),
    ),
    Bug(
        name="a fan is sent to any site after paying",
        path=ADDRESSES,
        old="origin_of(address) in allowed):",
        new="origin_of(address)):",
        tests=("tests/http/test_way_back.py",),
    ),
    Bug(
        name="a retry sends the fan to the shop's page",
        path="chalicelib/usecases/checkout.py",
        old="    reopened_url = _open_session(stored, order, services) if is_payable else None",
        new="    reopened_url = services.gateway.open_session(stored).url if is_payable else None",
        tests=("tests/http/test_way_back.py",),
    ),
    Bug(
        name="a signed offer is valid for as long as it says",
        path="chalicelib/domain/offers.py",
        old="    return timedelta(0) < life <= OFFER_LIFE and",
        new="    return timedelta(0) < life and",
        tests=("tests/domain/test_checked_offers.py",),
    ),
]
