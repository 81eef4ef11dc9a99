"""What a task costs in a plan of 20,000 leaves, against the same in a plan of 20: it has to be the same.

With instantaneous tasks everything but the engine and the journal is gone, so whatever grows with the plan shows. The
core alone is measured in CPU time, the rest by the wall clock.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.compare import Bench, Figures, Row, Side, at_most, number
from bench.engines import Local, scripted
from bench.plans import plan
from fsm.engine import Engine
from journal.memory import MemoryJournal
from journal.store import SqliteJournal

_LIMIT = 1.2
_SMALL = 20


def measure(bench: Bench) -> Iterator[Row]:
    """The core alone in every shape of plan, then over the journal on disk, then with real processes."""
    large = bench.pick(20_000, 4_000)
    cases = [
        ("core, steps of four", "steps", "memory", large),
        ("core, all in one parallel group", "beside", "memory", large),
        ("core, all in the background", "background", "memory", large),
        ("with the journal on disk", "steps", "disk", bench.pick(1_000, 200)),
        ("with real processes, -j2", "beside", "processes", bench.pick(100, 40)),
    ]
    for what, shape, under, tasks in cases:
        bench.say(f"{what}: {tasks} tasks in plans of {_SMALL} and of {large}")
        sides: dict[str, Side] = {
            side: bench.side("flat", shape=shape, under=under, leaves=leaves, tasks=tasks)
            for side, leaves in (("large", large), ("small", _SMALL))
        }
        found = bench.alternate(
            sides, rounds=5, seconds=20 if under == "processes" else 7, disk=under != "memory"
        )
        ratio = found.ratio("large", "small", "seconds")
        yield Row(
            measure="flat",
            what=f"a task of {large:,} leaves, {what}",
            ours=_us(found.of("large", "seconds").middle),
            against=f"of {_SMALL} leaves {_us(found.of('small', 'seconds').middle)}",
            ratio=ratio,
            target=f"≤ {_LIMIT} ×",
            met=at_most(ratio, _LIMIT) if found.sound else None,
        )


def _us(seconds: float) -> str:
    return f"{number(seconds * 1e6)} µs"


def inside(folder: str, shape: str, under: str, leaves: int, tasks: int) -> Figures:
    """Seconds per task, over `tasks` tasks in as many plans of `leaves` as that takes."""
    what = plan(leaves, shape)
    runs, each = max(1, tasks // leaves), min(leaves, tasks)
    taken = 0.0
    if under == "processes":
        for number_ in range(runs):
            local = Local(Path(folder) / str(number_), 2, what, until=each)
            taken += _timed(local.engine, each, time.perf_counter)
            local.close()
        return {"seconds": taken / (runs * each)}
    journal = MemoryJournal() if under == "memory" else SqliteJournal.open(Path(folder) / "journal.db")
    for number_ in range(runs):
        if under == "memory":
            journal = MemoryJournal()
        engine = scripted(journal, what, run=f"run-{number_}", until=each)
        taken += _timed(engine, each, time.process_time if under == "memory" else time.perf_counter)
    return {"seconds": taken / (runs * each)}


def _timed(engine: Engine, tasks: int, clock: Callable[[], float]) -> float:
    begin = clock()
    engine.run()
    seconds = clock() - begin
    ended = sum(unit.state == "completed" and unit.machine == "task" for unit in engine.sprint.order)
    assert ended >= tasks, f"{ended} of {tasks} tasks have ended"
    return seconds
