"""The payment provider's door."""

from chalice.app import Blueprint

from chalicelib import schemas, telemetry, web, wiring
from chalicelib.answers import Answer
from chalicelib.usecases.handle_event import Intake
from chalicelib.usecases.receive_webhook import receive_webhook
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("POST", "/v1/webhooks/stripe", gives=schemas.WebhookAnswer, auth="none", raw_bytes=web.MAX_WEBHOOK_BYTES)
def post_stripe_webhook(ask: Ask[bytes]) -> Answer:
    """Take in an event of the payment provider, signed for us."""
    outcome = receive_webhook(ask.body, ask.header("stripe-signature"), intake())
    telemetry.count_outcome(outcome)
    return Answer(body=schemas.WebhookAnswer(outcome=outcome))


def intake() -> Intake:
    """What handling an event needs, wired."""
    return Intake(
        livemode=wiring.settings().livemode,
        ledger=wiring.ledger(),
        gateway=wiring.gateway(),
        memberships=wiring.memberships(),
        subscriptions=wiring.subscriptions(),
        clock=wiring.clock(),
    )
