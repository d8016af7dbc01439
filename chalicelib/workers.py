"""Background workers: one Lambda function each, registered on the app by a blueprint of this module's name.

The relay is the one whose cold start a fan can notice. The other workers import their use cases when they run.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, DynamoDBEvent, Rate, SQSEvent

from chalicelib import telemetry
from chalicelib.domain.ids import iso
from chalicelib.services import services
from chalicelib.usecases.relay import relay_records

workers = Blueprint("chalicelib.workers")


@workers.on_dynamodb_record(stream_arn="merged-from-infra-resources", name="relay")
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Relay posted entries to creators and the topic, and remind fans of their budgets."""
    with telemetry.invocation(services.clock.new_id()):
        records = event.to_dict()["Records"]
        stream = services.stream
        retry = relay_records(stream.posted_records(records), stream.budget_records(records), services)
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in retry]}


@workers.on_sqs_message(queue_arn="merged-from-infra-resources", batch_size=1, name="redrive")
def redrive_stretch(event: SQSEvent) -> None:
    """Log the stretch of the stream that its mapping discarded. The sweep relays its entries, which are not certain."""
    with telemetry.invocation(services.clock.new_id()):
        for message in event:
            first, last = services.stream.discarded_stretch(message.body)
            telemetry.log.warning("stretch_discarded", extra={"first": iso(first), "last": iso(last)})
            telemetry.count("StretchDiscarded", 1)


@workers.on_sqs_message(queue_arn="merged-from-infra-resources", batch_size=10, name="streaks")
def end_streaks(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
    """End streaks whose pause is over. The messages of the others stay in the queue."""
    from chalicelib.usecases.streaks import check_streaks

    with telemetry.invocation(services.clock.new_id()):
        kept = check_streaks(services.streak_timer.deliveries(event.to_dict()["Records"]), services)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}


@workers.lambda_function(name="sweep")
def sweep_journal(event: Mapping[str, Any], _context: object) -> dict[str, int]:
    """Relay entries that the stream lost, of the shard `part` of the journal, or of all of them."""
    from chalicelib.domain.journal import JOURNAL_SHARDS
    from chalicelib.usecases.recovery import sweep

    with telemetry.invocation(services.clock.new_id()):
        swept = sweep(services, [event["part"]] if "part" in event else range(JOURNAL_SHARDS))
        telemetry.count("Swept", swept.relayed - swept.repeated)
        telemetry.count("Redriven", swept.repeated)
        telemetry.count("Parked", swept.parked)
        telemetry.count("CouldNotTell", swept.undecided)
        telemetry.count("SweepBehind", swept.behind // timedelta(minutes=1))
    return {"swept": swept.relayed}


@workers.schedule(Rate(15, Rate.MINUTES), name="reconcile")
def reconcile_events(_event: CloudWatchEvent) -> dict[str, int]:
    """Handle Stripe events that arrived by no webhook."""
    from chalicelib.usecases.reconcile import reconcile

    with telemetry.invocation(services.clock.new_id()):
        done = reconcile(services)
        telemetry.count_outcomes(done.outcomes)
        telemetry.count("Healed", sum(events for outcome, events in done.outcomes.items() if outcome.is_recovery))
        telemetry.count("Parked", done.parked)
        telemetry.count("ParkedGone", done.gone)
        if done.behind is not None:
            telemetry.count("ReconcileBehind", done.behind // timedelta(minutes=1))
    return {outcome.value: events for outcome, events in done.outcomes.items()}


@workers.lambda_function(name="audit")
def audit_totals(event: Mapping[str, Any], _context: object) -> dict[str, int]:
    """Compare totals with their entries, of the shard `part` of the journal, or of all of them."""
    from chalicelib.domain.journal import JOURNAL_SHARDS
    from chalicelib.domain.totals import Mismatch
    from chalicelib.usecases.audit import audit_ledger
    from chalicelib.usecases.reviews import count_open_reviews

    parts = [event["part"]] if "part" in event else range(JOURNAL_SHARDS)
    with telemetry.invocation(services.clock.new_id()):
        if 0 in parts:
            telemetry.count("OpenReviews", count_open_reviews(services))
        found: list[Mismatch] = []
        try:
            audited = audit_ledger(services, parts, found=found)
        finally:
            telemetry.count("Mismatch", len(found))
        telemetry.count("Parked", audited.parked)
        telemetry.count("CouldNotTell", audited.undecided)
        telemetry.count("AuditBehind", audited.behind // timedelta(minutes=1))
    return {"mismatches": len(found)}


services.start()
