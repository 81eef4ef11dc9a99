"""Reading a history back: the fold against the bare moves through `transitions`, and the whole check of a journal.

The bare moves find each row's unit and move it by machines as `transitions` comes, which is the least that it costs
whoever uses it as it is.
"""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import transitions

from bench.compare import Bench, Figures, Row, at_most, number, spread
from bench.plans import AT, history, plan
from bench.process import resident
from fsm.engine import seeds
from fsm.plan import dump
from fsm.sprint import Sprint, fold
from fsm.states import INITIAL, Machine
from fsm.tables import STATES, TABLES
from fsm.transition import Transition
from fsm.unit import Unit
from fsm_sprint.wiring import kept
from journal.audit import audit
from journal.reader import open_reader
from journal.store import SqliteJournal

_LIMIT = 1.8
_RATE = 60_000
_START = 1.5
_MEMORY = 400e6
_LEAVES = 4_000


def measure(bench: Bench) -> Iterator[Row]:
    """The fold, the check, and the memory that both take for a million rows."""
    count = bench.pick(100_000, 10_000)
    bench.say(f"fold of {count:,} rows")
    sides = {side: bench.side("fold", side=side, rows=count) for side in ("fold", "bare")}
    found = bench.alternate(sides, rounds=7, seconds=10)
    ratio = found.ratio("fold", "bare", "seconds")
    yield Row(
        measure="fold",
        what=f"fold of {count:,} rows",
        ours=_rate(found.of("fold", "seconds").middle),
        against=f"bare moves {_rate(found.of('bare', 'seconds').middle)}",
        ratio=ratio,
        target=f"≤ {_LIMIT} ×",
        met=at_most(ratio, _LIMIT),
    )
    bench.say(f"a supervisor's start on {count:,} rows")
    begun = bench.scratch.fresh()
    bench.inside("fold", folder=str(begun), side="write", rows=count)
    starts = [bench.inside("fold", folder=str(begun), side="start", rows=count) for _ in range(3)]
    clock, start = min(one["clock"] for one in starts), min(one["seconds"] for one in starts) * count
    bare = found.of("bare", "seconds").times(count)
    yield Row(
        measure="fold",
        what=f"a supervisor's start: pages, chain, legality and fold of {count:,} rows",
        ours=f"{start:.2f} s, by the clock {clock:.2f} s",
        against=f"bare moves {bare.middle:.2f} s",
        ratio=spread([start / bare.most, start / bare.middle, start / bare.least]),
        target=f"≤ {_START} s",
        met=start <= _START if count >= 100_000 else None,
    )
    large = bench.pick(1_000_000, 20_000)
    bench.say(f"a journal of {large:,} rows, checked and folded")
    folder = bench.scratch.fresh()
    bench.inside("fold", folder=str(folder), side="write", rows=large)
    audited = bench.inside("fold", folder=str(folder), side="audit", rows=large)
    folded = bench.inside("fold", folder=str(folder), side="start", rows=large)
    rate = 1 / audited["seconds"]
    yield Row(
        measure="fold",
        what=f"`verify` with chain, {large:,} rows",
        ours=f"{number(rate)}/s",
        target=f"≥ {_RATE:,}/s",
        met=rate >= _RATE,
    )
    yield Row(
        measure="fold",
        what=f"a supervisor's start, {large:,} rows",
        ours=_rate(folded["seconds"]),
    )
    for name, figures in (("`verify`", audited), ("fold", folded)):
        yield Row(
            measure="fold",
            what=f"memory of {name}, {large:,} rows",
            ours=f"{figures['resident'] / 1e6:.0f} MB",
            target=f"< {_MEMORY / 1e6:.0f} MB",
            met=figures["resident"] < _MEMORY if large >= 1_000_000 else None,
        )


def _rate(seconds: float) -> str:
    return f"{number(1 / seconds)}/s"


def inside(folder: str, side: str, rows: int) -> Figures:
    """CPU seconds per row; for what reads from disk, the most memory in bytes too."""
    path = Path(folder) / "journal.db"
    if side == "write":
        return _write(path, rows)
    if side == "audit":
        begin = time.process_time()
        with open_reader(path) as reader:
            problems = list(audit(reader))
        assert problems == [], problems[:3]
        return {"seconds": (time.process_time() - begin) / rows, "resident": resident()}
    if side == "start":
        clock, begin = time.perf_counter(), time.process_time()
        with SqliteJournal.open(path, chain=False) as journal, kept():
            assert fold(journal.latest(), "bench", journal.text).seq >= rows
        return {
            "seconds": (time.process_time() - begin) / rows,
            "clock": time.perf_counter() - clock,
            "resident": resident(),
        }
    what = dump(plan(_LEAVES))
    found = [_amend("x"), *islice(history(_LEAVES, _attempts(rows, _LEAVES)), rows - 1)]
    units = {"#sprint": Unit("#sprint", Machine.SPRINT, INITIAL[Machine.SPRINT])}
    for row in found:
        if row.unit not in units:
            units[row.unit] = Unit(row.unit, row.machine, INITIAL[Machine(row.machine)])
    begin = time.process_time()
    if side == "bare":
        events = {name: _as_it_comes(name) for name in TABLES}
        begin = time.process_time()
        for row in found:
            events[row.machine][row.trigger](units[row.unit])
        return {"seconds": (time.process_time() - begin) / rows}
    sprint = Sprint("bench", lambda _: what)
    sprint.apply(found[0])
    begin = time.process_time()
    for row in found[1:]:
        sprint.apply(row)
    return {"seconds": (time.process_time() - begin) / rows}


def _as_it_comes(name: str) -> dict[str, Callable[..., bool]]:
    machine = transitions.Machine(
        model=None, states=list(STATES[name]), initial=str(INITIAL[Machine(name)]), auto_transitions=False
    )
    for row in TABLES[name]:
        machine.add_transition(row.trigger, row.source, row.dest)
    return {trigger: event.trigger for trigger, event in machine.events.items()}


def _write(path: Path, rows: int) -> Figures:
    leaves = max(4, rows // 20)
    begin = time.process_time()
    with SqliteJournal.open(path) as journal:
        sprint = Sprint("bench", journal.text)
        sprint.apply(journal.append(_amend(journal.keep(dump(plan(leaves))))))
        journal.seed("bench", seeds(sprint))
        for row in islice(history(leaves, _attempts(rows, leaves)), rows - 1):
            journal.append(row)
            if row.seq % 10_000 == 0:
                journal.commit()
        journal.commit()
    return {"seconds": (time.process_time() - begin) / rows}


def _amend(digest: str) -> Transition:
    return Transition(
        1,
        "bench",
        1,
        AT,
        "#sprint",
        "sprint",
        "amend",
        "not-started",
        "not-started",
        0,
        f'{{"plan":"{digest}"}}',
    )


def _attempts(rows: int, leaves: int) -> int:
    """How often each leaf has to be tried so that a history is at least so long: an attempt has three or four rows."""
    return rows // (3 * leaves) + 2
