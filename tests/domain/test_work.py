from datetime import timedelta

from chalicelib.domain.work import PAUSES, park_again, park_item
from tests.fakes import START

MINUTE = timedelta(minutes=1)


def test_park_item_is_due_after_the_first_pause() -> None:
    item = park_item("evt_1", "not an entry", START)
    assert (item.tries, item.parked_at, item.due_at) == (1, START, START + PAUSES[0])


def test_park_again_grows_the_pause_and_keeps_the_first_time() -> None:
    item, pauses = park_item("evt_1", "late", START, (MINUTE, 2 * MINUTE)), []
    for _ in range(3):
        now = item.due_at
        item = park_again(item, "later", now, (MINUTE, 2 * MINUTE))
        pauses.append(item.due_at - now)
    assert pauses == [2 * MINUTE] * 3
    assert (item.tries, item.parked_at, item.reason) == (4, START, "later")
