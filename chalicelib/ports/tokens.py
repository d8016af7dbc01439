"""Bearer tokens."""

from typing import Protocol

from chalicelib.domain.identity import Caller


class TokenVerifier(Protocol):
    """Verifies bearer tokens of the platform's issuer."""

    def verify(self, token: str) -> Caller:
        """Return the caller. Raises Unauthenticated, or TryAgain when the issuer's keys are unavailable."""
