"""The streak worker: handled and repeated messages."""

import json
from datetime import timedelta
from typing import Any

from chalicelib import workers
from chalicelib.domain.notifications import NotificationEntry
from tests.fakes import START, uuid7_at
from tests.http.api import Api

FIRST = uuid7_at(START, 100)


def woken(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [{"body": body, "receiptHandle": "handle", "messageId": f"m{n}"} for n, body in enumerate(bodies)]
    }


def about(fan: str, streak_id: str = FIRST) -> str:
    return json.dumps({"user_id": fan, "streak_id": streak_id})


def begun(api: Api, fan: str) -> None:
    api.fund(fan)
    assert api.give(FIRST, fan=fan, streak_id=FIRST).status == 201


def ends(api: Api, fan: str) -> list[NotificationEntry]:
    return [entry for entry in api.ledger.entries[fan].values() if isinstance(entry, NotificationEntry)]


def test_streak_is_ended_after_its_pause(api: Api) -> None:
    begun(api, "ann")
    assert workers.end_streaks(woken(about("ann")), None) == {"batchItemFailures": []}
    assert ends(api, "ann") == []
    assert [fan for fan, _, _ in api.timer.waiting] == ["ann"]

    api.clock.advance(timedelta(seconds=5))
    for _ in range(2):
        assert workers.end_streaks(woken(about("ann")), None) == {"batchItemFailures": []}
    [end] = ends(api, "ann")
    assert (end.payload["count"], end.payload["coins"]) == (1, 1)


def test_streak_that_cannot_be_ended_delays_no_other(api: Api) -> None:
    begun(api, "ann")
    api.clock.advance(timedelta(seconds=5))
    answer = workers.end_streaks(woken("{", json.dumps({"user_id": 7}), about("ann")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]}
    assert len(ends(api, "ann")) == 1
    assert "streak_not_ended" in api.logged.getvalue()
