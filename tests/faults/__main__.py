"""`python -m tests.faults [--replay SEED]`: the fault proof. Exits with 1 if a coin is lost, doubled or stolen."""

import argparse
import gc
import logging
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from time import monotonic
from typing import Final

from infra.local.processes import ROOT
from tests.faults import failpoints, interleavings
from tests.faults.delivery import deliver_with_losses
from tests.faults.invariants import Breach
from tests.faults.jobs import Job, jobs
from tests.faults.lives.life import breaches_of
from tests.faults.report import SHOWN, added_up, durations, seconds_left, table, with_table
from tests.faults.results import Results, clean_commit
from tests.faults.work import Piece

KILLS: Final = 2_000
PROCESSES: Final = 2


def main() -> int:
    """Run the proof, or replay one seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--replay", metavar="SEED", help="what a failure printed, up to the colon")
    parser.add_argument("--kills", type=int, default=KILLS, help="how many processes to kill at MiniStack")
    parser.add_argument("--only", nargs="+", metavar="JOB", help="only these, by their names in tests/faults/work.py")
    parser.add_argument("--resume", action="store_true", help="skip the jobs that succeeded at this very commit")
    parser.add_argument("--readme", action="store_true", help="write the table of a whole run to tests/README.md")
    arguments = parser.parse_args()
    if arguments.replay:
        return replay(arguments.replay)
    logging.disable(logging.CRITICAL)
    chosen = [job for job in jobs(arguments.kills) if job.kind in (arguments.only or [job.kind])]
    results = Results(clean_commit())
    if arguments.resume:
        results.load()
    began = monotonic()
    pieces = added_up(run(chosen, results))
    show(pieces, seconds := monotonic() - began)
    is_sound = not any(piece.by_kind.total() for piece in pieces)
    if arguments.readme and is_sound and not arguments.only:
        path = ROOT / "tests/README.md"
        path.write_text(with_table(path.read_text("utf-8"), table(pieces), seconds), "utf-8")
    return 0 if is_sound else 1


def run(chosen: list[Job], results: Results) -> list[Piece]:
    """Run the jobs that have no result yet in two processes. Returns the pieces of all."""
    pieces = {job: results.pieces[str(job)] for job in chosen if str(job) in results.pieces}
    with ProcessPoolExecutor(PROCESSES, initializer=gc.freeze) as processes:
        under_way = {processes.submit(job): job for job in chosen if job not in pieces}
        for job, piece in _finished(under_way):
            results.add(str(job), piece)
            pieces[job] = piece
    return list(pieces.values())


def _finished(under_way: Mapping[Future[Piece], Job]) -> Iterable[tuple[Job, Piece]]:
    """Generate the finished jobs, and print the progress."""
    began, finished, others = monotonic(), list[Job](), set(under_way.values())
    for future in as_completed(under_way):
        job, piece = under_way[future], future.result()
        finished.append(job)
        others.remove(job)
        minutes = seconds_left(finished, others, monotonic() - began, PROCESSES) / 60
        found = f", {piece.by_kind.total()} found" if piece.by_kind.total() else ""
        print(f"{len(others)} jobs and about {minutes:.0f} min left: {job.kind} took {piece.seconds:.0f} s{found}",
              file=sys.stderr, flush=True)  # fmt: skip
        yield job, piece


def show(pieces: list[Piece], seconds: float) -> None:
    """Print the table, a replay command for each failure, and the times."""
    print(table(pieces))
    for seed in [seed for piece in pieces for seed in piece.seeds][:SHOWN]:
        print(f"  {seed}")
    print(f"\n{durations(pieces, seconds)}")


def replay(seed: str) -> int:
    """Replay one failure by its printed seed."""
    breaches: Iterable[Breach]
    if seed.startswith("post/"):
        breaches = deliver_with_losses(int(seed.removeprefix("post/")))
    elif seed.startswith("life/"):
        breaches = [Breach("broken", what) for what in breaches_of(int(seed.removeprefix("life/")))]
    elif seed.count("/") == 1:
        breaches = interleavings.replay(seed).breaches
    else:
        run = failpoints.replay(seed)
        breaches = run.breaches
        for number, name in enumerate(run.calls):
            print(f"{number:>3} {name:<32} {run.faults.get(number, '')}")
    for breach in breaches:
        print(f"{breach.kind}: {breach.what}")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
