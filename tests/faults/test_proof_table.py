"""The table of `make faults` in tests/README.md has the rows of the proof, and its jobs are complete."""

import re
from pathlib import Path

from infra.local.processes import ROOT
from tests.faults.failpoints import SCENARIOS
from tests.faults.jobs import Job, bugs_by_tests, jobs
from tests.faults.planting import BUGS
from tests.faults.report import added_up, seconds_left, table, with_table
from tests.faults.results import Results
from tests.faults.work import Piece, reviews

README = (ROOT / "tests/README.md").read_text("utf-8")


def test_faults_table_of_the_readme_has_the_rows_of_the_proof_and_the_number_of_bugs() -> None:
    rows = _rows(README)
    work = (ROOT / "tests/faults/work.py").read_text("utf-8")
    assert rows.keys() == set(re.findall(r"(?:Piece|_kill|_whole)\(\"([^\"]+)\"", work))
    assert rows["planted bugs, each caught"] == f"{len(BUGS):,}"


def test_with_table_replaces_the_table_and_its_time() -> None:
    pieces = added_up([Piece("reviews, all orders", tried=1_000, seconds=2), Piece("two faults", seconds=3)])
    readme = with_table(README, table(pieces), 1_234.5)
    assert _rows(readme) == {"two faults": "0", "reviews, all orders": "1,000"}
    assert " took 1,234 s:\n" in readme
    assert readme.partition("\n## Faults\n")[0] == README.partition("\n## Faults\n")[0]


def test_jobs_cover_every_scenario_and_each_planted_bug_once_the_longest_first() -> None:
    built = jobs(8)
    assert [job.seconds for job in built] == sorted((job.seconds for job in built), reverse=True)
    for kind in ("one_fault", "two_faults"):
        names = [str(job.arguments[0]) for job in built if job.kind == kind]
        assert sorted(names) == sorted(scenario.name for scenario in SCENARIOS)
    planted = [bug for bugs in bugs_by_tests() for bug in bugs]
    assert len(planted) == len(set(planted)) == len(BUGS)


def test_seconds_left_follows_the_pace_so_far() -> None:
    slow, fast = Job(reviews, 30), Job(reviews, 10)
    assert seconds_left([], [slow, fast], 0, processes=2) == 20
    assert seconds_left([fast], [slow], 7, processes=2) == 21


def test_results_are_kept_for_the_same_commit_alone(tmp_path: Path) -> None:
    sound, odd = Piece("reviews, all orders", tried=66, points=3, seconds=1.5), Piece("two faults", tried=2)
    odd.by_kind["lost"] += 1
    path = tmp_path / "faults.json"
    results = Results("one", path)
    results.add("reviews", sound)
    results.add("two_faults sweep", odd)
    assert _loaded("one", path) == {"reviews": sound}
    assert _loaded("another", path) == _loaded("", path) == {}


def _rows(readme: str) -> dict[str, str]:
    faults = readme.split("\n## Faults\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^(\S.*?) {2,}([\d,]+) ", faults, re.MULTILINE))


def _loaded(commit: str, path: Path) -> dict[str, Piece]:
    results = Results(commit, path)
    results.load()
    return results.pieces
