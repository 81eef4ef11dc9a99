"""A person's request on its way to whoever supervises the sprint; to ourselves, when nobody does."""

import sys
import time
from typing import NoReturn

import typer

from fsm.events import Asked
from fsm_sprint.cli.exits import ExitCode, UsageError
from fsm_sprint.paths import SprintPaths

_PATIENCE = 60.0
"""Seconds that a living supervisor has to answer."""


def request(paths: SprintPaths, verb: str, unit: str, reason: str) -> NoReturn:
    """Asks, prints the answer and ends with its code; waits for a living supervisor, up to a minute."""
    from fsm_sprint.inbox import answer_to, ask, request_id, withdraw
    from fsm_sprint.wiring import who
    from journal.errors import LeaseHeld

    if not paths.journal.exists():
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    wanted = Asked(request_id(), verb, unit, who(), reason)
    asked = False
    answer: str | None
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            answer = _without_supervisor(paths, wanted)
        except LeaseHeld:
            if not asked:
                ask(paths, wanted)
                asked = True
            time.sleep(0.05)
            answer = answer_to(paths, wanted.id)
        else:
            withdraw(paths, wanted.id)
        if answer is not None:
            print(answer)
            raise typer.Exit(ExitCode.USAGE if answer.startswith("refused") else ExitCode.DONE)
    withdraw(paths, wanted.id)
    print("error: the supervisor did not answer", file=sys.stderr)
    print(
        "hint: `fsm-sprint status` says which process it is; it may be stopped or hang on a disk",
        file=sys.stderr,
    )
    raise typer.Exit(ExitCode.HELD)


def _without_supervisor(paths: SprintPaths, wanted: Asked) -> str:
    """Takes the lease, recovers without starting anything, and does it; so orphans are reaped on command."""
    from fsm_sprint.report.screen import screen
    from fsm_sprint.wiring import Supervisor
    from fsm_sprint.work import Work

    # Whoever ends what runs in a copy of a sprint means what runs there: nothing. It counts as lost, and that is all.
    with Supervisor(paths, allow_copy=wanted.verb != "skip") as supervisor:
        before = supervisor.sprint
        if wanted.verb == "skip" and before is not None and before.busy:
            raise UsageError(
                "tasks still run although their supervisor has ended",
                hint="`fsm-sprint run` adopts them, `fsm-sprint stop` ends them; then ask again",
            )
        after = supervisor.run(
            lambda fold: Work(fold, paths),
            lambda fold: screen(paths, fold, supervisor.clock),
            events=[wanted],
            spawning=False,
        )
    return str(after.requests[wanted.id].decoded()["answer"])
