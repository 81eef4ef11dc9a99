"""What people can ask of a sprint: for every verb, machine and state, what it does there or why it is refused.

Rule: whether a request makes sense in a state is decided by this table alone. What `fsm.requests` refuses beyond it,
because of something besides the state, stands in `CONDITIONS`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from fsm.states import GroupState as G
from fsm.states import Machine
from fsm.states import NoticeState as N
from fsm.states import SprintState as S
from fsm.states import TaskState as T
from fsm.tables import STATES


class Command(NamedTuple):
    """What a verb means for something in a state."""

    verb: str
    machine: str
    state: str
    done: bool
    """Whether it is done; else it is refused."""
    meaning: str
    """What it does, or why it is refused."""


VERBS: dict[str, str] = {
    "pause": "nothing new starts; what runs goes on to its end",
    "resume": "the sprint goes on where it stood",
    "stop": "what runs is ended, first politely",
    "cancel": "the sprint is given up; what runs is ended",
    "skip": "the main line goes on without it",
    "retry": "it runs again",
    "answer": "what it asks is answered: yes, no, or in words",
    "approve": "the same as the answer yes",
    "reject": "the same as the answer no",
    "add-step": "one more step is taken into the plan",
}
"""Every verb, with what it is for."""

CONDITIONS: dict[str, str] = {
    "stop": "a gate's script and a fix are stopped with the sprint only",
    "skip": "nothing in it may run; not while the sprint is cancelled",
    "retry": "nothing of what is to run again may run now; not while the sprint is cancelled. With `--downstream` also"
    " what came after it",
    "answer": "only if it asks: for approval it takes yes and no; an agent's question takes any words",
    "approve": "only if it asks",
    "reject": "only if it asks",
    "add-step": "it has to be said what the step is to do",
}
"""What has to hold besides the state. Gates and fixes are not named themselves: what they belong to is."""


def _rows(verb: str, machine: str, states: Iterable[str], meaning: str, *, done: bool) -> list[Command]:
    return [Command(verb, machine, str(state), done, meaning) for state in states]


def _does(verb: str, machine: Machine, states: Iterable[str], meaning: str) -> list[Command]:
    return _rows(verb, machine, states, meaning, done=True)


def _refused(verb: str, machine: Machine, states: Iterable[str], why: str) -> list[Command]:
    return _rows(verb, machine, states, why, done=False)


_RESTING = (S.PAUSED, S.PAUSED_AT_BREAKPOINT, S.BLOCKED, S.NEEDS_HUMAN)
_ALIVE = (T.SPAWNED, T.RUNNING, T.VERIFYING, T.STOPPING)

_SPRINT = [
    *_does("pause", Machine.SPRINT, [S.IN_PROGRESS], "nothing new starts; what runs goes on to its end"),
    *_refused("pause", Machine.SPRINT, [S.NOT_STARTED], "it has not begun"),
    *_refused("pause", Machine.SPRINT, [*_RESTING, S.COMPLETED, S.CANCELLED], "nothing new starts as it is"),
    *_does("resume", Machine.SPRINT, [S.PAUSED, S.PAUSED_AT_BREAKPOINT], "it goes on where it stood"),
    *_does(
        "resume", Machine.SPRINT, [S.BLOCKED, S.NEEDS_HUMAN], "it goes on; what has failed is tried again"
    ),
    *_does("resume", Machine.SPRINT, [S.CANCELLED], "it is taken up again where it was given up"),
    *_refused("resume", Machine.SPRINT, [S.NOT_STARTED], "it has not begun: `run` begins it"),
    *_refused("resume", Machine.SPRINT, [S.IN_PROGRESS], "it is going on"),
    *_refused("resume", Machine.SPRINT, [S.COMPLETED], "nothing is left to do: `retry` runs something again"),
    *_does("stop", Machine.SPRINT, [S.IN_PROGRESS], "it is paused, and what runs is ended"),
    *_does("stop", Machine.SPRINT, [*_RESTING, S.COMPLETED, S.CANCELLED], "what still runs is ended"),
    *_does("stop", Machine.SPRINT, [S.NOT_STARTED], "nothing runs yet"),
    *_does(
        "cancel",
        Machine.SPRINT,
        [S.NOT_STARTED, S.IN_PROGRESS, *_RESTING],
        "it is given up, and what runs is ended",
    ),
    *_refused("cancel", Machine.SPRINT, [S.COMPLETED], "everything has ended"),
    *_refused("cancel", Machine.SPRINT, [S.CANCELLED], "it is cancelled already"),
    *_refused("skip", Machine.SPRINT, S, "name what the main line is to go on without"),
    *_does("retry", Machine.SPRINT, [S.BLOCKED, S.NEEDS_HUMAN], "what has failed is tried again"),
    *_refused(
        "retry",
        Machine.SPRINT,
        [S.NOT_STARTED, S.IN_PROGRESS, S.PAUSED, S.PAUSED_AT_BREAKPOINT, S.COMPLETED, S.CANCELLED],
        "name what is to run again",
    ),
    *_refused("answer", Machine.SPRINT, S, "name what is to be answered"),
    *_refused("approve", Machine.SPRINT, S, "name what is to be approved"),
    *_refused("reject", Machine.SPRINT, S, "name what is to be rejected"),
    *_does(
        "add-step",
        Machine.SPRINT,
        [S.IN_PROGRESS, *_RESTING, S.COMPLETED],
        "a phase is added at the end; a completed sprint goes on",
    ),
    *_refused("add-step", Machine.SPRINT, [S.NOT_STARTED], "it has not begun: write it into its files"),
    *_refused("add-step", Machine.SPRINT, [S.CANCELLED], "it is cancelled: `resume` takes it up again"),
]

_TASK = [
    *_does("add-step", Machine.TASK, T, "a step is added after the one that it is in"),
    *_refused("pause", Machine.TASK, T, "only the whole sprint can be paused"),
    *_refused("resume", Machine.TASK, T, "only the whole sprint is resumed; `retry` runs one thing again"),
    *_does(
        "stop",
        Machine.TASK,
        [T.SPAWNED, T.RUNNING],
        "it is ended; that costs no try, and the sprint is blocked",
    ),
    *_refused(
        "stop", Machine.TASK, [T.VERIFYING], "its work is done; its gate is stopped with the sprint only"
    ),
    *_refused("stop", Machine.TASK, [T.STOPPING], "it is being ended"),
    *_refused("stop", Machine.TASK, [state for state in T if state not in _ALIVE], "nothing of it runs"),
    *_refused("cancel", Machine.TASK, T, "only the whole sprint is cancelled; `skip` leaves one thing out"),
    *_does("skip", Machine.TASK, [T.PENDING, T.WAITING, T.FAILED], "the main line goes on without it"),
    *_refused(
        "skip", Machine.TASK, [T.VERIFYING], "its work is done and its gate runs; skip it if that has failed"
    ),
    *_refused(
        "skip",
        Machine.TASK,
        [state for state in _ALIVE if state != T.VERIFYING],
        "it still runs; stop it first",
    ),
    *_refused("skip", Machine.TASK, [T.COMPLETED, T.SKIPPED, T.CANCELLED], "it is over"),
    *_does(
        "retry",
        Machine.TASK,
        [T.COMPLETED, T.FAILED, T.SKIPPED, T.CANCELLED],
        "it runs again, with fresh tries",
    ),
    *_does(
        "retry",
        Machine.TASK,
        [T.WAITING],
        "it waits no longer; one that waits for approval is to be answered",
    ),
    *_refused("retry", Machine.TASK, [T.PENDING], "it has not run yet, and will when its turn comes"),
    *_refused("retry", Machine.TASK, _ALIVE, "it still runs"),
    *_does("answer", Machine.TASK, [T.WAITING], "it may start, or the sprint is blocked"),
    *_does("answer", Machine.TASK, [T.FAILED], "it runs again, and its agent is told the answer"),
    *_refused(
        "answer",
        Machine.TASK,
        [state for state in T if state not in (T.WAITING, T.FAILED)],
        "it asks nothing",
    ),
]

_GROUP = [
    *_does("add-step", Machine.GROUP, G, "a step is added after it, or to a phase at its end"),
    *_refused("pause", Machine.GROUP, G, "only the whole sprint can be paused"),
    *_refused("resume", Machine.GROUP, G, "only the whole sprint is resumed; `retry` runs one thing again"),
    *_does("stop", Machine.GROUP, [G.IN_PROGRESS], "what runs in it is ended; that costs no try"),
    *_refused(
        "stop", Machine.GROUP, [state for state in G if state is not G.IN_PROGRESS], "nothing in it runs"
    ),
    *_refused("cancel", Machine.GROUP, G, "only the whole sprint is cancelled; `skip` leaves one thing out"),
    *_does(
        "skip",
        Machine.GROUP,
        [G.PENDING, G.WAITING, G.IN_PROGRESS, G.FAILED],
        "the main line goes on without what is left of it",
    ),
    *_refused("skip", Machine.GROUP, [G.COMPLETED, G.SKIPPED, G.CANCELLED], "it is over"),
    *_does("retry", Machine.GROUP, [G.COMPLETED, G.FAILED, G.SKIPPED, G.CANCELLED], "all in it runs again"),
    *_refused("retry", Machine.GROUP, [G.PENDING], "it has not run yet, and will when its turn comes"),
    *_refused("retry", Machine.GROUP, [G.WAITING], "it waits for an answer"),
    *_refused("retry", Machine.GROUP, [G.IN_PROGRESS], "it goes on; name what in it is to run again"),
    *_does("answer", Machine.GROUP, [G.WAITING], "it may start, or the sprint is blocked"),
    *_refused("answer", Machine.GROUP, [state for state in G if state is not G.WAITING], "it asks nothing"),
]

_NOTICE = [
    *_does("retry", Machine.NOTICE, [N.GIVEN_UP], "it is sent again"),
    *_refused("retry", Machine.NOTICE, [N.DUE, N.SENT], "it has not been given up"),
]


def _table() -> dict[tuple[str, str, str], Command]:
    found = [*_SPRINT, *_TASK, *_GROUP, *_NOTICE]
    for machine, rows in ((Machine.TASK, _TASK), (Machine.GROUP, _GROUP)):
        for verb in ("approve", "reject"):
            found += [
                row._replace(verb=verb) for row in rows if row.verb == "answer" and row.machine == machine
            ]
    table = {(row.verb, row.machine, row.state): row for row in found}
    for machine in (Machine.WORKTREE, Machine.NOTICE):
        for verb in VERBS:
            for state in STATES[machine]:
                other = Command(verb, machine, state, False, "it is nothing that runs")  # a row
                table.setdefault((verb, machine, state), other)
    return table


COMMANDS: dict[tuple[str, str, str], Command] = _table()
"""Every verb for every state of every machine."""
