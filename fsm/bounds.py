"""What ends each state: for every state of every machine, what it waits for, and the triggers by which it is left.

Rule: a state without a bound or a named thing to wait for does not exist. The table is held against `fsm.tables` in
both directions, so a new row, or a new state, is one that somebody has to answer for here.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fsm.states import (
    ENDED,
    INITIAL,
    LIVE,
    GroupState,
    Machine,
    NoticeState,
    SprintState,
    TaskState,
    WorktreeState,
)
from fsm.tables import Row

Tables = Mapping[str, Sequence[Row]]


class Finding(NamedTuple):
    """A law that does not hold: where, and the shortest way there as steps that can be read."""

    law: str
    what: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        steps = "".join(f"\n  {number}. {step}" for number, step in enumerate(self.path, 1))
        return f"{self.law}: {self.what}{steps}"


class Bound(NamedTuple):
    """What ends a state: `by` are the triggers by which it is left without a person."""

    what: str
    by: tuple[str, ...] = ()


PEOPLE: dict[str, frozenset[str]] = {
    Machine.TASK: frozenset({"skip", "cancel", "retry", "stop"}),
    Machine.GROUP: frozenset({"skip", "cancel", "retry", "reopen"}),
    Machine.SPRINT: frozenset({"pause", "cancel", "resume", "retry"}),
    Machine.WORKTREE: frozenset({"create", "merge", "remove"}),
    Machine.NOTICE: frozenset({"retry"}),
}
"""Triggers that somebody asks for, by a command or in the sprint's file."""

_OVER = "nothing: it is an end, which only a person's `retry` or `reopen` leaves"

BOUNDS: dict[str, dict[str, Bound]] = {
    Machine.TASK: {
        TaskState.PENDING: Bound(
            "its turn: order, dependencies, sync points, limits and slots, as `explain` tells; then it is spawned",
            ("spawn", "verify", "delay"),
        ),
        TaskState.SPAWNED: Bound(
            "its shim, which reports that it is ready or is seen to have died; the next supervisor aborts it",
            ("start", "abort"),
        ),
        TaskState.RUNNING: Bound(
            "its process: `timeout` and `idle-timeout`, held by its shim; `check` names the tasks that have neither",
            ("succeed", "verify", "fail", "abort"),
        ),
        TaskState.VERIFYING: Bound(
            "its gate: so many tries of the script, each with a time limit, and a fix between two, with the task's",
            ("succeed", "fail"),
        ),
        TaskState.STOPPING: Bound(
            "its process, which gets TERM, and KILL at a time that its row holds",
            ("succeed", "verify", "fail"),
        ),
        TaskState.WAITING: Bound("the time in its row, or the person whom its row names", ("wake",)),
        TaskState.COMPLETED: Bound(_OVER),
        TaskState.FAILED: Bound(
            "back-off, where it is to be tried again; else nothing: it is an end", ("delay",)
        ),
        TaskState.SKIPPED: Bound(_OVER),
        TaskState.CANCELLED: Bound(_OVER),
    },
    Machine.GROUP: {
        GroupState.PENDING: Bound(
            "its turn: order, dependencies and sync points; then its first child starts, or somebody is asked",
            ("start", "delay"),
        ),
        GroupState.WAITING: Bound("the person whom its row asks, or the time in it", ("wake",)),
        GroupState.IN_PROGRESS: Bound(
            "its children, each by its own bound, and its gate", ("complete", "fail")
        ),
        GroupState.COMPLETED: Bound(_OVER),
        GroupState.FAILED: Bound(_OVER),
        GroupState.SKIPPED: Bound(_OVER),
        GroupState.CANCELLED: Bound(_OVER),
    },
    Machine.SPRINT: {
        SprintState.NOT_STARTED: Bound(
            "nothing: the row that starts it is in the commit that makes it", ("start",)
        ),
        SprintState.IN_PROGRESS: Bound(
            "its units; when none can move any more it is blocked, and says so",
            ("complete", "break", "block", "ask"),
        ),
        SprintState.PAUSED: Bound("a person: `run` goes on", ("block", "ask")),
        SprintState.PAUSED_AT_BREAKPOINT: Bound("a person: `run` goes on", ("block", "ask")),
        SprintState.BLOCKED: Bound("a person: `run` tries again what has failed, `skip` leaves it out"),
        SprintState.NEEDS_HUMAN: Bound(
            "a person: `answer` says what was asked, `run` tries again, `skip` leaves it out", ("block",)
        ),
        SprintState.COMPLETED: Bound("nothing: it is an end; `run --new` begins another run"),
        SprintState.CANCELLED: Bound("nothing: it is an end; `run --new` begins another run"),
    },
    Machine.WORKTREE: {
        WorktreeState.ABSENT: Bound("the sprint that wants it"),
        WorktreeState.CREATING: Bound("git, whose command ends well or not", ("ready", "abandon")),
        WorktreeState.READY: Bound("the work in it, and then what its `cleanup` says"),
        WorktreeState.MERGING: Bound("git, whose command ends well or not", ("merged", "conflict")),
        WorktreeState.CONFLICT: Bound("a person, who resolves the conflict"),
        WorktreeState.MERGED: Bound("nothing: its work is safe; `cleanup` may take it away"),
        WorktreeState.REMOVING: Bound("git, whose command ends well or not", ("removed", "keep")),
        WorktreeState.REMOVED: Bound("nothing: it is an end"),
    },
    Machine.NOTICE: {
        NoticeState.DUE: Bound("its receiver, so many tries", ("sent", "give-up")),
        NoticeState.SENT: Bound("nothing: it is an end"),
        NoticeState.GIVEN_UP: Bound("nothing: it is an end"),
    },
}
"""By machine and state."""

