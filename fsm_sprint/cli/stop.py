"""`stop`: end what runs, from any terminal, whether its supervisor lives or not."""

import sys
import time
from typing import Annotated

import typer

from fsm.events import Asked
from fsm_sprint.cli import options
from fsm_sprint.cli.exits import ExitCode, UsageError
from fsm_sprint.paths import SprintPaths

_PATIENCE = 60.0
"""Seconds that a living supervisor has to answer."""


def stop(
    sprint: options.Sprint = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give the sprint up for good.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept in the journal.")] = "by hand",
) -> None:
    """End the running tasks with all their processes; the sprint is paused and can be run again."""
    from fsm_sprint.inbox import answer_to, ask, request_id, withdraw
    from fsm_sprint.wiring import who
    from journal.errors import LeaseHeld

    paths = options.paths(sprint)
    if not paths.journal.exists():
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    request = Asked(request_id(), "cancel" if cancel else "stop", "", who(), reason)
    asked = False
    answer: str | None
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            answer = _without_supervisor(paths, request)
        except LeaseHeld:
            if not asked:
                ask(paths, request)
                asked = True
            time.sleep(0.05)
            answer = answer_to(paths, request.id)
        else:
            withdraw(paths, request.id)
        if answer is not None:
            print(answer)
            raise typer.Exit(ExitCode.USAGE if answer.startswith("refused") else ExitCode.DONE)
    withdraw(paths, request.id)
    print("error: the supervisor did not answer", file=sys.stderr)
    print(
        "hint: `fsm-sprint status` says which process it is; it may be stopped or hang on a disk",
        file=sys.stderr,
    )
    raise typer.Exit(ExitCode.HELD)


def _without_supervisor(paths: SprintPaths, request: Asked) -> str:
    """Takes the lease, recovers without starting anything, and ends what lives: so orphans are reaped on command."""
    from fsm_sprint.report.screen import screen
    from fsm_sprint.wiring import Supervisor
    from fsm_sprint.work import Work

    with Supervisor(paths) as supervisor:
        after = supervisor.run(
            lambda fold: Work(fold, paths),
            lambda fold: screen(paths, fold, supervisor.clock),
            events=[request],
            spawning=False,
        )
    return str(after.requests[request.id].decoded()["answer"])
