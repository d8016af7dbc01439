import pytest

from chalicelib.domain.gifts import Gift
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import NotFound
from chalicelib.usecases.queries import Statement, read_entry, read_statement
from tests.domain.builders import FAN, KEY
from tests.fakes import START, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness

KEYS = [uuid7_at(START, number) for number in range(5)]


def test_read_entry_returns_the_fans_purchase() -> None:
    harness = CheckoutHarness()
    stored = harness.stock()
    assert read_entry(FAN, KEY, Purchase, ledger=harness.ledger) == stored


def test_read_entry_returns_the_fans_gift() -> None:
    harness = CheckoutHarness()
    harness.fund(1)
    sent = harness.send().gift
    assert read_entry(FAN, KEY, Gift, ledger=harness.ledger) == sent


@pytest.mark.parametrize(("user_id", "entry_id"), [("fan-2", KEY), (FAN, KEYS[4])], ids=["somebody else's", "nobody's"])
def test_read_entry_of_another_user_raises_not_found(user_id: str, entry_id: str) -> None:
    harness = CheckoutHarness()
    harness.stock()
    with pytest.raises(NotFound) as refused:
        read_entry(user_id, entry_id, Purchase, ledger=harness.ledger)
    assert refused.value.detail == f"You have no purchase {entry_id}."
    assert refused.value.extensions == {}


def test_read_entry_of_another_kind_raises_not_found() -> None:
    harness = CheckoutHarness()
    harness.stock()
    with pytest.raises(NotFound):
        read_entry(FAN, KEY, Gift, ledger=harness.ledger)


def statement_of(entries: int, limit: int, before: str | None = None) -> Statement:
    harness = CheckoutHarness()
    for key in KEYS[:entries]:
        harness.stock(purchase_id=key)
    return read_statement(FAN, limit=limit, before=before, ledger=harness.ledger)


@pytest.mark.parametrize(
    ("entries", "limit", "before", "shown", "older_than"),
    [
        (0, 2, None, [], None),
        (1, 2, None, [0], None),
        (2, 2, None, [1, 0], None),
        (3, 2, None, [2, 1], 1),
        (5, 2, None, [4, 3], 3),
        (5, 2, 3, [2, 1], 1),
        (5, 2, 1, [0], None),
        (5, 2, 0, [], None),
        (5, 1, 2, [1], 1),
        (5, 5, None, [4, 3, 2, 1, 0], None),
        (5, 100, None, [4, 3, 2, 1, 0], None),
    ],
)
def test_read_statement_returns_the_newest_entries_and_a_cursor(
    entries: int, limit: int, before: int | None, shown: list[int], older_than: int | None
) -> None:
    page = statement_of(entries, limit, None if before is None else KEYS[before])
    assert [KEYS.index(entry.entry_id) for entry in page.entries] == shown
    assert page.older_than == (None if older_than is None else KEYS[older_than])


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_read_statement_pages_have_every_entry_once(limit: int) -> None:
    seen: list[str] = []
    before = None
    for _ in KEYS:
        page = statement_of(5, limit, before)
        seen += [entry.entry_id for entry in page.entries]
        before = page.older_than
        if before is None:
            break
    assert seen == KEYS[::-1]


def test_read_statement_has_no_entries_of_others() -> None:
    harness = CheckoutHarness()
    harness.stock(user_id="fan-2")
    assert read_statement(FAN, limit=9, before=None, ledger=harness.ledger).entries == []
