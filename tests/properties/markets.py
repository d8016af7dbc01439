"""Random catalogues whose web prices make a ladder that loads."""

from typing import Any

from hypothesis import strategies as st

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.money import EXPONENTS, max_charge_minor, smallest_step_minor
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item


@st.composite
def markets(draw: st.DrawFn, *, most_coins: int = 10**6, most_steps: int = 10**6) -> tuple[Catalogue, str]:
    """A catalogue of bundles that are on sale in one currency, on the web and mostly in the app.

    The first bundle costs up to `most_steps` of the currency's smallest amounts, the others no more per coin.
    """
    currency = draw(st.sampled_from(sorted(EXPONENTS)))
    step = smallest_step_minor(currency)
    sizes = sorted(draw(st.lists(st.integers(2, most_coins), min_size=1, max_size=5, unique=True)))
    steps, bundles = draw(st.integers(1, most_steps)), []
    for number, coins in enumerate(sizes):
        dearest = steps * coins // sizes[max(number - 1, 0)]
        # Close to the dearest, ladders are level or fall by rounding only.
        steps = dearest if number == 0 else draw(st.integers(max(1, dearest - 3), dearest) | st.integers(1, dearest))
        prices: dict[str, Any] = {"web": {currency: steps * step}}
        if draw(st.booleans()):
            prices["in_app"] = {currency: (steps + draw(st.integers(0, 10**6))) * step}
        bundles.append(a_bundle(f"b{number}", coins, prices=prices))
    most = sizes[-1] + draw(st.integers(0, most_coins))
    is_payable = most * steps * step // sizes[-1] < max_charge_minor(currency) - step
    return a_catalogue(*bundles, a_gift_item(coins=1), custom_max_coins=most if is_payable else None), currency
