"""Log lines: one for each request, and for a refusal its cause without the text. The caller is a keyed hash."""

from typing import ClassVar

import pytest
from jwt import InvalidAudienceError
from msgspec.structs import replace

from chalicelib.adapters.aws.secrets import BadSecret
from chalicelib.domain.identity import Caller
from chalicelib.errors import Unauthenticated
from chalicelib.services import services
from tests.http.api import SETTINGS, Api

CANARY = "canary-4f1c2b"


def test_refusal_names_its_cause_and_the_caller_by_a_hash(api: Api) -> None:
    for fan in ("ann", "ann", "ben"):
        api.give(fan=fan)
    api.get("/v1/wallet", fan=None)
    first, again, other, without = api.logs()
    assert first["caller"] == again["caller"] == services.pseudonym("ann") != other["caller"]
    assert "ann" not in first["caller"]
    assert "caller" not in without
    api.ports["settings"] = replace(SETTINGS, table_name="another")
    assert services.pseudonym("ann") != first["caller"]


class RefusingTokens:
    """A fake verifier that refuses each token for the same cause."""

    def __init__(self, cause: Exception) -> None:
        self._cause = cause

    def verify(self, _token: str) -> Caller:
        raise Unauthenticated from self._cause


class AwsError(Exception):
    """A fake ClientError of boto3."""

    response: ClassVar = {"Error": {"Code": "ThrottlingException", "Message": CANARY}}


class TableError(Exception):
    """A fake error of PynamoDB."""

    cause_response_code = "ProvisionedThroughputExceededException"


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        (InvalidAudienceError(CANARY), "InvalidAudienceError"),
        (AwsError(CANARY), "ThrottlingException"),
        (TableError(CANARY), "ProvisionedThroughputExceededException"),
        (BadSecret("/coinpurse/test/stripe_api_key is not there"), "/coinpurse/test/stripe_api_key is not there"),
    ],
)
def test_refusal_omits_the_message_of_its_cause(api: Api, cause: Exception, name: str) -> None:
    api.ports["tokens"] = RefusingTokens(cause)
    assert api.get("/v1/wallet").status == 401
    [line] = api.logs()
    assert line["cause"] == name
    assert CANARY not in api.logged.getvalue()


def test_every_request_has_one_line_without_ids_of_its_path(api: Api) -> None:
    api.fund("ann")
    gift = api.give(fan="ann", message=CANARY)
    api.get(f"/v1/gifts/{gift.json['id']}?{CANARY}=1")
    api.call("OPTIONS", "/v1/gifts", fan=None)
    lines = api.answers()
    facts = [(line["method"], line["route"], line["status"]) for line in lines]
    assert facts == [("POST", "/v1/gifts", gift.status), ("GET", "/v1/gifts/{id}", 400), ("OPTIONS", "/v1/gifts", 204)]
    assert [line.get("caller") for line in lines] == [services.pseudonym("ann"), services.pseudonym("ann"), None]
    assert all(line["request_id"] and line["ms"] >= 0 and line["level"] == "INFO" for line in lines)
    assert {line["service"] for line in lines} == {"coinpurse"}
    assert CANARY not in api.logged.getvalue()
    assert gift.json["id"] not in "".join(map(str, lines))
