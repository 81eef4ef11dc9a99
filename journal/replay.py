"""The rows of a journal, checked against the law: one unbroken chain, every move legal, every unit's moves in line.

Rule: only the rows and the tables are asked. Whether the quick-read tables agree with them is a question for
`journal.audit`, and what they add up to is one for the fold.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fsm.states import INITIAL
from fsm.tables import TABLES
from fsm.transition import Transition
from journal.codec import NOTHING, link


class Problem(NamedTuple):
    """One thing that is not as it must be. `seq` is the row, 0 when it is no single row's fault."""

    seq: int
    message: str


LEGAL = frozenset(
    (str(machine), row.trigger, row.source, row.dest) for machine, rows in TABLES.items() for row in rows
)
"""Every (machine, trigger, source, dest) that the tables allow."""

_INITIAL = {str(machine): str(state) for machine, state in INITIAL.items()}


def verify(rows: Iterable[Transition]) -> Iterator[Problem]:
    """What is wrong with the rows of a whole journal, as stored, in order. Nothing yielded means: nothing is wrong.

    After a bad row the check goes on from what that row says, so that one fault is reported once.
    """
    seq, previous = NOTHING
    epoch = 0
    states: dict[tuple[str, str], tuple[str, str]] = {}
    attempts: dict[tuple[str, str], int] = {}
    for row in rows:
        problem = _broken(row, seq, previous)
        if problem is not None:
            yield problem
            if not _typed(row):
                seq, previous = problem.seq, str(row.hash)
                continue
        seq, previous = row.seq, row.hash
        key = row.run, row.unit
        machine, trigger, source, dest = row.machine, row.trigger, row.source, row.dest
        if (machine, trigger, source, dest) not in LEGAL:
            yield Problem(seq, f"no {machine} goes from {source} to {dest} by {trigger} ({row.unit})")
        known = states.get(key)
        if known is None:
            known = (machine, _INITIAL.get(machine, source))
        if known != (machine, source):
            yield Problem(
                seq, f"{row.unit} was the {known[0]} in state {known[1]}, not the {machine} in {source}"
            )
        states[key] = machine, dest
        if row.epoch < epoch:
            yield Problem(seq, f"epoch {row.epoch} after epoch {epoch}")
        epoch = max(epoch, row.epoch)
        if trigger == "spawn":
            if row.attempt <= attempts.get(key, 0):
                yield Problem(seq, f"attempt {row.attempt} of {row.unit} was spawned before")
            attempts[key] = row.attempt


def chained(rows: Iterable[Transition], head: tuple[int, str] = NOTHING) -> Iterator[Problem]:
    """What is wrong with the chain alone, for rows that follow `head` (sequence number and hash)."""
    seq, previous = head
    for row in rows:
        problem = _broken(row, seq, previous)
        seq, previous = row.seq, row.hash
        if problem is not None:
            yield problem
            seq = problem.seq


def _broken(row: Transition, seq: int, previous: str) -> Problem | None:
    if row.seq != seq + 1:
        number = row.seq if _typed(row) else seq + 1
        return Problem(number, f"row {row.seq} follows row {seq}")
    try:
        if row.hash == link(previous, row):
            return None
    except (TypeError, UnicodeEncodeError):
        return Problem(row.seq, "a column is not of the type it has to be")
    return Problem(row.seq, "the chain is broken: this row or the one before was changed")


def _typed(row: Transition) -> bool:
    """A damaged page can hold anything; a row in the chain can not, because its hash was taken over the right types."""
    return all(isinstance(value, kind) for value, kind in zip(row, _TYPES, strict=True))


_TYPES = (int, str, int, int, str, str, str, str, str, int, str, str)
