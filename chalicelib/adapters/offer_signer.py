"""Signed offers: compact JWS with ES256."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from chalicelib.adapters.pyjwt import ECAlgorithm, jwt
from chalicelib.domain.offers import SignedOffer

ALGORITHM: Final = "ES256"
TYPE: Final = "coinpurse-offer+jwt"
"""`typ` of the header: distinguishes offers from all other tokens (RFC 8725, 3.11)."""

_CURVE: Final = "P-256"
_EC: Final = ECAlgorithm(ECAlgorithm.SHA256)


_NO_DATE: Final = (OverflowError, ValueError, OSError)
"""Errors of `datetime.fromtimestamp` for a time before the year 1 or after 9999."""


class BadSigningKey(Exception):
    """Raised for a key that cannot sign offers. The message never holds the key."""


class _Claims(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    iss: str
    iat: int
    exp: int
    bundle_id: str
    coins: int
    bonus_coins: int
    amount_minor: int
    currency: str
    channel: str
    livemode: bool


class _Key(Struct, frozen=True, kw_only=True):
    """`public` are the members of the public JWK, `kid` among them (RFC 7517)."""

    private: Any
    public: Mapping[str, str]


class EcOfferSigner:
    """The OfferSigner port: signs with the first key, verifies with all.

    Args:
        keys: returns the valid private keys, EC on P-256 as PEM; called for every operation.
    """

    def __init__(self, keys: Callable[[], Sequence[str]]) -> None:
        self._pems = keys
        self._read: tuple[tuple[str, ...], dict[str, _Key]] = ((), {})

    def sign(self, offer: SignedOffer) -> str:
        """Sign the offer as a compact JWS. Raises BadSigningKey."""
        kid, key = next(iter(self._keys().items()))
        claims = _Claims(
            iss=offer.issuer,
            iat=int(offer.issued_at.timestamp()),
            exp=int(offer.expires_at.timestamp()),
            bundle_id=offer.bundle_id,
            coins=offer.coins,
            bonus_coins=offer.bonus_coins,
            amount_minor=offer.amount_minor,
            currency=offer.currency,
            channel=offer.channel,
            livemode=offer.is_live,
        )
        headers = {"kid": kid, "typ": TYPE}
        return jwt.encode(msgspec.structs.asdict(claims), key.private, ALGORITHM, headers=headers)

    def read(self, jws: str) -> SignedOffer | None:
        """Verify and decode an offer, expired or not. Returns None for any other token, or times that are no dates."""
        if not jws.isascii():
            return None
        try:
            header = jwt.get_unverified_header(jws)
            key = self._keys().get(header.get("kid", ""))
            if key is None or header.get("typ") != TYPE:
                return None
            # The domain checks expiry with its own clock.
            claims = jwt.decode(
                jws,
                key.private.public_key(),
                algorithms=[ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            return _offer(msgspec.convert(claims, _Claims))
        except (jwt.PyJWTError, msgspec.ValidationError, RecursionError, *_NO_DATE):
            return None

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Return the public keys as JWKs. Raises BadSigningKey."""
        return [key.public for key in self._keys().values()]

    def _keys(self) -> dict[str, _Key]:
        pems = tuple(self._pems())
        if self._read[0] != pems:
            keys = [_key(pem) for pem in pems]
            self._read = pems, {key.public["kid"]: key for key in keys}
        return self._read[1]


def _key(pem: str) -> _Key:
    try:
        private = _EC.prepare_key(pem)
        jwk = ECAlgorithm.to_jwk(private, as_dict=True)
    except (jwt.PyJWTError, TypeError, ValueError):
        jwk, private = {}, None
    if "d" not in jwk or jwk["crv"] != _CURVE:
        raise BadSigningKey("offer_signing_keys must hold EC private keys on P-256, as PEM")
    public = {name: str(jwk[name]) for name in ("crv", "kty", "x", "y")}
    jwk_of_public = {**public, "kid": _thumbprint(public), "alg": ALGORITHM, "use": "sig"}
    return _Key(private=private, public=jwk_of_public)


def _thumbprint(public: Mapping[str, str]) -> str:
    """Compute the JWK thumbprint (RFC 7638)."""
    return urlsafe_b64encode(sha256(msgspec.json.encode(public)).digest()).decode().rstrip("=")


def _offer(claims: _Claims) -> SignedOffer:
    return SignedOffer(
        issuer=claims.iss,
        issued_at=datetime.fromtimestamp(claims.iat, UTC),
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
        bundle_id=claims.bundle_id,
        coins=claims.coins,
        bonus_coins=claims.bonus_coins,
        amount_minor=claims.amount_minor,
        currency=claims.currency,
        channel=claims.channel,
        is_live=claims.livemode,
    )
