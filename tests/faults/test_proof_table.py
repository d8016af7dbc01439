"""The table of `make faults` in tests/README.md has the rows of the proof."""

import re

from infra.local.processes import ROOT
from tests.faults.planting import BUGS


def test_faults_table_of_the_readme_has_the_rows_of_the_proof_and_the_number_of_bugs() -> None:
    readme = (ROOT / "tests/README.md").read_text("utf-8").split("\n## Faults\n", 1)[1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^(\S.*?) {2,}([\d,]+) ", readme, re.MULTILINE))
    work = (ROOT / "tests/faults/work.py").read_text("utf-8")
    assert rows.keys() == set(re.findall(r"(?:Piece|_kill|_whole)\(\"([^\"]+)\"", work))
    assert rows["planted bugs, each caught"] == f"{len(BUGS):,}"
