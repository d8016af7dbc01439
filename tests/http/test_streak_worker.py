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
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(START.timestamp() * 1000))}
    return {
        "Records": [
            {"body": body, "receiptHandle": f"handle {n}", "messageId": f"m{n}", "attributes": attributes}
            for n, body in enumerate(bodies)
        ]
    }


def about(fan: str, streak_id: str = FIRST) -> str:
    return json.dumps({"user_id": fan, "streak_id": streak_id})


def begun(api: Api, fan: str) -> None:
    api.fund(fan)
    assert api.give(FIRST, fan=fan, streak_id=FIRST).status == 201


def ends(api: Api, fan: str) -> list[NotificationEntry]:
    return [entry for entry in api.ledger.entries[fan].values() if isinstance(entry, NotificationEntry)]


def test_streak_is_ended_after_its_pause_and_its_message_kept_until_then(api: Api) -> None:
    begun(api, "ann")
    assert workers.end_streaks(woken(about("ann")), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert ends(api, "ann") == []
    assert api.timer.postponed == {"handle 0": timedelta(seconds=5)}
    assert api.timer.waiting == []

    api.clock.advance(timedelta(seconds=5))
    for _ in range(2):
        assert workers.end_streaks(woken(about("ann")), None) == {"batchItemFailures": []}
    [end] = ends(api, "ann")
    assert (end.payload["count"], end.payload["coins"]) == (1, 1)


def test_streak_message_that_is_unreadable_delays_no_other(api: Api) -> None:
    begun(api, "ann")
    api.clock.advance(timedelta(seconds=5))
    unreadable = ["{", json.dumps({"user_id": 7})]
    assert workers.end_streaks(woken(*unreadable, about("ann")), None) == {"batchItemFailures": []}
    assert len(ends(api, "ann")) == 1
    assert api.timer.dead == unreadable
    assert "streak_message_unreadable" in api.logged.getvalue()