ENDS: dict[str, frozenset[str]] = {
    Machine.TASK: frozenset(ENDED),
    Machine.GROUP: frozenset(ENDED),
    Machine.SPRINT: frozenset({SprintState.COMPLETED, SprintState.CANCELLED}),
    Machine.WORKTREE: frozenset({WorktreeState.MERGED, WorktreeState.REMOVED}),
    Machine.NOTICE: frozenset({NoticeState.SENT, NoticeState.GIVEN_UP}),
}
"""The declared ends. They need no way out of their own."""

FOREVER: dict[str, frozenset[str]] = {
    Machine.WORKTREE: frozenset(),
    Machine.NOTICE: frozenset({NoticeState.SENT}),
}
"""Ends that not even a person leaves; none where a machine is not named."""

INTENTS: dict[str, dict[str, tuple[str, str]]] = {
    Machine.TASK: {
        TaskState.SPAWNED: ("start", "abort"),
        TaskState.RUNNING: ("succeed", "fail"),
        TaskState.VERIFYING: ("succeed", "fail"),
        TaskState.STOPPING: ("succeed", "fail"),
        TaskState.WAITING: ("wake", "cancel"),
    },
    Machine.WORKTREE: {
        WorktreeState.CREATING: ("ready", "abandon"),
        WorktreeState.MERGING: ("merged", "conflict"),
        WorktreeState.REMOVING: ("removed", "keep"),
    },
    Machine.NOTICE: {NoticeState.DUE: ("sent", "give-up")},
}
"""States that are on disk before something is done outside: how they are left when it was done, and when it was not."""


