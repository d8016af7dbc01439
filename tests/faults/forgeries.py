"""Signed webhooks that are changed afterwards: flipped bits, cuts, and random edits."""

import json
from collections.abc import Iterator
from random import Random

from chalicelib.domain.purchases import Purchase
from tests.adapters.webhooks_lab import SECRET, a_session, an_event, gateway, sign
from tests.http.api import Api

Request = tuple[bytes, str]
"""A webhook body and its signature header."""


def bought(api: Api) -> Purchase:
    """Open a checkout, and use Stripe's own signature verification from here on."""
    purchase = api.purchase(api.buy().json["id"])
    api.ports["gateway"] = gateway(SECRET)
    return purchase


def signed(purchase: Purchase) -> Request:
    """Build the webhook that credits the checkout."""
    session = a_session(
        amount_subtotal=purchase.amount_minor,
        amount_total=purchase.amount_minor,
        metadata={"purchase_id": purchase.purchase_id, "user_id": purchase.user_id, "coins": str(purchase.coins)},
    )
    body = json.dumps(an_event(data={"object": session}), separators=(",", ":")).encode()
    return body, sign(body)


def one_bit_off(request: Request) -> Iterator[Request]:
    """Flip each bit of the body and each bit of the signature."""
    body, signature = request
    for changed in _flipped(body):
        yield changed, signature
    for changed in _flipped(signature.encode()):
        yield body, changed.decode("latin-1")


def made_up(request: Request, seed: int, number: int) -> Iterator[Request]:
    """Generate random variants: cut, doubled, shuffled, noise, with other signatures or none."""
    dice = Random(seed)
    body, signature = request
    for _ in range(number):
        at, to = sorted(dice.choices(range(len(body)), k=2))
        changed = dice.choice(
            [
                body[:at],
                body[at:],
                body[:at] + body[to:],
                body[:to] + body[at:] + b" ",
                dice.randbytes(dice.randrange(400)),
                body.replace(b'"coins":"70"', b'"coins":"71"'),
                b"\xef\xbb\xbf" + body,
                body + b"\n",
            ]
        )
        forged = dice.choice([signature, sign(changed, secret="whsec_guess"), "", signature.replace("v1", "v0")])
        yield changed, forged


def _flipped(text: bytes) -> Iterator[bytes]:
    for place in range(len(text)):
        for bit in range(8):
            yield text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1 :]


def odd_but_signed(seed: int, number: int) -> Iterator[Request]:
    """Generate correctly signed bodies with unexpected content."""
    dice = Random(seed)
    for _ in range(number):
        body = dice.choice(
            [
                dice.randbytes(dice.randrange(200)),
                b"[" * dice.randrange(5_000),
                b'{"a":' * dice.randrange(2_000),
                b'{"id":1,"object":"event"}',
                b"\xff\xfe{}",
                b"null",
                str(10 ** dice.randrange(4_000)).encode(),
            ]
        )
        yield body, sign(body)
