from collections.abc import Mapping, Sequence

from chalicelib.domain.offers import SignedOffer
from chalicelib.usecases.queries import sign_offers
from tests.domain.builders import a_bundle, a_catalogue
from tests.fakes import START, FakeClock


class FakeOfferSigner:
    """The OfferSigner port; a signature is the number of its call."""

    def __init__(self) -> None:
        self.signed: list[SignedOffer] = []

    def sign(self, offer: SignedOffer) -> str:
        self.signed.append(offer)
        return str(len(self.signed))

    def read(self, jws: str) -> SignedOffer | None:
        return self.signed[int(jws) - 1]

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        return []


def test_sign_offers_returns_each_offer_with_its_signature() -> None:
    signer = FakeOfferSigner()
    offers = a_catalogue(a_bundle("b", 700), a_bundle("a", 70)).offers("usd", "web")
    found = sign_offers(offers, issuer="https://shop.example", is_live=False, signer=signer, clock=FakeClock())
    assert found == [(offers[0], "1"), (offers[1], "2")]
    assert [(each.bundle_id, each.issuer, each.is_live, each.issued_at) for each in signer.signed] == [
        ("a", "https://shop.example", False, START),
        ("b", "https://shop.example", False, START),
    ]
