"""`make catalogue-check` names the line of a catalogue's error."""

from pathlib import Path

import pytest

from chalicelib.adapters.catalogue_files import FOLDER
from infra.operations.catalogue_check import main

VALID = (FOLDER / "tiktok_like.json").read_text()
LINES = VALID.splitlines()
CHEAP_PLAN = '"memberships": [{"plan_id": "club", "name": "Club", "coins": 9, "prices": {"usd": 49}}]'


def line_with(text: str) -> int:
    return next(number for number, line in enumerate(LINES, start=1) if text in line)


def check(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    path = tmp_path / "shop.json"
    path.write_text(text)
    return main([str(path)]), capsys.readouterr().out.replace(str(path), "shop.json")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*_like.json")), ids=lambda path: path.stem)
def test_main_accepts_shipped_catalogue(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path)]) == 0
    assert "bundles" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"coins": 350', '"coins": 0', '"coins_350"', "bundles.coins_350.coins: a whole number from 1"),
        ('"usd": 370', '"usd": 37.5', '"coins_350"', "Expected a whole number, got a decimal number - at"),
        ('"name": "Lion"', '"name": ""', '"Lion"', "gifts.lion.name: not empty"),
        ('"image": "lion.svg"', '"image": "tiger.svg"', '"Lion"', "gifts.lion.image: a file of"),
        ('"image": "lion.svg"', '"image": "https://a.example/lion.svg"', '"Lion"', "gifts.lion.image: the name of"),
        ('"plural": "coins"', '"plural": ""', '"plural"', "unit.plural: 1-64 characters"),
        ('"per_coins": 2', '"per_coins": 0', '"creator"', "creator.per_coins"),
        ('"streak_seconds": 5', '"streak_seconds": 601', '"streak_seconds"', "kinds.gift.streak_seconds"),
        ('"as_of"', '"as_off"', "{", "unknown field `as_off`"),
        ('"source"', 'source"', '"source"', "malformed"),
        (
            '"usd": 370',
            '"usd": 370, "huf": 17499',
            '"coins_350"',
            "bundles.coins_350.prices.web.huf: 17500 to 99999999",
        ),
        (
            '"gifts": [',
            f'{CHEAP_PLAN}, "gifts": [',
            '"gifts": [',
            "memberships.club.prices.usd: 50 to 99999999, the pay",
        ),
        ('"units": 1, ', '"units": 1, "units": 2, ', '"creator"', "units is repeated in one object"),
    ],
)
def test_main_names_line_of_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, line: str, words: str
) -> None:
    assert old in VALID
    code, output = check(tmp_path, VALID.replace(old, new, 1), capsys)
    assert code == 1
    assert output.startswith(f"shop.json:{line_with(line)}: ")
    assert words in output


def test_main_unreadable_file_is_named_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, cause in ((tmp_path / "nope.json", "No such file or directory"), (tmp_path, "Is a directory")):
        assert main([str(path)]) == 1
        assert capsys.readouterr().out == f"{path} cannot be read: {cause}.\n"


def test_main_without_file_prints_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "FILE=" in capsys.readouterr().out
