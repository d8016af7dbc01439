"""The generated ledger of the bench."""

import pytest

from tests.bench.ledger import main


def test_ledger_bench_generates_a_right_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--entries", "200"]) == 0
    assert capsys.readouterr().out.startswith("200 entries, ")
