"""The rules of the whole ledger on hand-made items."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from chalicelib.domain.adjustments import Kind
from infra.operations.exports import write_export
from infra.operations.ledger_rules import (
    MAX_LISTED,
    RULES,
    DuckLedger,
    Totals,
    duck_ledger,
    find_wrong_figures,
    read_totals,
)
from infra.operations.table_reads import RawItem
from tests.infra.wrong_ledgers import MAX, NOW, OLD, RIGHT, RIGHT_DISPUTES, SETTLED, WRONG, a_wallet, an_item
from tests.recorded.record import read


def prepared(items: Sequence[RawItem], directory: Path) -> AbstractContextManager[DuckLedger]:
    return duck_ledger(write_export(items, directory, NOW), SETTLED)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what the rules find in all ledgers as one."""
    right = [dict(item) for item in RIGHT]
    right[0]["d"] = {"N": str(RIGHT_DISPUTES)}
    items = [*right, *(item for wrong, _ in WRONG for item in wrong)]
    with prepared(items, tmp_path_factory.mktemp("wrong")) as ledger:
        return sorted(map(str, find_wrong_figures(ledger).listed))


def test_rules_find_each_wrong_figure_and_nothing_else(found: list[str]) -> None:
    assert found == sorted(line for _, lines in WRONG for line in lines)


def test_right_ledger_has_its_totals(tmp_path: Path) -> None:
    with prepared(RIGHT, tmp_path) as ledger:
        totals = read_totals(ledger)
    assert totals == Totals(
        wallets=3,
        coins_held=MAX - 61 - 22,
        entries=11,
        gifts=1,
        creators=1,
        shards=1,
        coins_earned=60,
        in_transit=0,
    )


def recorded_items() -> Iterator[RawItem]:
    """Read the rows of the first release's recording, which has every kind of entry."""
    for key, attributes in read()["rows"].items():
        partition, sort_key = (part.removeprefix("S:") for part in key.split(" | "))
        typed = {name: value.replace("<time>", OLD).partition(":") for name, value in attributes.items()}
        yield {**an_item(partition, sort_key), **{name: {kind: value} for name, (kind, _, value) in typed.items()}}


def test_recorded_rows_of_every_kind_break_no_rule(tmp_path: Path) -> None:
    items = list(recorded_items())
    kinds = {item["kind"]["S"] for item in items if "kind" in item}
    assert kinds >= {*Kind, "purchase", "gift", "cheer", "super_chat", "streak_end", "membership_end"}
    with prepared(items, tmp_path) as ledger:
        assert find_wrong_figures(ledger).listed == []
        assert read_totals(ledger).entries == sum(item.get("status") == {"S": "posted"} for item in items)


def test_rules_list_a_thousand_wrong_figures_and_count_the_others(tmp_path: Path) -> None:
    wallets = [a_wallet(f"fan-{number}", 1) for number in range(MAX_LISTED + 1)]
    with prepared(wallets, tmp_path) as ledger:
        findings = find_wrong_figures(ledger)
    assert (len(findings.listed), findings.total) == (MAX_LISTED, MAX_LISTED + 1)


def test_rules_have_a_wrong_ledger_each() -> None:
    assert {line.split()[0] for _, lines in WRONG for line in lines} == {rule.split("_")[0].upper() for rule in RULES}
