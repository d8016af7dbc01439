"""Signed offers of the deployed stack, verified with its public keys only."""

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from infra.local.client import call
from infra.local.facts import StackFacts

pytestmark = pytest.mark.cloud


def read(stack: StackFacts, path: str, **query: str) -> Any:
    reply = call("GET", f"{stack.api_url}{path}?{urlencode(query)}")
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_offers_are_verifiable_and_forgeries_are_not(stack: StackFacts) -> None:
    offers = read(stack, "/v1/offers", currency="kwd")["offers"]
    keys = jwt.PyJWKSet.from_dict(read(stack, "/.well-known/jwks.json"))
    for offer in offers:
        jws = offer["jws"]
        claims = jwt.decode(
            jws, keys[jwt.get_unverified_header(jws)["kid"]], algorithms=["ES256"], issuer=stack.shop_url
        )
        assert (claims["coins"], claims["amount_minor"]) == (offer["coins"], offer["price"]["amount_minor"])
        assert read(stack, "/v1/offers/verify", jws=jws)["reason"] == "official"
    assert len(offers) == 6
    forged = f"{offers[0]['jws'].rpartition('.')[0]}.{offers[1]['jws'].rpartition('.')[2]}"
    assert read(stack, "/v1/offers/verify", jws=forged)["reason"] == "not_signed"
    assert read(stack, "/v1/offers/verify", url=f"{stack.shop_url}/success?purchase=1&x=%2f")["reason"] == "official"
    assert read(stack, "/v1/offers/verify", url="https://shop.ex\u0430mple\\@evil.example")["reason"] == "look_alike"
