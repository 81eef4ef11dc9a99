"""The transition tables: the only law of what may move where.

From these rows come the `transitions` machines, the legality check, the diagrams, the docs table, the model checker
and the exhaustive tests. Rule: whatever decides legality stands here as data, never in code beside it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from fsm.states import (
    GroupState as G,
)
from fsm.states import (
    Machine,
)
from fsm.states import (
    NoticeState as N,
)
from fsm.states import (
    SprintState as S,
)
from fsm.states import (
    TaskState as T,
)
from fsm.states import (
    WorktreeState as W,
)


class Row(NamedTuple):
    """One legal move. `source == dest` marks a reflexive row: a fact recorded without a change of state."""

    trigger: str
    source: str
    dest: str
    meaning: str


def _rows(trigger: str, sources: Iterable[str], dest: str, meaning: str) -> tuple[Row, ...]:
    return tuple(Row(trigger, str(source), str(dest), meaning) for source in sources)


def _reflexive(trigger: str, states: Iterable[str], meaning: str) -> tuple[Row, ...]:
    return tuple(Row(trigger, str(state), str(state), meaning) for state in states)


TASK: tuple[Row, ...] = (
    *_rows("spawn", [T.PENDING], T.SPAWNED, "an attempt is decided; nothing has been forked yet"),
    *_rows("start", [T.SPAWNED], T.RUNNING, "its shim is ready; it may run once this is on disk"),
    *_rows("abort", [T.SPAWNED, T.RUNNING], T.PENDING, "the attempt certainly never ran"),
    *_rows("succeed", [T.RUNNING, T.VERIFYING, T.STOPPING], T.COMPLETED, "ended well, and its gate passed"),
    *_rows("verify", [T.RUNNING], T.VERIFYING, "its process ended well; its gate has to pass"),
    *_rows(
        "verify", [T.STOPPING], T.VERIFYING, "it ended well before the stop took hold; its gate has to pass"
    ),
    *_rows("verify", [T.PENDING], T.VERIFYING, "its gate had given up and is tried again; the work stays"),
    *_rows(
        "fail", [T.RUNNING, T.VERIFYING, T.STOPPING], T.FAILED, "the attempt or its gate came to a bad end"
    ),
    *_rows(
        "delay", [T.PENDING, T.FAILED], T.WAITING, "back-off, usage limit or approval: not before its time"
    ),
    *_rows("wake", [T.WAITING], T.PENDING, "what it waited for has come"),
    *_rows("stop", [T.SPAWNED, T.RUNNING, T.VERIFYING], T.STOPPING, "its processes are being ended"),
    *_rows("skip", [T.PENDING, T.WAITING, T.FAILED], T.SKIPPED, "the main line goes on without it"),
    *_rows("cancel", [T.PENDING, T.WAITING, T.STOPPING], T.CANCELLED, "given up for good by an operator"),
    *_rows("retry", [T.COMPLETED, T.FAILED, T.SKIPPED, T.CANCELLED], T.PENDING, "to be run once more"),
    *_reflexive("adopt", [T.RUNNING, T.STOPPING], "a new supervisor found the attempt alive"),
    *_reflexive("report", [T.SPAWNED, T.RUNNING, T.VERIFYING, T.STOPPING], "something learnt while it runs"),
    *_reflexive("note", T, "something worth recording"),
)

GROUP: tuple[Row, ...] = (
    *_rows("start", [G.PENDING], G.IN_PROGRESS, "its first child starts"),
    *_rows("delay", [G.PENDING], G.WAITING, "somebody has to agree before anything in it starts"),
    *_rows("wake", [G.WAITING], G.PENDING, "that has been answered"),
    *_rows(
        "complete", [G.IN_PROGRESS], G.COMPLETED, "its foreground children ended well, and its gate passed"
    ),
    *_rows("fail", [G.IN_PROGRESS], G.FAILED, "a child failed, or its gate gave up"),
    *_rows(
        "skip", [G.PENDING, G.WAITING, G.IN_PROGRESS, G.FAILED], G.SKIPPED, "the main line goes on without it"
    ),
    *_rows("cancel", [G.PENDING, G.WAITING, G.IN_PROGRESS], G.CANCELLED, "given up for good by an operator"),
    *_rows("retry", [G.SKIPPED, G.CANCELLED], G.PENDING, "it had not begun, and is to come after all"),
    *_rows(
        "reopen", [G.COMPLETED, G.FAILED, G.SKIPPED, G.CANCELLED], G.IN_PROGRESS, "something in it runs again"
    ),
    *_reflexive("note", G, "something worth recording"),
)

_REST = [S.PAUSED, S.PAUSED_AT_BREAKPOINT, S.BLOCKED, S.NEEDS_HUMAN, S.COMPLETED, S.CANCELLED]
_HALTED = [S.IN_PROGRESS, S.PAUSED, S.PAUSED_AT_BREAKPOINT]

SPRINT: tuple[Row, ...] = (
    *_rows("start", [S.NOT_STARTED], S.IN_PROGRESS, "the run begins"),
    *_rows("complete", [S.IN_PROGRESS], S.COMPLETED, "every phase ended well"),
    *_rows("pause", [S.IN_PROGRESS], S.PAUSED, "nothing new starts until it is resumed"),
    *_rows("break", [S.IN_PROGRESS], S.PAUSED_AT_BREAKPOINT, "a phase with a break ended"),
    *_rows(
        "block", [*_HALTED, S.NEEDS_HUMAN], S.BLOCKED, "a unit failed or was not approved, or a budget ended"
    ),
    *_rows("ask", _HALTED, S.NEEDS_HUMAN, "an agent or a phase needs a person"),
    *_rows(
        "cancel",
        [S.NOT_STARTED, S.IN_PROGRESS, S.PAUSED, S.PAUSED_AT_BREAKPOINT, S.BLOCKED, S.NEEDS_HUMAN],
        S.CANCELLED,
        "given up for good by an operator",
    ),
    *_rows("resume", _REST, S.IN_PROGRESS, "it goes on where it stood"),
    *_rows("retry", _REST, S.IN_PROGRESS, "something in it runs again"),
    *_reflexive("lease", S, "a supervisor took over"),
    *_reflexive("amend", S, "the plan, or a change of it"),
    *_reflexive("request", S, "an operator asked for something"),
    *_reflexive("tolerate", [S.IN_PROGRESS], "a sync point goes on although background tasks have failed"),
    *_reflexive("note", S, "something worth recording"),
)

WORKTREE: tuple[Row, ...] = (
    *_rows("create", [W.ABSENT, W.REMOVED], W.CREATING, "git is asked for it"),
    *_rows("ready", [W.CREATING], W.READY, "it can be worked in"),
    *_rows("abandon", [W.CREATING], W.ABSENT, "git could not make it"),
    *_rows("merge", [W.READY, W.CONFLICT], W.MERGING, "its branch is being merged"),
    *_rows("merged", [W.MERGING], W.MERGED, "its work is in the target branch"),
    *_rows("conflict", [W.MERGING], W.CONFLICT, "the merge needs a person"),
    *_rows("remove", [W.READY, W.MERGED, W.CONFLICT], W.REMOVING, "it is being taken away"),
    *_rows("removed", [W.REMOVING], W.REMOVED, "it is gone; its branch may stay"),
    *_rows("keep", [W.REMOVING], W.READY, "it could not be taken away safely"),
    *_reflexive("note", W, "something worth recording"),
)

NOTICE: tuple[Row, ...] = (
    *_reflexive("due", [N.DUE], "somebody outside is to be told of a row"),
    *_rows("sent", [N.DUE], N.SENT, "its receiver took it"),
    *_rows("give-up", [N.DUE], N.GIVEN_UP, "it was tried often enough"),
    *_rows("retry", [N.GIVEN_UP], N.DUE, "it is to be tried again"),
    *_reflexive("note", N, "something worth recording"),
)

TABLES: dict[str, tuple[Row, ...]] = {
    Machine.TASK: TASK,
    Machine.GROUP: GROUP,
    Machine.SPRINT: SPRINT,
    Machine.WORKTREE: WORKTREE,
    Machine.NOTICE: NOTICE,
}
"""Every machine by its name. Within one table a (trigger, source) pair stands once: a move has one outcome."""

STATES: dict[str, tuple[str, ...]] = {
    Machine.TASK: tuple(str(state) for state in T),
    Machine.GROUP: tuple(str(state) for state in G),
    Machine.SPRINT: tuple(str(state) for state in S),
    Machine.WORKTREE: tuple(str(state) for state in W),
    Machine.NOTICE: tuple(str(state) for state in N),
}
"""Every machine's states, in the order in which they are shown."""
