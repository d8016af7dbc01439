"""`python -m tests.faults [--replay SEED]`: the fault proof. Exits with 1 if a coin is lost, doubled or stolen."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from time import monotonic
from typing import Final

from tests.faults import failpoints, interleavings
from tests.faults.delivery import deliver_badly
from tests.faults.verdict import Wrong
from tests.faults.work import Piece, jobs

KINDS: Final = ("lost", "doubled", "unhandled", "broken")
KILLS: Final = 2_000
PROCESSES: Final = 2
SHOWN: Final = 20


def main() -> int:
    """Run the proof, or replay one seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--replay", metavar="SEED", help="what a failure printed, up to the colon")
    parser.add_argument("--kills", type=int, default=KILLS, help="how many processes to kill at MiniStack")
    parser.add_argument("--only", nargs="+", metavar="JOB", help="only these, by their names in tests/faults/work.py")
    arguments = parser.parse_args()
    if arguments.replay:
        return replay(arguments.replay)
    began = monotonic()
    with ProcessPoolExecutor(PROCESSES) as processes:
        under_way = [processes.submit(job) for job in jobs(arguments.kills) if job.name in (arguments.only or job.name)]
        pieces = added_up(_told(under_way))
    show(pieces, monotonic() - began)
    return 1 if any(piece.wrong.total() for piece in pieces) else 0


def added_up(pieces: Iterable[Piece]) -> list[Piece]:
    """Group the pieces by heading."""
    sums: dict[str, Piece] = {}
    for piece in pieces:
        total = sums.setdefault(piece.heading, Piece(piece.heading))
        total.tried += piece.tried
        total.points += piece.points
        total.wrong += piece.wrong
        total.seeds += piece.seeds
        total.skipped = piece.skipped
    return list(sums.values())


def show(pieces: list[Piece], seconds: float) -> None:
    """Print the table, and a replay command for each failure."""
    print(f"{'':<34}{'tried':>10}" + "".join(f"{kind:>11}" for kind in KINDS))
    for piece in pieces:
        counts = "".join(f"{piece.wrong[kind]:>11}" for kind in KINDS)
        points = f"  ({piece.points} calls, each hit)" if piece.points else ""
        print(f"{piece.heading:<34}" + (piece.skipped or f"{piece.tried:>10,}{counts}{points}"))
    for seed in [seed for piece in pieces for seed in piece.seeds][:SHOWN]:
        print(f"  {seed}")
    total: Counter[str] = sum((piece.wrong for piece in pieces), Counter())
    print(f"\n{total['lost']} lost, {total['doubled']} doubled, {total['unhandled']} unhandled,", end=" ")
    print(f"{total['broken']} invariants broken, in {seconds:.0f} s")


def replay(seed: str) -> int:
    """Replay one failure by its printed seed."""
    wrongs: Iterable[Wrong]
    if seed.startswith("post/"):
        wrongs = deliver_badly(int(seed.removeprefix("post/")))
    elif seed.count("/") == 1:
        wrongs = interleavings.replay(seed).wrongs
    else:
        run = failpoints.replay(seed)
        wrongs = run.wrongs
        for number, name in enumerate(run.calls):
            print(f"{number:>3} {name:<32} {run.plan.get(number, '')}")
    for wrong in wrongs:
        print(f"{wrong.kind}: {wrong.what}")
    return 1 if wrongs else 0


def _told(under_way: Sequence[Future[Piece]]) -> list[Piece]:
    """Return the pieces in their order, once all have finished."""
    for _ in as_completed(under_way):
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [piece.result() for piece in under_way]


if __name__ == "__main__":
    sys.exit(main())
