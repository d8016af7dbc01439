"""The ledger's invariants as SQL over a full export (`rebuild/*.sql`), and the engine that runs them here, DuckDB.

The queries share no code with the adapters that write the table, so that they find their mistakes. Each returns
`subject, stored, computed, pk, other_pk` for each figure that is wrong; the last two are the partitions it comes from.
"""

import tempfile
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb

from chalicelib.domain.ids import iso
from infra.operations.exports import BadExport, Export

QUERIES: Final = Path(__file__).with_name("rebuild")
RULES: Final = {path.stem: path.read_text() for path in sorted(QUERIES.glob("i[0-9]*.sql"))}
"""The query of each rule, by its name: `i1_wallets` checks the invariant I1."""
ALL_SETTLED: Final = datetime.max.replace(tzinfo=UTC)
"""Requires every entry to have arrived."""
MAX_LISTED: Final = 1_000
"""Wrong figures of one rule that are listed and read again; the others are counted."""
_MEMORY: Final = "1500MB"


def query(name: str) -> str:
    """Read a query of `rebuild/`."""
    return (QUERIES / f"{name}.sql").read_text()


class Ledger(Protocol):
    """An engine with the view `items`."""

    def rows(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongFigure:
    """A stored figure that differs from the one computed from the entries."""

    rule: str
    subject: str
    stored: int | None
    computed: int | None
    """None if the rule compares products, or limits."""
    partitions: frozenset[str]
    """The partitions that the figures come from."""

    @property
    def name(self) -> tuple[str, str]:
        """Rule and subject."""
        return self.rule, self.subject

    def __str__(self) -> str:
        computed = "" if self.computed is None else f", computed {self.computed}"
        stored = "no whole number" if self.stored is None else self.stored
        return f"{self.rule.partition('_')[0].upper()} {self.subject}: stored {stored}{computed}"


@dataclass(slots=True)
class Findings:
    """Wrong figures, at most MAX_LISTED of each rule."""

    listed: list[WrongFigure] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The figures of a report."""

    wallets: int
    coins_held: int
    entries: int
    gifts: int
    creators: int
    shards: int
    coins_earned: int
    in_transit: int


def find_wrong_figures(
    ledger: Ledger, rules: Iterable[str] = RULES, among: Container[tuple[str, str]] | None = None
) -> Findings:
    """Run the rules. `among` restricts what is found to figures of these names."""
    findings = Findings()
    for rule in rules:
        listed = 0
        for subject, stored, computed, *partitions in ledger.rows(RULES[rule]):
            if among is not None and (rule, subject) not in among:
                continue
            findings.total += 1
            if listed < MAX_LISTED:
                listed += 1
                findings.listed.append(
                    WrongFigure(
                        rule=rule,
                        subject=subject,
                        stored=_int(stored),
                        computed=_int(computed),
                        partitions=frozenset(filter(None, partitions)),
                    )
                )
    findings.listed.sort(key=lambda each: each.name)
    return findings


def read_totals(ledger: Ledger) -> Totals:
    """Add up the whole export."""
    (row,) = ledger.rows(query("totals"))
    return Totals(**{name: int(value or 0) for name, value in zip(Totals.__slots__, row, strict=True)})


def _int(value: object) -> int | None:
    """Convert an engine's decimal, which is whole."""
    return None if value is None else int(str(value))


class DuckLedger:
    """An export in DuckDB."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a query, and fetch its rows in parts."""
        result = self._connection.execute(statement)
        while part := result.fetchmany(MAX_LISTED):
            yield from part


@contextmanager
def duck_ledger(export: Export, settled: datetime = ALL_SETTLED) -> Iterator[DuckLedger]:
    """Load an export into a temporary database.

    Args:
        export: the export.
        settled: entries posted later than this may still be in transit.

    Raises:
        BadExport: items are missing.
    """
    with tempfile.TemporaryDirectory(prefix="coinpurse-ledger-") as directory:
        config: dict[str, Any] = {"memory_limit": _MEMORY, "temp_directory": directory, "threads": 2}
        with duckdb.connect(f"{directory}/items", config=config) as connection:
            prologue = query("duckdb")
            for name, value in {"data": export.data, "settled": iso(settled)}.items():
                prologue = prologue.replace(f"{{{name}}}", value.replace("'", "''"))
            connection.execute("SET preserve_insertion_order = false")
            try:
                connection.execute(prologue)
            except duckdb.Error as error:
                raise BadExport(f"{export.directory} cannot be read: {str(error).splitlines()[0]}") from error
            ledger = DuckLedger(connection)
            ((items,),) = ledger.rows("SELECT COUNT(*) FROM items")
            if items != export.items:
                raise BadExport(f"{export.directory} has {items} of {export.items} items")
            yield ledger
