"""Every route and worker of Coinpurse: parse, one use case, answer."""

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, Rate, SQSEvent

from chalicelib import VERSION, answers, openapi, schemas, telemetry, web, wiring
from chalicelib.answers import Answer
from chalicelib.domain.ledger import Purchase
from chalicelib.domain.purchases import CheckoutOrder, require_market
from chalicelib.errors import TryAgain
from chalicelib.routes import budgets, giving, memberships, operators, prices, shop, wallet, webhooks
from chalicelib.usecases.audit_ledger import audit_ledger
from chalicelib.usecases.count_open_reviews import count_open_reviews
from chalicelib.usecases.end_streak import end_streak
from chalicelib.usecases.open_checkout import open_checkout
from chalicelib.usecases.read_entry import read_entry
from chalicelib.usecases.reconcile import HEALED, reconcile
from chalicelib.usecases.redrive import redrive
from chalicelib.usecases.relay_entries import Relay, relay_entries
from chalicelib.usecases.remind_of_budgets import remind_of_budgets
from chalicelib.usecases.sweep import sweep
from chalicelib.web import Ask

app = Chalice(app_name="coinpurse")
api = web.Api(app, wiring.verify)

# --- buying -----------------------------------------------------------------------------------------------------------


@api.route("GET", "/v1/bundles", gives=schemas.BundlesAnswer, auth="none", query=("currency", "channel"))
def get_bundles(ask: Ask[None]) -> Answer:
    """The coin bundles on sale."""
    offers = wiring.catalogue().offers(*require_market(ask.query("currency", "usd"), ask.query("channel", "web")))
    return Answer(body=schemas.bundles(offers), cacheable=True)


@api.route("POST", "/v1/checkout-sessions", takes=schemas.CheckoutRequest, gives=schemas.CheckoutAnswer)
def post_checkout_session(ask: Ask[schemas.CheckoutRequest]) -> Answer:
    """Open a checkout for a bundle."""
    order = CheckoutOrder(
        purchase_id=ask.key,
        user_id=ask.fan,
        bundle_id=ask.body.bundle_id,
        currency=ask.body.currency,
        channel=ask.body.channel,
    )
    opened = open_checkout(
        order, catalogue=wiring.catalogue(), ledger=wiring.ledger(), gateway=wiring.gateway(), clock=wiring.clock()
    )
    return answers.made(schemas.checkout(opened.purchase, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/checkout-sessions/{id}", gives=schemas.CheckoutAnswer)
def get_checkout_session(ask: Ask[None]) -> Answer:
    """What became of a checkout."""
    return Answer(body=schemas.checkout(read_entry(ask.fan, ask.path_id, Purchase, ledger=wiring.ledger())))


# --- the API itself ---------------------------------------------------------------------------------------------------


@api.route("GET", "/v1/health", gives=schemas.HealthAnswer, auth="none")
def get_health(_ask: Ask[None]) -> Answer:
    """Which code answers, and for which stage."""
    return Answer(body=schemas.HealthAnswer(status="ok", version=VERSION, stage=wiring.settings().stage))


@api.route("GET", "/v1/openapi.json", auth="none")
def get_openapi(_ask: Ask[None]) -> Answer:
    """This API, described."""
    return Answer(body=openapi.describe(api.operations), cacheable=True)


# --- workers ----------------------------------------------------------------------------------------------------------


@app.on_dynamodb_record(stream_arn="merged-from-infra-resources", name="relay")
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Tell creators and the world of entries that were posted, and fans of budgets that they have spent."""
    with telemetry.invocation(wiring.clock().new_id()):
        records = event.to_dict()["Records"]
        retry = relay_entries(wiring.posted_records(records), _relay())
        retry += remind_of_budgets(wiring.budget_records(records), _relay())
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in retry]}


@app.on_sqs_message(queue_arn="merged-from-infra-resources", batch_size=1, name="redrive")
def redrive_stretch(event: SQSEvent) -> None:
    """Relay what the stream's mapping gave up, from the journal."""
    with telemetry.invocation(wiring.clock().new_id()):
        for message in event:
            first, last = wiring.given_up_stretch(message.body)
            telemetry.count("Redriven", redrive(first, last, journal=wiring.journal(), relay=_relay()))


@app.on_sqs_message(queue_arn="merged-from-infra-resources", batch_size=10, name="streaks")
def end_streaks(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """Tell of streaks that have ended."""
    with telemetry.invocation(wiring.clock().new_id()):
        retry = [message.to_dict()["messageId"] for message in event if not _is_looked_at(message.body)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in retry]}


@app.schedule(Rate(10, Rate.MINUTES), name="sweep")
def sweep_journal(_event: CloudWatchEvent) -> dict[str, int]:
    """Relay what the stream lost."""
    with telemetry.invocation(wiring.clock().new_id()):
        telemetry.count("Swept", swept := sweep(journal=wiring.journal(), relay=_relay()))
    return {"swept": swept}


@app.schedule(Rate(15, Rate.MINUTES), name="reconcile")
def reconcile_events(_event: CloudWatchEvent) -> dict[str, int]:
    """Handle what webhooks did not bring."""
    with telemetry.invocation(wiring.clock().new_id()):
        outcomes = reconcile(intake=webhooks.intake(), journal=wiring.journal())
        telemetry.count_outcomes(outcomes)
        telemetry.count("Healed", sum(outcomes[outcome] for outcome in HEALED))
    return dict(outcomes)


@app.schedule(Rate(1, Rate.HOURS), name="audit")
def audit_totals(_event: CloudWatchEvent) -> dict[str, int]:
    """Hold the totals against their entries."""
    with telemetry.invocation(wiring.clock().new_id()):
        telemetry.count("OpenReviews", count_open_reviews(desk=wiring.desk(), clock=wiring.clock()))
        telemetry.count("Mismatch", found := len(audit_ledger(journal=wiring.journal(), clock=wiring.clock())))
    return {"mismatches": found}


def _is_looked_at(message: str) -> bool:
    """One streak that nobody can end must not hold up the others."""
    try:
        user_id, streak_id = wiring.streak_in(message)
        pause, ledger, timer, clock = wiring.streak_pause(), wiring.ledger(), wiring.streak_timer(), wiring.clock()
        end_streak(user_id, streak_id, pause, ledger=ledger, timer=timer, clock=clock)
    except TryAgain:
        return False
    except Exception:  # noqa: BLE001  # whatever it is, it is this streak's trouble
        telemetry.log.exception("streak cannot be ended")
        return False
    return True


def _relay() -> Relay:
    return Relay(
        ledger=wiring.ledger(),
        publisher=wiring.publisher(),
        redrive=wiring.redrive_queue(),
        timer=wiring.streak_timer(),
        clock=wiring.clock(),
        streak_pause=wiring.streak_pause(),
        source=f"/coinpurse/{wiring.settings().stage}",
        livemode=wiring.settings().livemode,
    )


api.mount(webhooks.api, memberships.api, wallet.api, giving.api, prices.api, budgets.api, operators.api, shop.api)
wiring.start()