def table_findings(tables: Tables, states: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Everything that is wrong with tables by themselves."""
    for name, rows in tables.items():
        ways = _ways(name, rows)
        yield from _outcomes(name, rows, ways)
        yield from _reachable(name, states[name], ways)
        yield from _left(name, rows, states[name], ways)
        yield from _intents(name, rows, ways)
        yield from _cancelled(name, rows, states[name], ways)
    if Machine.TASK in tables:
        yield from _attempts(tables[Machine.TASK], _ways(Machine.TASK, tables[Machine.TASK]))


def _ways(name: str, rows: Sequence[Row], start: str | None = None) -> dict[str, tuple[str, ...]]:
    """The shortest path to each state that can be reached, as triggers."""
    start = start or str(INITIAL[Machine(name)])
    found: dict[str, tuple[str, ...]] = {start: ()}
    line = deque([start])
    while line:
        here = line.popleft()
        for row in rows:
            if row.source == here and row.dest not in found:
                found[row.dest] = (*found[here], f"{row.trigger}: {here} → {row.dest}")
                line.append(row.dest)
    return found


def _outcomes(name: str, rows: Sequence[Row], ways: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        other = seen.setdefault((row.trigger, row.source), row)
        if other is not row:
            what = f"{name}: {row.trigger} from {row.source} leads to {other.dest} and to {row.dest}"
            yield Finding("one outcome", what, ways.get(row.source, ()))


def _reachable(name: str, states: Sequence[str], ways: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    for state in states:
        if state not in ways:
            yield Finding("reachable", f"{name}: no row leads to {state}", (f"begins: {next(iter(ways))}",))


def _left(
    name: str, rows: Sequence[Row], states: Sequence[str], ways: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Each state is left as its bound says, and in no other way."""
    bounds = BOUNDS.get(name, {})
    for state in (*states, *(one for one in bounds if one not in states)):
        path = ways.get(state, ())
        out = {row.trigger for row in rows if row.source == state != row.dest}
        if not out and state not in FOREVER.get(name, ()):
            yield Finding("way out", f"{name}: nothing leads out of {state}", path)
        bound = bounds.get(state)
        if bound is None or state not in states:
            missing = "has no bound" if bound is None else "has a bound and is no state"
            yield Finding("bound", f"{name}: {state} {missing}", path)
            continue
        for trigger in sorted(set(bound.by) - out):
            yield Finding(
                "bound", f"{name}: {state} is to be left by {trigger}, for which there is no row", path
            )
        for trigger in sorted(out - set(bound.by) - PEOPLE[name]):
            yield Finding("bound", f"{name}: nobody is said to {trigger} what is {state}", path)
        if not bound.by and not out & PEOPLE[name] and state not in FOREVER.get(name, ()):
            yield Finding("way out", f"{name}: neither time nor a person leads out of {state}", path)


def _intents(name: str, rows: Sequence[Row], ways: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    known = {(row.source, row.trigger) for row in rows}
    for state, both in INTENTS.get(name, {}).items():
        for trigger in both:
            if (state, trigger) not in known:
                yield Finding("recovery", f"{name}: what is {state} cannot {trigger}", ways.get(state, ()))


def _cancelled(
    name: str, rows: Sequence[Row], states: Sequence[str], ways: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """From every state that is no end, `stop` and `cancel` alone lead to one."""
    if not any(row.trigger == "cancel" for row in rows):
        return
    asked = [row for row in rows if row.trigger in ("stop", "cancel")]
    for state in states:
        if state not in ENDS[name] and not ENDS[name] & _ways(name, asked, state).keys():
            yield Finding("cancel", f"{name}: what is {state} cannot be cancelled", ways.get(state, ()))


def _attempts(rows: Sequence[Row], ways: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """An attempt begins in one place and ends once."""
    for row in rows:
        path = (*ways.get(row.source, ()), f"{row.trigger}: {row.source} → {row.dest}")
        enters, leaves = (
            row.source not in LIVE and row.dest in LIVE,
            row.source in LIVE and row.dest not in LIVE,
        )
        if enters and (row.trigger, row.dest) not in _BEGINNINGS:
            yield Finding(
                "one attempt", f"task: {row.trigger} begins an attempt that was never spawned", path
            )
        if leaves and row.dest not in ENDED and row.trigger != "abort":
            yield Finding(
                "one end", f"task: {row.trigger} leaves an attempt of which nobody says how it ended", path
            )
        again = row.source in ENDED and row.dest in ENDED and row.source != row.dest
        if again and row.trigger not in PEOPLE[Machine.TASK]:
            yield Finding("one end", f"task: {row.trigger} ends once more what has ended", path)


_BEGINNINGS = frozenset({("spawn", str(TaskState.SPAWNED)), ("verify", str(TaskState.VERIFYING))})
"""How an attempt becomes live: it is spawned, or its gate is tried again and its work stands."""
