"""The two doubles of DynamoDB start, serve on loopback only, and leave nothing behind."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local import dynamodb_local
from infra.local.facts import aws_session
from infra.local.ministack import ministack


@pytest.mark.cloud
def test_ministack_starts_and_stops_cleanly(tmp_path: Path) -> None:
    directory = tmp_path / "cloud"

    assert_serves_tables(ministack(directory))

    assert not directory.exists()


@pytest.mark.dynamodb_local
def test_dynamodb_local_starts_and_stops_cleanly() -> None:
    if reason := dynamodb_local.unavailable_reason():
        pytest.skip(reason)

    assert_serves_tables(dynamodb_local.dynamodb_local())


def assert_serves_tables(double: AbstractContextManager[str]) -> None:
    with double as endpoint_url:
        client = aws_session("us-east-1").client("dynamodb", endpoint_url=endpoint_url)
        assert client.list_tables()["TableNames"] == []
        client.close()
        port = urlsplit(endpoint_url).port
        assert port
        # Binding would fail if the double listened on all interfaces: 127.0.0.2 is loopback, too.
        socket.create_server(("127.0.0.2", port)).close()
    socket.create_server(("127.0.0.1", port)).close()
