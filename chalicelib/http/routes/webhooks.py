"""The payment provider's door."""

from chalice.app import Blueprint

from chalicelib import services, telemetry
from chalicelib.http import routing
from chalicelib.http.responses import Answer
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import common
from chalicelib.usecases.stripe_events import Intake, receive_webhook

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("POST", "/v1/webhooks/stripe", gives=common.WebhookAnswer, auth="none", raw_bytes=routing.MAX_WEBHOOK_BYTES)
def post_stripe_webhook(ask: Ask[bytes]) -> Answer:
    """Take in an event of the payment provider, signed for us."""
    outcome = receive_webhook(ask.body, ask.header("stripe-signature"), intake())
    telemetry.count_outcome(outcome)
    return Answer(body=common.WebhookAnswer(outcome=outcome))


def intake() -> Intake:
    """What handling an event needs, wired."""
    return Intake(
        livemode=services.settings().livemode,
        ledger=services.ledger(),
        gateway=services.gateway(),
        memberships=services.memberships(),
        subscriptions=services.subscriptions(),
        clock=services.clock(),
    )
