"""The part of SQL that the ledger's queries use, which DuckDB and Athena (Trino) share."""

from pathlib import Path
from typing import Final

import pytest
import sqlglot
from sqlglot import exp

from infra.operations.ledger_rules import QUERIES

PROLOGUES: Final = ("duckdb", "athena")
FILES = {path.stem: path for path in sorted(QUERIES.glob("*.sql")) if path.stem not in PROLOGUES}
DIALECTS: Final = ("trino", "duckdb")

COLUMNS: Final = frozenset(
    [
        *("pk", "sk", "kind", "status", "coins", "event_id", "settled", "announced_at", "about", "payment_intent"),
        *("amount_minor", "kept_minor", "hold", "disputes", "creator_id", "lane", "sender_id", "gifts", "sequence"),
        *("has_coins", "has_kept_minor", "has_disputes"),
    ]
)
"""The columns of the view."""

ALLOWED: Final = (
    *(exp.Select, exp.With, exp.CTE, exp.Union, exp.From, exp.Where, exp.Group, exp.Having, exp.Subquery),
    *(exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Paren),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Like),
    *(exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.DPipe, exp.Case, exp.If, exp.Coalesce),
    *(exp.Sum, exp.Count, exp.Min, exp.Max, exp.Distinct, exp.Star),
)
"""Everything but: division, casts, JSON, windows, joins, UNNEST, QUALIFY, LIMIT, ORDER BY, functions of one engine."""


PLAIN: Final = {
    exp.Select: {"with_", "expressions", "from_", "where", "group", "having"},
    exp.Union: {"with_", "this", "expression", "distinct"},
    exp.Group: {"expressions"},
    exp.Star: set[str](),
}
"""The clauses that a node may have. Others would be accepted in one dialect only, such as GROUP BY ALL."""


def refused(query: str) -> list[str]:
    """Find what a query has that is not of the shared part of SQL."""
    try:
        tree, other = (_parsed(query, dialect) for dialect in DIALECTS)
    except sqlglot.ParseError as error:
        return [str(error).splitlines()[0]]
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    aliases = {alias.alias for alias in tree.find_all(exp.Alias)}
    return [
        *(["the dialects read it differently"] if tree != other else []),
        *(repr(node)[:60] for node in tree.walk() if type(node) not in ALLOWED or not _is_plain(node)),
        *(table.sql() for table in tree.find_all(exp.Table) if table.sql(comments=False) not in own | {"items"}),
        *(column.sql() for column in tree.find_all(exp.Column) if column.sql() not in COLUMNS | aliases),
    ]


def _parsed(query: str, dialect: str) -> exp.Expr:
    tree = sqlglot.parse_one(query, read=dialect)
    for node in tree.find_all(exp.DPipe):
        node.set("safe", None)  # the parser's note of its dialect, not of the query
    return tree


def _is_plain(node: exp.Expr) -> bool:
    clauses = {name for name, value in node.args.items() if value}
    return clauses <= PLAIN.get(type(node), clauses)


@pytest.mark.parametrize("engine", PROLOGUES)
def test_prologue_defines_the_columns_of_the_view(engine: str) -> None:
    *_, created = sqlglot.parse((QUERIES / f"{engine}.sql").read_text().rstrip().rstrip(";"), read=engine)
    assert isinstance(created, exp.Create)
    assert isinstance(created.expression, exp.Select)
    assert created.this.name == "items"
    assert set(created.expression.named_selects) == COLUMNS
    casts = {cast.to.sql() for cast in created.expression.find_all(exp.Cast)}
    assert casts <= {"DECIMAL(38, 0)"}


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_queries_are_of_the_shared_part_of_sql(path: Path) -> None:
    assert refused(path.read_text()) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT coins / 2 AS half FROM items",
        "SELECT coins // 2 AS half FROM items",
        "SELECT coins % 2 AS rest FROM items",
        "SELECT CAST(coins AS BIGINT) AS coins FROM items",
        "SELECT TRY_CAST(coins AS DECIMAL(38, 0)) AS coins FROM items",
        "SELECT coins::BIGINT AS coins FROM items",
        "SELECT json_extract(about, '$.coins') AS coins FROM items",
        "SELECT about->'$.coins' AS coins FROM items",
        "SELECT facts.coins AS coins FROM items, UNNEST(about) AS facts",
        "SELECT SUM(coins) OVER (PARTITION BY pk) AS coins FROM items",
        "SELECT pk FROM items QUALIFY ROW_NUMBER() OVER (PARTITION BY pk ORDER BY sk) = 1",
        "SELECT floor(coins) AS coins FROM items",
        "SELECT regexp_matches(pk, 'a') AS is_wallet FROM items",
        "SELECT pk FROM items ORDER BY pk LIMIT 5",
        "SELECT pk FROM read_json('x')",
        "SELECT pk FROM other.items",
        "SELECT pk FROM orders",
        "SELECT secret FROM items",
        "SELECT * EXCLUDE (pk) FROM items",
        "SELECT DISTINCT pk FROM items",
        "SELECT pk FROM items JOIN items AS others ON items.pk = others.sk",
        "SELECT pk FROM items GROUP BY ALL",
        "SELECT pk FROM items WHERE sk ILIKE 'a%'",
        "SELECT pk FROM items; DROP TABLE items",
        "DELETE FROM items",
        "SELECT FROM WHERE",
    ],
)
def test_anything_else_is_refused(query: str) -> None:
    assert refused(query) != []
