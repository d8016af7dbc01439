"""The names of tests open with the unit that they test."""

from tests.house.rules import TESTS
from tests.house.shape import unnamed_units


def test_names_of_tests_open_with_their_unit() -> None:
    assert [complaint for path, source in TESTS.items() for complaint in unnamed_units(path, source)] == []
