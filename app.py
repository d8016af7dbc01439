"""Every route and worker of Coinpurse: parse, one use case, answer."""

from chalice.app import Chalice, DynamoDBEvent

app = Chalice(app_name="coinpurse")


@app.route("/v1/health")
def health() -> dict[str, str]:
    """Whether the function runs."""
    return {"status": "ok"}


@app.on_dynamodb_record(stream_arn="merged-from-infra-resources", name="relay")
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Tell the world of posted entries."""
    del event
    return {"batchItemFailures": []}
