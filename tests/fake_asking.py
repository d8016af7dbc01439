"""Part of the fake gateway with which sessions are read again."""

from chalicelib.domain.payments import CheckoutSession


class FakePresentSessions:
    """Sessions of the PaymentGateway port as they are now, by their own id, where a test sets one."""

    def __init__(self) -> None:
        super().__init__()
        self.present: dict[str, CheckoutSession] = {}

    def read_session(self, session_id: str) -> CheckoutSession | None:
        return self.present.get(session_id)
