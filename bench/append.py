"""A transition made durable, against the bare INSERT and COMMIT of the same row under the same settings.

What ours adds is the hash, the compare-and-append, the quick-read tables with their counters, and the watch over files.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from bench.compare import Bench, Figures, Row, Side, at_most, number
from bench.plans import AT, history, plan
from fsm.engine import seeds
from fsm.plan import dump
from fsm.sprint import Sprint
from fsm.transition import Transition
from journal.codec import seal
from journal.connection import PRIMED
from journal.schema import FORMAT_1
from journal.store import SqliteJournal

_LEAVES = 2_000
_LONE = 1.5
_RATE = 60_000


def measure(bench: Bench) -> Iterator[Row]:
    """A row alone, and rows by the hundred."""
    for batch, count in ((1, bench.pick(600, 60)), (100, bench.pick(20_000, 2_000))):
        bench.say(f"{count} rows, {batch} to a commit")
        sides: dict[str, Side] = {
            name: bench.side("append", side=name, batch=batch, count=count) for name in ("ours", "bare")
        }
        found = bench.alternate(sides, rounds=7, seconds=8, disk=True)
        ratio = found.ratio("ours", "bare", "seconds")
        ours, bare = found.of("ours", "seconds"), found.of("bare", "seconds")
        if batch == 1:
            yield Row(
                measure="append",
                what="a durable transition alone",
                ours=_us(ours.middle),
                against=f"bare INSERT and COMMIT {_us(bare.middle)}",
                ratio=ratio,
                target=f"≤ {_LONE} ×",
                met=at_most(ratio, _LONE) if found.sound else None,
            )
            cpu = found.of("ours", "cpu").middle, found.of("bare", "cpu").middle
            yield Row(
                measure="append",
                what="CPU of it",
                ours=_us(cpu[0]),
                against=f"bare {_us(cpu[1])}",
                ratio=found.ratio("ours", "bare", "cpu"),
            )
        else:
            yield Row(
                measure="append",
                what=f"transitions in batches of {batch}",
                ours=f"{number(1 / ours.middle)}/s",
                against=f"bare {number(1 / bare.middle)}/s",
                ratio=ratio,
                target=f"≥ {_RATE:,}/s",
                met=1 / ours.middle >= _RATE or (False if found.fast else None),
            )


def _us(seconds: float) -> str:
    return f"{number(seconds * 1e6)} µs"


def inside(folder: str, side: str, batch: int, count: int) -> Figures:
    """Seconds and CPU seconds per row."""
    rows = list(islice(history(_LEAVES, 1 + count // (3 * _LEAVES)), count))
    path = Path(folder) / "journal.db"
    wall, cpu = _ours(path, rows, batch) if side == "ours" else _bare(path, rows, batch)
    return {"seconds": wall / count, "cpu": cpu / count}


def _ours(path: Path, rows: list[Transition], batch: int) -> tuple[float, float]:
    with SqliteJournal.open(path) as journal:
        sprint = Sprint("bench", journal.text)
        digest = journal.keep(dump(plan(_LEAVES)))
        amend = Transition(
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
        sprint.apply(journal.append(amend))
        journal.seed("bench", seeds(sprint))
        journal.commit()
        begin, cpu = time.perf_counter(), time.process_time()
        for chunk in _chunks(rows, batch):
            for row in chunk:
                journal.append(row)
            journal.commit()
        return time.perf_counter() - begin, time.process_time() - cpu


def _bare(path: Path, rows: list[Transition], batch: int) -> tuple[float, float]:
    """The same rows into a table like ours, through the standard library alone."""
    sealed = []
    last = ""
    for row in rows:
        sealed.append(seal(last, row))
        last = sealed[-1].hash
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        connection.execute(FORMAT_1[0])
        connection.execute("CREATE TABLE filler (x)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", [PRIMED + (1 << 20)])
        connection.execute("ROLLBACK")
        cursor = connection.cursor()
        begin, cpu = time.perf_counter(), time.process_time()
        for chunk in _chunks(sealed, batch):
            cursor.execute("BEGIN IMMEDIATE")
            for row in chunk:
                cursor.execute("INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            cursor.execute("COMMIT")
        return time.perf_counter() - begin, time.process_time() - cpu


def _chunks(rows: Iterable[Transition], size: int) -> Iterator[list[Transition]]:
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk
