"""The prose of docstrings and comments is plain technical English."""

import pytest

from tests.house import language
from tests.house.language import MOST_PER_THOUSAND, Allowance, Figures, Prose
from tests.house.source import ROOT

SLACK = 0.5
"""The most, per 1,000 words, that an allowance may exceed the measured figure by."""
OPENERS_SLACK = 5
"""The most docstrings that an allowance may exceed the measured figure by."""

FEWEST_TURNS = 91
"""The entries that the word list had when it was last extended."""


def broken_laws(rooms: dict[str, Figures], allowances: dict[str, Allowance]) -> list[str]:
    """List the rooms above their ceiling, and the allowances that are higher than needed."""
    return [
        *(fault for room, figures in rooms.items() for fault in _over(room, figures, allowances.get(room))),
        *(fault for room, allowed in allowances.items() for fault in _loose(room, rooms.get(room), allowed)),
    ]


def _over(room: str, figures: Figures, allowed: Allowance | None) -> list[str]:
    is_over = (
        figures.per_thousand > allowed.per_thousand + SLACK if allowed else figures.per_thousand >= MOST_PER_THOUSAND
    )
    faults = [f"{room}: {figures.per_thousand:.1f} literary turns per 1,000 words (--list {room})"] if is_over else []
    if figures.openers > (allowed.openers if allowed else 0):
        faults.append(f"{room}: {figures.openers} docstrings open with a forbidden word (--first-words)")
    return faults


def _loose(room: str, figures: Figures | None, allowed: Allowance) -> list[str]:
    if figures is None:
        return [f"{room}: has an allowance and no prose (--ratchet)"]
    is_loose = allowed.per_thousand > figures.per_thousand + SLACK or allowed.openers > figures.openers + OPENERS_SLACK
    return [f"{room}: its allowance is higher than its figures (--ratchet)"] if is_loose else []


def test_rooms_are_plain_english() -> None:
    assert broken_laws(language.by_room(ROOT), language.allowances()) == []


def test_word_list_only_grows() -> None:
    entries = [line for line in language.TURNS.read_text().splitlines() if line and not line.startswith("#")]
    assert len(entries) >= FEWEST_TURNS


def test_word_list_is_sorted_within_its_groups() -> None:
    for group in language.TURNS.read_text().rstrip().split("\n\n"):
        entries = [line for line in group.splitlines() if not line.startswith("#")]
        assert entries == sorted(set(entries))


@pytest.mark.parametrize(
    ("comment", "phrases"),
    [
        ("Nobody is told of it.", ["Nobody", "told"]),
        ("This event is what the\n# world hears.", ["the world", "hears"]),
        ("A claim of a stranger's, held against the books.", ["stranger", "held against"]),
        ("Of so many, whoever shuts himself out.", ["so many", "whoever", "shuts himself out"]),
        ("noqa: S101  # whatever it is", ["whatever"]),
        ("type: ignore[misc]", []),
        ("A stand-in. `nobody` stands in for `whoever`.", []),
        ("Hold a lock on the shard; the front door forwards the request.", []),
    ],
)
def test_literary_turn_in_a_comment_is_found(comment: str, phrases: list[str]) -> None:
    texts = language.prose_of("chalicelib/x.py", f"x = 1\n# {comment}\ny = 2\n")
    assert [hit.phrase for hit in language.turns_in(texts)] == phrases


def test_turn_is_found_at_its_line() -> None:
    source = 'def f():\n    """Credit the wallet.\n\n    Nobody knows `nobody`,\n    lest.\n    """\n'
    hits = language.turns_in(language.prose_of("infra/x.py", source))
    assert [(hit.path, hit.line, hit.phrase) for hit in hits] == [
        ("infra/x.py", 4, "Nobody"),
        ("infra/x.py", 5, "lest"),
    ]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/pages/x.js", "let a = 1; /* nobody */\n"),
        ("chalicelib/pages/x.js", "// nobody\n"),
        ("chalicelib/pages/x.css", "/* a\n * nobody */\n"),
        ("infra/x.html", "<!-- nobody -->"),
        ("infra/x.yaml", "A: b # nobody\n"),
        ("Makefile", "x: ## nobody\n"),
    ],
)
def test_comment_of_another_language_is_read(path: str, source: str) -> None:
    assert [hit.phrase for hit in language.turns_in(language.prose_of(path, source))] == ["nobody"]


@pytest.mark.parametrize(
    "opener", ["What a wallet is", "How it ends.", "Whether so", "Who paid", "That it ended", "Where"]
)
@pytest.mark.parametrize("source", ['"""{}"""\n', 'class A:\n    """{}"""\n', 'A = 1\n"""{}"""\n'])
def test_forbidden_opening_is_found(source: str, opener: str) -> None:
    texts = language.prose_of("chalicelib/x.py", source.format(opener))
    assert [prose.text for prose in language.openers_in(texts)] == [opener]


def test_allowed_opening_passes() -> None:
    assert not language.openers_in(language.prose_of("a.py", '"""Whatsoever."""\n# What a comment may say.\n'))


@pytest.mark.parametrize(
    ("figures", "allowed", "is_legal"),
    [
        (Figures(words=1001, turns=1), None, True),
        (Figures(words=1000, turns=1), None, False),
        (Figures(words=1000, docstrings=1, openers=1), None, False),
        (Figures(words=1000, turns=9), Allowance(9.0, 0), True),
        (Figures(words=1000, turns=10), Allowance(9.0, 0), False),
        (Figures(words=1000, turns=8), Allowance(9.0, 0), False),
        (Figures(words=1000, turns=9, openers=1), Allowance(9.0, 7), False),
        (Figures(words=1000, turns=9, openers=3), Allowance(9.0, 2), False),
    ],
)
def test_room_is_held_to_the_law_or_to_its_allowance(
    figures: Figures, allowed: Allowance | None, is_legal: bool
) -> None:
    assert (broken_laws({"infra": figures}, {"infra": allowed} if allowed else {}) == []) is is_legal


def test_allowance_of_a_missing_room_is_found() -> None:
    assert len(broken_laws({}, {"infra": Allowance(9.0, 0)})) == 1


def test_rooms_are_folders_and_modules() -> None:
    rooms = {
        "app.py": "app.py",
        "chalicelib/__init__.py": "chalicelib",
        "chalicelib/errors.py": "chalicelib/errors",
        "chalicelib/pages/a/b.js": "chalicelib/pages",
        "infra/deploy.py": "infra",
        "tests/house/law.py": "tests/house",
    }
    assert {path: language.room_of(path) for path in rooms} == rooms
    assert list(language.count([Prose("tests/a/b.py", 1, "one", is_docstring=True)])) == ["tests/a"]
