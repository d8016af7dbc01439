"""Invalid acts of operators are refused with a stable code and the field, and write nothing."""

from typing import Any

import pytest

from chalicelib.errors import TryAgain
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, Api, Reply
from tests.http.broken import Broken
from tests.http.events import refused

KEY = uuid7_at(START, 10**6)
GIFT = uuid7_at(START, 5)
GOOD: dict[str, dict[str, Any]] = {
    "grants": {"user_id": "ann", "coins": 500, "reason": "a present"},
    "reversals": {"user_id": "ann", "gift_id": GIFT, "reason": "a slip"},
    "freezes": {"user_id": "ann", "frozen": True, "reason": "a stolen card"},
    "settlements": {"review_id": "2026-11.pi_1", "decision": "credit", "reason": "the position is there"},
}
FIELDS = [(name, field) for name, body in GOOD.items() for field in body]
NO_TEXTS: list[Any] = [None, 7, True, [], {}, 1.5]
NO_FANS = ["", "a#b", "a b", "ann\n", "é", "a/b", "u" * 129, *NO_TEXTS]
NO_REASONS = ["", " ", "\n\t", "r" * 201, *NO_TEXTS]
NO_COINS = [0, -1_000_001, 1_000_001, 2**53, 2**64, 1.0, 0.5, "500", True, None, [500], {}]
NO_BOOLS = [0, 1, "true", None, [], {}]
NO_DECISIONS = ["", "Credit", "refund", "credit ", *NO_TEXTS]
BAD: list[tuple[str, str, Any]] = [
    *[(name, "user_id", value) for name in ("grants", "reversals", "freezes") for value in NO_FANS],
    *[(name, "reason", value) for name in GOOD for value in NO_REASONS],
    *[("grants", "coins", value) for value in NO_COINS],
    *[("freezes", "frozen", value) for value in NO_BOOLS],
    *[("settlements", "decision", value) for value in NO_DECISIONS],
    *[("settlements", "review_id", value) for value in NO_TEXTS],
    *[("reversals", "gift_id", value) for value in NO_TEXTS],
]
NEVER_THE_CALLERS = [
    "actor",
    "kind",
    "about",
    "event_id",
    "key",
    "id",
    "posted_at",
    "lane",
    "creator_id",
    "amount_minor",
]
NO_KEYS = [ABSENT, None, "", KEY.upper(), KEY[:-1], f" {KEY}", "b9e3b7a4-6c3e-4f0a-9d53-0f3c8f4f5a11", [KEY], 7]


def act(api: Api, name: str, body: Any, key: Any = KEY, **parts: Any) -> Reply:
    """Post an act beside an existing fan, gift and review, and check that nothing is written."""
    api.fund()
    api.give(GIFT)
    with api.nothing_written():
        return api.act(name, body, key, **parts)


@pytest.mark.parametrize(("name", "field", "value"), BAD, ids=lambda value: ascii(value)[:24])
def test_invalid_field_is_named(api: Api, name: str, field: str, value: Any) -> None:
    assert refused(act(api, name, GOOD[name] | {field: value})) == (400, "invalid_field", field)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_missing_field_is_named(api: Api, name: str, field: str) -> None:
    reply = act(api, name, {other: value for other, value in GOOD[name].items() if other != field})
    assert refused(reply) == (400, "invalid_field", field)
    assert reply.json["rule"] == "required"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("field", NEVER_THE_CALLERS)
def test_unknown_field_is_refused(api: Api, name: str, field: str) -> None:
    assert refused(act(api, name, GOOD[name] | {field: "x"})) == (400, "unknown_field", field)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("key", NO_KEYS)
def test_act_without_a_valid_key_writes_nothing(api: Api, name: str, key: Any) -> None:
    assert refused(act(api, name, GOOD[name], key)) == (400, "missing_idempotency_key", "Idempotency-Key")


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    ("body", "parts", "code"),
    [
        (b"", {}, (400, "invalid_json", None)),
        (b"[]", {}, (400, "invalid_json", None)),
        (b'{"reason": "a", "reason": "b"}', {}, (400, "invalid_field", None)),
        (b" " * 16_385, {}, (413, "payload_too_large", None)),
        (b"{}", {"headers": {"Content-Type": "text/plain"}}, (415, "unsupported_media_type", None)),
    ],
    ids=str,
)
def test_invalid_json_is_refused(api: Api, name: str, body: bytes, parts: Any, code: Any) -> None:
    status, code_word, _ = code
    reply = act(api, name, body, **parts)
    assert (reply.status, reply.code) == (status, code_word)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(("error", "status", "code"), [(TryAgain(), 503, "try_again"),
                                                       (RuntimeError("a secret"), 500, "internal_error")])  # fmt: skip
def test_failing_operator_ledger_gets_an_error(api: Api, name: str, error: Exception, status: int, code: str) -> None:
    api.fund()
    api.give(GIFT)
    api.ports["operators"] = Broken(error)
    reply = api.act(name, GOOD[name])
    assert (reply.status, reply.code) == (status, code)
    assert "a secret" not in reply.text


@pytest.mark.parametrize("name", ["reversals", "settlements"])
def test_malformed_id_is_not_looked_up(api: Api, name: str) -> None:
    api.ports["ledger"] = api.ports["operators"] = Broken(ValueError("no such key can be"))
    odd = {"reversals": {"gift_id": "a#b"}, "settlements": {"review_id": "2026-11.#"}}
    assert refused(api.act(name, GOOD[name] | odd[name])) == (404, "not_found", None)
