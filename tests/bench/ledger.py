"""Time and memory of the check of a whole ledger: `python -m tests.bench.ledger --entries 1000000`.

Generates a right ledger of that many entries as an export, and runs the rules over it. Exits with 1 if one does not
match.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from infra.operations.exports import write_export
from infra.operations.ledger_rules import duck_ledger, find_wrong_figures, read_totals
from infra.operations.table_reads import RawItem

ENTRIES_PER_FAN: Final = 50
"""Five purchases, one of them half refunded, the clawback of that, and gifts."""
CREATORS: Final = 1_000
SHARDS: Final = 4
_COINS, _PAID, _GIFT = 2_000, 2_498, 7
_AT: Final = "2026-11-01T00:00:00.000Z"


def items(entries: int) -> Iterator[RawItem]:
    """Generate the items of a right ledger. Every tenth gift is to one popular creator."""
    received: defaultdict[str, int] = defaultdict(int)
    for fan in range(entries // ENTRIES_PER_FAN):
        wallet = f"WALLET#fan-{fan:012}"
        yield from _credits(wallet, fan)
        for number in range(6, ENTRIES_PER_FAN):
            gift = fan * ENTRIES_PER_FAN + number
            creator, lane = f"creator-{gift % CREATORS if number % 10 else 0}", fan % SHARDS
            shard = f"CREATOR#{creator}#{lane}"
            received[shard] += 1
            yield from _gift(wallet, gift, creator, shard, received[shard])
        coins = 5 * _COINS - _COINS // 2 - (ENTRIES_PER_FAN - 6) * _GIFT
        yield _item(wallet, "WALLET", {"coins": coins})
    for shard, count in received.items():
        yield _item(shard, "LANE", {"coins": count * _GIFT, "gifts": count, "sequence": count})


def _credits(wallet: str, fan: int) -> Iterator[RawItem]:
    for number in range(5):
        kept = {"kept_minor": _PAID // 2} if number == 0 else {}
        numbers = {"coins": _COINS, "amount_minor": _PAID, **kept}
        payment = {"payment_intent": f"pi_{fan:020}{number}", "currency": "usd", "bundle_id": "coins_2000"}
        yield _entry(wallet, fan * ENTRIES_PER_FAN + number, "purchase", numbers, announced_at=_AT, **payment)
    about = _id(fan * ENTRIES_PER_FAN)
    clawback = fan * ENTRIES_PER_FAN + 5
    yield _entry(wallet, clawback, "clawback", {"coins": -_COINS // 2}, announced_at=_AT, about=about)


def _gift(wallet: str, gift: int, creator: str, shard: str, sequence: int) -> Iterator[RawItem]:
    lane = int(shard.rpartition("#")[2])
    texts = {"creator_id": creator, "item_id": "rose", "message": "a message of the usual length"}
    yield _entry(wallet, gift, "gift", {"coins": -_GIFT, "lane": lane, "quantity": 1}, **texts)
    numbers = {"coins": _GIFT, "sequence": sequence, "quantity": 1}
    fan = wallet.partition("#")[2]
    yield _item(shard, f"GIFT#{_id(-gift - 1)}", numbers, sender_id=fan, gift_id=_id(gift), posted_at=_AT)


def _entry(wallet: str, number: int, kind: str, numbers: dict[str, int], **texts: str) -> RawItem:
    texts |= {"kind": kind, "status": "posted", "posted_at": _AT, "event_id": _id(-number - 1)}
    return _item(wallet, f"ENTRY#{_id(number)}", numbers, **texts)


def _item(pk: str, sk: str, numbers: dict[str, int], **texts: str) -> RawItem:
    item = {name: {"S": text} for name, text in texts.items()}
    return {"PK": {"S": pk}, "SK": {"S": sk}, **item, **{name: {"N": str(value)} for name, value in numbers.items()}}


def _id(number: int) -> str:
    """Return an id with the length of a UUID. Event ids have the negative numbers."""
    return f"{'e' if number < 0 else '0'}{abs(number):035}"


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args(arguments).entries
    times = [time.monotonic()]
    with tempfile.TemporaryDirectory(prefix="coinpurse-bench-") as directory:
        export = write_export(items(entries), Path(directory), datetime.now(UTC))
        size = sum(path.stat().st_size for path in Path(directory, "data").iterdir()) // 1_000_000
        times.append(time.monotonic())
        with duck_ledger(export) as ledger:
            times.append(time.monotonic())
            findings, totals = find_wrong_figures(ledger), read_totals(ledger)
            times.append(time.monotonic())
    written, loaded, checked = (round(end - begin, 1) for begin, end in pairwise(times))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{totals.entries:,} entries, {export.items:,} items in {size:,} MB of export, written in {written} s")
    print(f"loaded in {loaded} s, checked in {checked} s, at most {peak:,} MiB of memory")
    print(*findings.listed, f"{findings.total} figures do not match", sep="\n")
    return 1 if findings.total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
