"""Bugs in the background workers and in what the relay notes for them."""

from typing import Final

from tests.faults.planted.bug import Bug

_RELAY: Final = "chalicelib/usecases/relay.py"
_SWEEP: Final = "chalicelib/usecases/recovery.py"

IN_WORKERS: Final = [
    Bug(
        "the sweep moves on past what it left",
        _SWEEP,
        "        if len(failed) == len(lines) and lines[-1].place > walk.patient_from:\n",
        "        if not lines:\n",
        ("tests/usecases/test_sweep.py",),
    ),
    Bug(
        "received is taken for told",
        "chalicelib/adapters/dynamodb/journal.py",
        "    return is_noted or not row.received_by or relay_run_key(row.received_by) in finished\n",
        "    return is_noted or not row.received_by or finished is not None\n",
        ("tests/adapters/test_journal.py", "-k", "table"),
    ),
    Bug(
        "a run that left a gift over says that it published everything",
        _RELAY,
        "        is_whole = own and all(record.record_id in self.done for record in records)\n",
        "        is_whole = bool(own)\n",
        ("tests/usecases/test_relay_notes.py",),
    ),
    Bug(
        "credits behind a failure are published at each try",
        _RELAY,
        "                if self.may_be_repeat(record):\n",
        "                if self.may_be_repeat(record) and not record.record_id:\n",
        ("tests/faults/test_relay_repeats.py",),
    ),
    Bug(
        "the relay begins calls until its time-out",
        _RELAY,
        "        if self.services.clock.now() >= self.until:\n",
        "        if self.services.clock.now() > self.until + 9 * POST_TIME:\n",
        ("tests/usecases/test_relay_parallel.py",),
    ),
    Bug(
        "reminders have all the time of the relay",
        "chalicelib/usecases/reminders.py",
        "            if services.clock.now() >= until:\n",
        "            if services.clock.now() >= until + 9 * RUN_TIME:\n",
        ("tests/usecases/test_relay_parallel.py",),
    ),
    Bug(
        "a second try comes before its entries are old",
        _RELAY,
        "        clock.wait_until(min(max(young) + FIRST_TRY, began + WAIT_TIME))\n",
        "        clock.wait_until(now)\n",
        ("tests/faults/test_relay_repeats.py",),
    ),
    Bug(
        "a run without its lease moves the position",
        "chalicelib/adapters/dynamodb/work.py",
        "row.update([WorkRow.at.set(to)], _has(lease) & is_there)",
        "row.update([WorkRow.at.set(to)], is_there)",
        ("tests/adapters/test_work.py", "-k", "table"),
    ),
    Bug(
        "an entry that fails alone holds up the others",
        _SWEEP,
        '            turn.park(name, _REPEAT if walk.is_repeat else "not_relayed")\n        return True\n',
        "            turn.carry_over()\n        return not failed\n",
        ("tests/usecases/test_sweep.py",),
    ),
]
