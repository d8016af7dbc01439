from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.journal import JournalLine, Mismatch
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import audit_ledger
from tests.domain.builders import CREATOR, FAN, a_reversal
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.usecases.relay_harness import gift
from tests.usecases.sweep_harness import SweepHarness

HOUR = timedelta(hours=1)
SETTLE_DELAY = timedelta(minutes=10)


class AuditHarness(SweepHarness):
    """Two fans, a creator, and an auditor."""

    def __init__(self) -> None:
        super().__init__()
        self.buy(1)
        self.give(2, price_coins=30)
        self.buy(3, user_id="fan-2")
        self.post(a_reversal(gift(2, price_coins=30)))
        self.ledger.coins = {FAN: 70, "fan-2": 70}
        self.relay(*[entry for known in self.ledger.entries.values() for entry in known.values()])

    def audit(self, after: timedelta = SETTLE_DELAY) -> Sequence[Mismatch]:
        self.clock.advance(after)
        return audit_ledger(journal=self.journal, clock=self.clock)


@pytest.fixture
def books() -> AuditHarness:
    return AuditHarness()


def test_books_that_agree_are_not_worth_a_word(books: AuditHarness, caplog: pytest.LogCaptureFixture) -> None:
    assert books.audit() == []
    assert caplog.records == []
    assert books.journal.watermarks["audit"] == START


def test_the_last_ten_minutes_are_left_to_the_next_audit(books: AuditHarness) -> None:
    books.audit(timedelta(minutes=69))
    assert books.journal.watermarks["audit"] == START
    books.audit(timedelta(minutes=1))
    assert books.journal.watermarks["audit"] == START + HOUR


@pytest.mark.parametrize("coins", [0, 69, 71, -70])
def test_a_wallet_that_does_not_add_up_is_told_with_both_figures_and_never_mended(
    books: AuditHarness, coins: int, caplog: pytest.LogCaptureFixture
) -> None:
    books.ledger.coins[FAN] = coins
    assert books.audit() == [Mismatch(what=f"wallet/{FAN}", stored=coins, added_up=70)]
    (line,) = caplog.records
    told = vars(line)
    assert (line.levelname, line.message) == ("ERROR", "total_mismatch")
    assert (told["what"], told["stored"], told["added_up"]) == (f"wallet/{FAN}", coins, 70)
    assert books.ledger.coins[FAN] == coins


def test_a_lane_that_does_not_add_up_is_told_too(books: AuditHarness) -> None:
    books.ledger.shards[CREATOR, 0].coins = 1
    assert books.audit() == [Mismatch(what=f"creator/{CREATOR}/0", stored=1, added_up=0)]
    assert books.ledger.shards[CREATOR, 0].coins == 1


def test_a_lane_that_nothing_has_reached_yet_is_none_the_worse(books: AuditHarness) -> None:
    books.post(gift(9, creator_id="creator-9", price_coins=1))
    books.ledger.coins[FAN] -= 1
    assert books.audit() == []


def test_all_that_is_wrong_is_told_at_once(books: AuditHarness) -> None:
    books.ledger.coins = {FAN: 1, "fan-2": 2}
    books.ledger.shards[CREATOR, 0].coins = 3
    assert [mismatch.stored for mismatch in books.audit()] == [1, 2, 3]


def test_only_what_moved_since_is_added_up(books: AuditHarness) -> None:
    books.audit(after=3 * HOUR)
    books.ledger.coins["fan-2"] = 1
    books.buy(4)
    books.ledger.coins[FAN] = 0
    assert [mismatch.what for mismatch in books.audit(after=HOUR)] == [f"wallet/{FAN}"]


@pytest.mark.parametrize(("ago", "found"), [(timedelta(hours=24), 1), (timedelta(hours=26), 0)])
def test_the_first_audit_looks_a_day_back(books: AuditHarness, ago: timedelta, found: int) -> None:
    books.ledger.coins[FAN] = 0
    assert len(books.audit(after=ago)) == found


class Interrupted(FakeJournal):
    """Is out of reach from an hour on."""

    ends_at: datetime = START + HOUR

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        if hour >= self.ends_at:
            raise TryAgain
        return super().read_hour(hour)


def test_what_was_found_before_an_audit_broke_off_has_been_told(
    books: AuditHarness, caplog: pytest.LogCaptureFixture
) -> None:
    books.journal = Interrupted(books.ledger)
    books.ledger.coins[FAN] = 0
    with pytest.raises(TryAgain):
        books.audit(after=3 * HOUR)
    assert [vars(line)["what"] for line in caplog.records] == [f"wallet/{FAN}"]
    assert books.journal.watermarks["audit"] == START
