"""A run as a tree of lines: what moves is shown one by one, what does not is folded to a line with its number.

Rule: a line costs what is open, not what the plan holds, and no more lines are made than there is room for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from fsm.sprint import Sprint
from fsm.states import ENDED_WELL, LIVE, GroupState, Machine, TaskState
from fsm.unit import Unit, below
from fsm_sprint.report.doing import Doings
from fsm_sprint.report.ending import ending, took
from fsm_sprint.report.sentences import waited
from fsm_sprint.report.spent import of
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import local, span, watch

_ALIKE = 3
"""Neighbours in the same state that are folded to one line, from this number on."""


class Branch(NamedTuple):
    """One line of the tree."""

    depth: int
    name: str
    state: str
    said: str
    hot: bool
    """Whether something moves there or has failed: shown before all that does not."""


def branches(sprint: Sprint, doings: Doings, now: int, room: int) -> list[Branch]:
    """The lines, in plan order, at most `room`; `now` is wall time in ms."""
    return _fitted(list(_Tree(sprint, doings, now).lines()), room)


class _Tree:
    def __init__(self, sprint: Sprint, doings: Doings, now: int) -> None:
        self._sprint = sprint
        self._doings = doings
        self._now = now
        self._open = set(self._opened())

    def _opened(self) -> Iterator[str]:
        """Everything above what moves or has failed, and that itself."""
        for units in (self._sprint.live, self._sprint.waiting, self._sprint.failed):
            for unit in units.values():
                at: Unit | None = unit
                while at is not None:
                    yield at.path
                    at = at.parent or at.owner

    def lines(self) -> Iterator[Branch]:
        yield from self._below(self._sprint.root, 0)

    def _below(self, above: Unit, depth: int) -> Iterator[Branch]:
        shown = (unit for unit in above.children if unit.leaf is None or unit.path in self._open)
        for (state, hot), found in groupby(shown, self._kind):
            units = list(found)
            if hot or len(units) < _ALIKE:
                for unit in units:
                    yield from self._unit(unit, depth, hot=hot)
            else:
                name = f"{_name(units[0])} … {_name(units[-1])}"
                yield Branch(depth, name, state, f"{len(units)} {state}", hot=False)

    def _kind(self, unit: Unit) -> tuple[str, bool]:
        return unit.state, unit.path in self._open or unit.state == GroupState.IN_PROGRESS

    def _unit(self, unit: Unit, depth: int, *, hot: bool) -> Iterator[Branch]:
        if unit.machine == Machine.TASK:
            yield Branch(depth, _name(unit), unit.state, self._task(unit), hot)
            return
        yield Branch(depth, _name(unit), unit.state, self._group(unit, hot=hot), hot)
        if hot:
            yield from self._below(unit, depth + 1)
            for helper in (unit.gate, unit.fix):
                if helper is not None and helper.path in self._open:
                    name = helper.path.rpartition("#")[2]
                    yield Branch(depth + 1, name, helper.state, self._task(helper), hot=True)

    def _group(self, unit: Unit, *, hot: bool) -> str:
        if unit.state == GroupState.WAITING:
            return self._waits(unit)
        states = (
            Counter(leaf.state for leaf in below(unit) if leaf.leaf is None)
            if hot or unit.state != "pending"
            else Counter()
        )
        every = sum(states.values())
        if not every:
            return str(unit.state)
        done = sum(states[state] for state in ENDED_WELL)
        return f"{unit.state}, {done} of {every} done" if done < every or hot else str(unit.state)

    def _task(self, unit: Unit) -> str:
        """What there is to say of a task: what it does, until when it waits, how it ended."""
        if unit.state in LIVE:
            began = unit.started if unit.state == TaskState.RUNNING else unit.moved
            since = watch(self._now - began.at) if began is not None else ""
            again = f"attempt {unit.attempt}" if unit.attempt > 1 else ""
            state = "" if unit.state == TaskState.RUNNING else unit.state
            price = str(of(self._doings.writer(unit)))
            return "  ".join(part for part in (since, state, again, price, self._doings.of(unit)) if part)
        if unit.state == TaskState.WAITING:
            return self._waits(unit)
        ended = unit.ended
        if ended is None or unit.state != ended.dest:
            return str(unit.state)
        facts = ended.decoded()
        if unit.state == TaskState.FAILED:
            why = ending(facts)
            return f"failed: {why}" if why else "failed"
        time = took(facts, unit.started.at if unit.started is not None else None, ended.at)
        return f"{unit.state}{f' after {time}' if time and unit.attempt else ''}"

    def _waits(self, unit: Unit) -> str:
        facts = unit.moved.decoded() if unit.moved is not None else {}
        until = due(unit)
        if until is None:
            return f"waits until somebody answers: {waited(facts)}"
        left = min(max(0, until - self._now), int(facts.get("delay", until)))
        return f"waits until {local(until, self._now)}, in {span(left)}: {waited(facts)}"


def due(unit: Unit) -> int | None:
    """Wall time in ms until which a unit waits; None when it does not, or waits for somebody."""
    if unit.state != TaskState.WAITING or unit.moved is None:
        return None
    until = unit.moved.decoded().get("until")
    return until if isinstance(until, int) else None


def _name(unit: Unit) -> str:
    return line(unit.path.rpartition("/")[2]) + (" &" if unit.background else "")


def _fitted(lines: Sequence[Branch], room: int) -> list[Branch]:
    """What is hot first, then the rest from above; what is left out is counted."""
    if len(lines) <= room:
        return list(lines)
    order = sorted(range(len(lines)), key=lambda place: (not lines[place].hot, place))
    kept = sorted(order[: max(0, room - 1)])
    return [
        *(lines[place] for place in kept),
        Branch(0, "", "", f"and {len(lines) - len(kept)} lines more", hot=False),
    ]
