"""The payment provider's door."""

from chalicelib.usecases.handle_event import Intake, handle_event


def receive_webhook(payload: bytes, signature: str, intake: Intake) -> str:
    """Take one event in and do what it asks for, at once: the answer goes out only when it is done.

    Returns:
        What became of it, as handle_event says.

    Raises:
        NotAuthentic: not signed for us, or no usable event. Nothing was written.
        TryAgain: the outcome is not known. The provider sends the event again, for three days.
    """
    return handle_event(intake.gateway.read_event(payload, signature, intake.clock.now()), intake)
