"""The laws that concern one file, as the hook before a commit checks them."""

from tests.house.staged import complaints


def test_complaints_of_a_file_are_of_each_law_that_concerns_it() -> None:
    source = '"""What money is."""\n\nimport os\n\nprice = 0.5  # nobody hears of it\n'
    found = list(complaints("chalicelib/domain/money.py", source))
    for part in (":3: chalicelib.domain.money may not", "a float", "literary turn: nobody", "opens with What"):
        assert any(part in complaint for complaint in found), (part, found)


def test_complaints_of_a_file_outside_the_house_are_of_its_language_only() -> None:
    assert list(complaints("proxy.py", "import os\nprice = 0.5\n")) == []
