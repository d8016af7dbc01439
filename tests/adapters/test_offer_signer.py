"""Signatures of offers: verifiable with the public keys, and not forgeable without a private key."""

import base64
import hashlib
import json
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec.structs import replace

from chalicelib.adapters.offer_signer import BadSigningKey, EcOfferSigner
from chalicelib.domain.offers import SignedOffer
from infra.local.deployment import new_signing_key
from tests.fakes import START

OFFER = SignedOffer(
    issuer="https://shop.example",
    issued_at=START,
    expires_at=START + timedelta(hours=24),
    bundle_id="coins_1500",
    coins=1500,
    bonus_coins=100,
    amount_minor=1499,
    currency="usd",
    channel="web",
    is_live=False,
)
KEY, NEWER, UNRELATED = new_signing_key(), new_signing_key(), new_signing_key()


def signer(*keys: str) -> EcOfferSigner:
    return EcOfferSigner(lambda: keys)


def claims(**changes: Any) -> dict[str, Any]:
    jws = signer(KEY).sign(OFFER)
    return jwt.decode(jws, options={"verify_signature": False}) | changes


def signed_with(key: str = KEY, algorithm: str = "ES256", body: dict[str, Any] | None = None, **header: Any) -> str:
    """Sign any body and header with any key."""
    kid = signer(KEY).public_keys()[0]["kid"]
    headers = {"kid": kid, "typ": "coinpurse-offer+jwt"} | header
    present = {name: value for name, value in headers.items() if value is not None or name == "typ"}
    return jwt.encode(claims() if body is None else body, key, algorithm, headers=present)


def tampered(part: int, change: Callable[[bytes], bytes]) -> str:
    parts = signer(KEY).sign(OFFER).split(".")
    raw = base64.urlsafe_b64decode(parts[part] + "==")
    parts[part] = base64.urlsafe_b64encode(change(raw)).decode().rstrip("=")
    return ".".join(parts)


def test_sign_is_verifiable_with_public_keys_only() -> None:
    offer_signer = signer(KEY, NEWER)
    jws = offer_signer.sign(OFFER)
    key_set = json.dumps({"keys": offer_signer.public_keys()})
    # The verification below uses PyJWT only.
    header = jwt.get_unverified_header(jws)
    key = jwt.PyJWKSet.from_json(key_set)[header["kid"]]
    ignoring_times = {"verify_exp": False, "verify_iat": False}
    found = jwt.decode(jws, key, algorithms=["ES256"], issuer="https://shop.example", options=ignoring_times)  # type: ignore[arg-type]
    assert header == {"alg": "ES256", "kid": offer_signer.public_keys()[0]["kid"], "typ": "coinpurse-offer+jwt"}
    assert found == {
        "iss": "https://shop.example",
        "iat": int(START.timestamp()),
        "exp": int(START.timestamp()) + 86_400,
        "bundle_id": "coins_1500",
        "coins": 1500,
        "bonus_coins": 100,
        "amount_minor": 1499,
        "currency": "usd",
        "channel": "web",
        "livemode": False,
    }


def test_read_returns_signed_offer() -> None:
    assert signer(KEY).read(signer(KEY).sign(OFFER)) == OFFER
    long_ago = replace(OFFER, expires_at=START - timedelta(days=9_000))
    assert signer(KEY).read(signer(KEY).sign(long_ago)) == long_ago


def test_sign_uses_first_key_and_read_accepts_all() -> None:
    old, both, new = signer(KEY), signer(NEWER, KEY), signer(NEWER)
    assert both.read(old.sign(OFFER)) == new.read(both.sign(OFFER)) == OFFER
    assert new.read(old.sign(OFFER)) is None
    assert old.read(both.sign(OFFER)) is None


def test_public_keys_follow_a_rotation() -> None:
    keys = [KEY]
    rotated = EcOfferSigner(lambda: keys)
    before = rotated.public_keys()
    keys[:] = [NEWER, KEY]
    assert rotated.public_keys() == [*signer(NEWER).public_keys(), *before]


def test_public_keys_have_public_members_only() -> None:
    for key in signer(KEY, NEWER).public_keys():
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


def test_public_keys_kid_is_the_thumbprint() -> None:
    [key] = signer(KEY).public_keys()
    required = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    assert base64.urlsafe_b64decode(key["kid"] + "=") == hashlib.sha256(required.encode()).digest()


FORGERIES: dict[str, str] = {
    "nothing": "",
    "no token": "a.b.c",
    "two parts": ".".join(signed_with().split(".")[:2]),
    "beyond ASCII": "é.é.é",
    "deep": base64.urlsafe_b64encode(b"[" * 1_500).decode() + ".e30.e30",
    "a stranger's key": signed_with(UNRELATED),
    "an unknown key": signed_with(UNRELATED, kid=signer(UNRELATED).public_keys()[0]["kid"]),
    "no kid": signed_with(kid=None),
    "another typ": signed_with(typ="JWT"),
    "no typ": signed_with(typ=None),
    "an HMAC with the public key": signed_with(signer(KEY).public_keys()[0]["x"], "HS256"),
    "no signature": signed_with("", "none"),
    "a cheaper price": tampered(1, lambda body: body.replace(b"1499", b"0499")),
    "another header": tampered(0, lambda head: head.replace(b"offer+jwt", b"offer+JWT")),
    "another signature": tampered(2, lambda mark: mark[:-1] + bytes([mark[-1] ^ 1])),
    "no coins": signed_with(body={name: value for name, value in claims().items() if name != "coins"}),
    "coins as text": signed_with(body=claims(coins="1500")),
    "another claim": signed_with(body=claims(sub="ann")),
    "an audience": signed_with(body=claims(aud="somebody")),
    **{
        f"{claim} {time!r}": signed_with(body=claims(**{claim: time}))
        for claim in ("iat", "exp")
        for time in (True, 1.5, 1e300, None, "1764000000", 10**12, -(10**12), 10**20, -(10**20), 10**400)
    },
    "an embedded key": signed_with(UNRELATED, jwk=signer(UNRELATED).public_keys()[0]),
}


@pytest.mark.parametrize("jws", FORGERIES.values(), ids=FORGERIES)
def test_read_rejects_forged_offers(jws: str) -> None:
    assert signer(KEY, NEWER).read(jws) is None


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


OTHER_KEYS = {
    "P-384": pem(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": pem(ec.generate_private_key(ec.SECP256K1())),
    "RSA": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "a public key": ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "half a key": KEY[:100],
    "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "nothing": "",
}


@pytest.mark.parametrize("key", OTHER_KEYS.values(), ids=OTHER_KEYS)
def test_invalid_signing_key_is_rejected_without_disclosing_it(key: str) -> None:
    for act in (lambda: signer(key).sign(OFFER), lambda: signer(KEY, key).public_keys()):
        with pytest.raises(BadSigningKey, match="must hold EC private keys on P-256") as refused:
            act()
        printed = "".join(traceback.format_exception(refused.value))
        assert not [line for line in key.splitlines() if len(line) > 30 and "-----" not in line and line in printed]


def test_sign_accepts_traditional_openssl_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert form.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert signer(pem(key)).read(signer(form).sign(OFFER)) == OFFER
