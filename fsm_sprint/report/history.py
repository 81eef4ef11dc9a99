"""A run from its first row to its last, or to an earlier moment: every row in words, what they add up to, the state.

Rule: only the journal is asked, and the state is its fold. Rows are read and told a page at a time.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fsm.errors import SprintError
from fsm.plan import Plan
from fsm.sprint import Sprint
from fsm.states import AT_REST, LIVE, Machine, TaskState
from fsm.transition import SPRINT_UNIT, Transition
from fsm.unit import Unit
from fsm_sprint.report.audit import pages
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.document import Document
from fsm_sprint.report.story import Narrator, Told, adoptions
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import iso
from journal.errors import JournalDamaged
from journal.reader import Reader


class NoSuchMoment(SprintError):
    """A run or a moment that the journal does not have."""


class History:
    """One run, told once by `tell`; afterwards `sprint`, `state` and `summary` are of the moment it was told to."""

    def __init__(self, reader: Reader, run: str, last: int | None = None) -> None:
        """`last` is the row to stop after; None for all that there are."""
        self._reader = reader
        self.run = run
        self.last = last if last is not None else reader.head()[0]
        self.sprint = Sprint(run, reader.text)
        self._sum = _Sum()

    def tell(self) -> Iterator[Told]:
        """Every row in words, in order, each applied before it is told. JournalDamaged at one that does not fit."""
        narrator = Narrator(adopted=adoptions(pages(self._reader, self.run, self.last)))
        for row in pages(self._reader, self.run, self.last):
            try:
                self.sprint.apply(row)
                narrator.name = line(self.sprint.plan.sprint_id) or "sprint"
                self._sum.add(row)
                told = narrator.tell(row)
            except (SprintError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise JournalDamaged(
                    f"the journal cannot be replayed past row {row.seq - 1}: {error}",
                    hint="`fsm-sprint verify` says all that is wrong with it",
                ) from error
            yield told

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self.sprint.plan

    def state(self) -> Document:
        """Where everything stood then."""
        sprint, counts = self.sprint, Counts(self.sprint)
        return {
            "sprint": sprint.state,
            "at": iso(sprint.at),
            "seq": sprint.seq,
            "tasks": {"all": counts.all, **{str(state): counts.states[state] for state in TaskState}},
            "units": [_unit(unit) for unit in sprint.order],
        }

    def summary(self) -> Document:
        """What it added up to until then."""
        sprint, found = self.sprint, self._sum
        began, end = (
            found.first,
            sprint.at if sprint.state not in AT_REST or sprint.rested is None else sprint.rested.at,
        )
        return {
            "wall_ms": max(0, end - began) if began is not None else 0,
            "tasks": Counts(sprint).all,
            "done": Counts(sprint).done,
            "attempts": found.triggers["start"],
            "failures": found.failures,
            "interrupted": found.interrupted,
            "aborted": found.triggers["abort"],
            "adopted": found.triggers["adopt"],
            "supervisors": found.supervisors,
            "crashes": found.crashes,
        }


class _Sum:
    """What is counted of rows as they pass."""

    def __init__(self) -> None:
        self.triggers: Counter[str] = Counter()
        self.first: int | None = None
        self.failures = self.interrupted = self.supervisors = self.crashes = 0
        self._alive: set[str] = set()
        self._state = ""
        self._passing = False

    def add(self, row: Transition) -> None:
        if self.first is None:
            self.first = row.at
        if row.machine == Machine.TASK:
            self.triggers[row.trigger] += 1
            (self._alive.add if row.dest in LIVE else self._alive.discard)(row.unit)
            if row.trigger == "fail" and row.source != TaskState.VERIFYING:  # else its gate's attempt failed
                interrupted = row.decoded().get("verdict") == "interrupted"
                self.interrupted += interrupted
                self.failures += not interrupted
        elif row.unit == SPRINT_UNIT:
            if row.trigger == "lease":
                # A supervisor that ended in order leaves nothing alive, and the sprint at rest, unless it came only to
                # do what was asked.
                cut_off = self._state not in AT_REST and not self._passing
                self.crashes += self.supervisors > 0 and (bool(self._alive) or cut_off)
                self._passing = bool(row.decoded().get("passing"))
                self.supervisors += 1
            self._state = row.dest


def rows_of(told: Told) -> Document:
    """A row as `replay --json` gives it."""
    row = told.row
    return {
        "seq": row.seq,
        "at": iso(row.at),
        "epoch": row.epoch,
        "unit": row.unit,
        "machine": row.machine,
        "trigger": row.trigger,
        "source": row.source,
        "dest": row.dest,
        "attempt": row.attempt,
        "facts": row.decoded(),
        "hash": row.hash,
        "text": told.text,
    }


def run_named(reader: Reader, wanted: str | None) -> str:
    """The run that is meant: the latest, or one by the beginning of its id. NoSuchMoment says which there are."""
    if wanted is None:
        latest = reader.latest_run()
        if latest is None:
            raise NoSuchMoment("the journal is empty", hint="`fsm-sprint run` begins")
        return latest
    runs = reader.runs()
    found = [wanted] if wanted in runs else [run for run in runs if run.startswith(wanted)]
    if len(found) != 1:
        what = "is the beginning of several runs" if found else "is no run of this journal"
        raise NoSuchMoment(f"{line(wanted)!r} {what}", hint=f"there are {', '.join(map(line, runs))}")
    return found[0]


def row_at(reader: Reader, run: str, moment: int) -> int:
    """The last row of a run before anything happened later than `moment` (wall ms). NoSuchMoment before its first."""
    last = 0
    for row in pages(reader, run):
        if row.at > moment:
            break
        last = row.seq
    if not last:
        raise NoSuchMoment(
            "nothing of this run had happened then", hint="`fsm-sprint replay` shows when it began"
        )
    return last


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "unit": unit.path,
        "machine": str(unit.machine),
        "state": str(unit.state),
        "attempt": unit.attempt,
        "tries": unit.tries,
        "background": unit.background,
    }
