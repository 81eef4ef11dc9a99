"""Exit codes, and which error means which.

Rule: nothing else in the project names a code or ends the process by one.
"""

import errno
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

from fsm.errors import SprintError
from fsm.states import SprintState

if TYPE_CHECKING:
    from fsm.sprint import Sprint


class ExitCode(IntEnum):
    """The one table; `docs/reference/exit-codes.md` is made from it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DEFINITION = 3
    ENVIRONMENT = 4
    JOURNAL = 5
    HELD = 6
    WAITING = 10
    CANCELLED = 11
    BUDGET = 12
    LIMIT = 75
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "a unit failed: the sprint is blocked, or completed with failures in the background",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.DEFINITION: "SPRINT.yaml, a workflow or a file to be imported is wrong",
    ExitCode.ENVIRONMENT: "the environment: full disk, I/O error, an agent that is not installed; `doctor` says what",
    ExitCode.JOURNAL: "the journal is damaged, was replaced, or is too new for this version",
    ExitCode.HELD: "another supervisor holds the sprint",
    ExitCode.WAITING: "at rest, waiting for a person: paused, at a breakpoint, or needing an answer",
    ExitCode.CANCELLED: "the sprint was cancelled",
    ExitCode.BUDGET: "a budget ended",
    ExitCode.LIMIT: "waiting for a usage limit, and told not to wait",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    ExitCode.TERMINATED: "stopped by SIGTERM",
}

_BY_STATE = {
    SprintState.COMPLETED: ExitCode.DONE,
    SprintState.BLOCKED: ExitCode.FAILED,
    SprintState.PAUSED: ExitCode.WAITING,
    SprintState.PAUSED_AT_BREAKPOINT: ExitCode.WAITING,
    SprintState.NEEDS_HUMAN: ExitCode.WAITING,
    SprintState.CANCELLED: ExitCode.CANCELLED,
}


class UsageError(SprintError):
    """The command line cannot be meant."""


class EnvironmentFault(SprintError):
    """Something outside of the sprint is missing or broken."""


def at_rest(state: str, *, failures: bool, kind: str | None = None) -> ExitCode:
    """The code for a sprint that has come to rest; `failures`: tolerated ones in the background.

    `kind` is what the row says that brought it there: a budget that ended, a usage limit that is not waited for.
    """
    if (state, kind) == (SprintState.BLOCKED, "budget"):
        return ExitCode.BUDGET
    if (state, kind) == (SprintState.PAUSED, "limit"):
        return ExitCode.LIMIT
    code = _BY_STATE.get(SprintState(state), ExitCode.DONE)
    return ExitCode.FAILED if code is ExitCode.DONE and failures else code


def code_for(sprint: "Sprint") -> ExitCode:
    """The code of a run that has left a sprint so."""
    failures = any(
        unit.background and unit.owner is None and unit.leaf is None for unit in sprint.failed.values()
    )
    kind = sprint.rested.decoded().get("kind") if sprint.rested is not None else None
    return at_rest(sprint.state, failures=failures, kind=kind)


def code_of(error: SprintError) -> ExitCode:
    """The code for an error, by the name of its class, so that nothing need be imported to tell."""
    for kind in type(error).__mro__:
        found = _BY_ERROR.get(kind.__name__)
        if found is not None:
            return found
    return ExitCode.ENVIRONMENT


_BY_ERROR = {
    "Broken": ExitCode.FAILED,
    "UsageError": ExitCode.USAGE,
    "IllegalMove": ExitCode.USAGE,
    "NoSuchMoment": ExitCode.USAGE,
    "NoSuchUnit": ExitCode.USAGE,
    "CompileError": ExitCode.DEFINITION,
    "NotAnExport": ExitCode.DEFINITION,
    "JournalDamaged": ExitCode.JOURNAL,
    "JournalTooNew": ExitCode.JOURNAL,
    "JournalReplaced": ExitCode.JOURNAL,
    "JournalFenced": ExitCode.HELD,
    "LeaseHeld": ExitCode.HELD,
    "NoAnswer": ExitCode.HELD,
}


def hint_for(error: OSError) -> str | None:
    """What to do about the few refusals of the system that say too little by themselves."""
    return {
        errno.EMFILE: "`ulimit -n 1024` allows more of them",
        errno.ENOSPC: "make room on the disk; nothing that was recorded is lost",
    }.get(error.errno or 0)


def complain(error: SprintError) -> None:
    """`error:` and `hint:` on stderr; names of files in them may hold anything, so they are made plain."""
    from fsm_sprint.report.terminal import plain

    render = getattr(error, "render", None)
    if render is not None:  # a CompileError: every finding, with its place and its own hint
        print(plain(render()), file=sys.stderr)
        return
    print(plain(f"error: {error}"), file=sys.stderr)
    if error.hint:
        print(plain(f"hint: {error.hint}"), file=sys.stderr)
