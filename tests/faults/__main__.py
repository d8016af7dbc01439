"""`python -m tests.faults [--replay SEED]`: the fault proof. Exits with 1 if a coin is lost, doubled or stolen."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from time import monotonic
from typing import Final

from tests.faults import failpoints, interleavings
from tests.faults.delivery import deliver_with_losses
from tests.faults.invariants import Breach
from tests.faults.lives.life import breaches_of
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
        pieces = added_up(_results(under_way))
    show(pieces, monotonic() - began)
    return 1 if any(piece.by_kind.total() for piece in pieces) else 0


def added_up(pieces: Iterable[Piece]) -> list[Piece]:
    """Group the pieces by heading."""
    sums: dict[str, Piece] = {}
    for piece in pieces:
        total = sums.setdefault(piece.heading, Piece(piece.heading))
        total.tried += piece.tried
        total.points += piece.points
        total.by_kind += piece.by_kind
        total.seeds += piece.seeds
        total.skipped = piece.skipped
    return list(sums.values())


def show(pieces: list[Piece], seconds: float) -> None:
    """Print the table, and a replay command for each failure."""
    print(f"{'':<34}{'tried':>10}" + "".join(f"{kind:>11}" for kind in KINDS))
    for piece in pieces:
        counts = "".join(f"{piece.by_kind[kind]:>11}" for kind in KINDS)
        points = f"  ({piece.points} calls, each hit)" if piece.points else ""
        print(f"{piece.heading:<34}" + (piece.skipped or f"{piece.tried:>10,}{counts}{points}"))
    for seed in [seed for piece in pieces for seed in piece.seeds][:SHOWN]:
        print(f"  {seed}")
    total: Counter[str] = sum((piece.by_kind for piece in pieces), Counter())
    print(f"\n{total['lost']} lost, {total['doubled']} doubled, {total['unhandled']} unhandled,", end=" ")
    print(f"{total['broken']} invariants broken, in {seconds:.0f} s")


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


def _results(under_way: Sequence[Future[Piece]]) -> list[Piece]:
    """Return the pieces in their order, once all have finished."""
    for _ in as_completed(under_way):
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [piece.result() for piece in under_way]


if __name__ == "__main__":
    sys.exit(main())
