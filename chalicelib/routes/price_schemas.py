"""What the routes about prices give, as types."""

from msgspec import Struct

from chalicelib.domain.top_up import TopUp
from chalicelib.schemas import Price, price_of


class TopUpLineAnswer(Struct, kw_only=True):
    """So many of one bundle, each a checkout of its own. `coins` and `price` are those of all of them."""

    bundle_id: str
    quantity: int
    coins: int
    price: Price


class TopUpAnswer(Struct, kw_only=True, rename={"needed": "for"}):
    """The cheapest bundles with at least `for` coins, largest first. `spare_coins` is what they hold beyond it."""

    needed: int
    coins: int
    spare_coins: int
    price: Price
    bundles: list[TopUpLineAnswer]


def top_up(found: TopUp, currency: str) -> TopUpAnswer:
    """A top-up as the API shows it."""
    return TopUpAnswer(
        needed=found.needed,
        coins=found.coins,
        spare_coins=found.spare_coins,
        price=price_of(found.amount_minor, currency),
        bundles=[
            TopUpLineAnswer(
                bundle_id=line.offer.bundle.bundle_id,
                quantity=line.quantity,
                coins=line.coins,
                price=price_of(line.amount_minor, currency),
            )
            for line in found.lines
        ],
    )
