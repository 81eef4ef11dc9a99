"""What must hold of a sprint after whatever was done to it: the journal against the ledger that its tasks kept.

The judge knows the product by its journal's tables alone. Each violation is a sentence; none is what everybody wants.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

Attempt = tuple[str, int]
"""Unit path and number."""

_SETTLED = {"completed"}


@dataclass(slots=True, kw_only=True)
class Harm:
    """What was done that may change how an attempt ends."""

    children: set[Attempt] = field(default_factory=set)
    """Attempts of which a process was killed that may have been the task itself."""
    shims: set[str] = field(default_factory=set)
    """Attempt directories (`<name>.<number>`) whose shim was killed."""
    cut: bool = False
    """The power was cut, so what ran may be lost."""
    stopped: bool = False
    """Somebody said `stop`, so what ran may have been ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the journal, as it is stored."""

    seq: int
    epoch: int
    unit: str
    trigger: str
    attempt: int
    facts: Mapping[str, object]
    hash: str

    @property
    def key(self) -> Attempt:
        return self.unit, self.attempt


def rows_of(journal: Path) -> list[Row]:
    """Every row, read as anybody with SQLite would; none of a journal whose making did not get that far."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        try:
            if reader.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                return []
        except sqlite3.OperationalError as error:
            # Killed while its first page was written, before it was a journal with a WAL: who may only read cannot undo
            # that, and the next supervisor will.
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
                return []
            raise
        found = reader.execute(
            'SELECT seq, epoch, unit, "trigger", attempt, facts, hash FROM transitions ORDER BY seq'
        ).fetchall()
    return [
        Row(
            seq=seq,
            epoch=epoch,
            unit=unit,
            trigger=trigger,
            attempt=attempt,
            facts=json.loads(facts) if facts else {},
            hash=digest,
        )
        for seq, epoch, unit, trigger, attempt, facts, digest in found
    ]


def states_of(journal: Path) -> dict[str, str]:
    """Every unit's state, from the table for quick readers."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        return dict(reader.execute("SELECT path, state FROM units"))


def lines_of(ledger: Path) -> list[list[str]]:
    """The ledger in words; what a cut-off last line says is not counted."""
    if not ledger.exists():
        return []
    return [line.split() for line in ledger.read_text(encoding="utf-8").split("\n")[:-1]]


def violations(
    rows: Sequence[Row],
    ledger: Sequence[Sequence[str]],
    harm: Harm,
    acknowledged: Sequence[tuple[int, str]] = (),
) -> list[str]:
    """All that is wrong, at any moment between two lives of the supervisor."""
    return [
        *_record(rows, acknowledged),
        *_deeds(rows, ledger),
        *_ends(rows, ledger, harm),
    ]


def unfinished(states: Mapping[str, str], rows: Sequence[Row], ledger: Sequence[Sequence[str]]) -> list[str]:
    """What is not as a sprint that has ended well has to be, however it got there."""
    problems = [
        f"{path} is {state}"
        for path, state in states.items()
        if state not in _SETTLED and not (state == "pending" and path.endswith("#fix"))
    ]
    ok = {line[1] for line in ledger if line[0] == "end" and line[3] == "0"}
    began = {line[1] for line in ledger if line[0] == "begin"}
    problems += [f"{path} never left with 0" for path in sorted(began - ok)]
    over = {row.key for row in rows if row.trigger in _OVER}
    problems += [
        f"{row.key} has no outcome"
        for row in rows
        if row.trigger == "start" and row.attempt and row.key not in over
    ]
    return problems


_OVER = {"succeed", "fail", "cancel", "abort"}
_TELLING = {*_OVER, "verify"}


def _record(rows: Sequence[Row], acknowledged: Sequence[tuple[int, str]]) -> Iterator[str]:
    if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
        yield "the rows are not numbered 1, 2, 3, …"
    for before, row in pairwise(rows):
        if row.epoch < before.epoch:
            yield f"row {row.seq} is of epoch {row.epoch}, after one of {before.epoch}"
    hashes = {row.seq: row.hash for row in rows}
    for seq, digest in acknowledged:
        if hashes.get(seq) != digest:
            yield f"row {seq} was shown to a reader, and is {'another' if seq in hashes else 'lost'}"


def _deeds(rows: Sequence[Row], ledger: Sequence[Sequence[str]]) -> Iterator[str]:
    """What really ran, and whether it was allowed to."""
    began = Counter((line[1], int(line[2])) for line in ledger if line[0] == "begin")
    allowed = {row.key for row in rows if row.trigger == "start"}
    aborted = {row.key for row in rows if row.trigger == "abort"}
    for key, times in began.items():
        if times > 1:
            yield f"{key} ran {times} times"
        if key not in allowed:
            yield f"{key} ran and has no start row"
        if key in aborted:
            yield f"{key} ran and is recorded as one that never did"
    for line in ledger:
        if line[0] == "overlap":
            yield f"{line[1]} ran twice at a time, by its attempt {line[2]}"
    spawned = Counter(row.key for row in rows if row.trigger == "spawn")
    yield from (f"{key} was spawned {times} times" for key, times in spawned.items() if times > 1)


def _ends(rows: Sequence[Row], ledger: Sequence[Sequence[str]], harm: Harm) -> Iterator[str]:
    """What is recorded of how attempts ended, against what they wrote down and what was done to them."""
    began = {(line[1], int(line[2])) for line in ledger if line[0] == "begin"}
    left = {(line[1], int(line[2])): int(line[3]) for line in ledger if line[0] == "end"}
    places = {
        row.key: f"{row.facts['name']}.{row.attempt}"
        for row in rows
        if row.trigger == "spawn" and "name" in row.facts
    }
    lost = {row.key for row in rows if row.trigger == "fail" and row.facts.get("verdict") == "lost"}
    for row in rows:
        if row.trigger not in _TELLING:
            continue
        key, facts = row.key, row.facts
        bereft = places.get(key) in harm.shims
        if key in lost:
            if "code" in facts or "signal" in facts:
                yield f"{key} is lost, and a code was invented for it: {dict(facts)}"
            if not (bereft or harm.cut):
                yield f"{key} is recorded as lost, though nobody killed its shim"
        elif "signal" in facts:
            if not (key in harm.children or bereft or harm.stopped):
                yield f"{key} is recorded as killed, and nobody killed it: {dict(facts)}"
        elif "code" in facts and facts["code"] != left.get(key):
            # A task killed while `stop` was being obeyed may leave by a code of its own, and does not say so.
            if (
                key in began
                and key not in left
                and harm.stopped
                and row.facts.get("verdict") == "interrupted"
            ):
                continue
            yield f"{key} is recorded with {facts['code']}, and left with {left.get(key)}"
