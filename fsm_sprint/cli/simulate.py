"""`simulate`: rehearse a sprint under a script, with the engine that would run it, for nothing and in no time."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import ExitCode, UsageError, code_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsm.outcomes import Cast
    from fsm.rehearsal import Rehearsed

_MOST_RUNS = 100_000


def simulate(
    sprint: options.Sprint = None,
    *,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**63 - 1, help="What is left to chance follows from it.")
    ] = 0,
    runs: Annotated[
        int,
        typer.Option("--runs", min=1, max=_MOST_RUNS, metavar="K", help="Rehearse K times, seed after seed."),
    ] = 1,
    script: Annotated[
        Path | None,
        typer.Option(
            "--script",
            metavar="FILE",
            help="How tasks end, what crashes, who asks for what: docs/simulate.md. By default all ends well.",
            show_default=False,
        ),
    ] = None,
    crash_every_row: Annotated[
        bool,
        typer.Option(
            "--crash-every-row", help="Kill the supervisor after every row; it has to come to the same end."
        ),
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="DIR",
            help="Keep journal and PROGRESS.yaml there, for replay, status, explain and diagram.",
            show_default=False,
        ),
    ] = None,
    workflows: options.Workflows = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, max=10_000, help="At most so many tasks at once.")
    ] = None,
    strict: options.Strict = False,
    json: options.Json = False,
) -> None:
    """Rehearse a sprint: the engine and the journal are the real ones, tasks, clock and crashes are made up.

    Nothing of the sprint is executed, and nothing is written into its directory.
    """
    if keep is not None and runs > 1:
        raise UsageError("--keep keeps one rehearsal", hint="leave --runs out, and name its seed with --seed")
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(
            f"{keep} is no empty directory", hint="a rehearsal is kept in a directory of its own"
        )
    from compiler.outcomes import read_script
    from fsm.outcomes import Cast, Script
    from fsm_sprint.cli.definition import compiled
    from fsm_sprint.cli.run import DEFAULT_SLOTS
    from fsm_sprint.rehearsals import Broken, today
    from fsm_sprint.report import rehearsed as report
    from fsm_sprint.report.document import printed

    plan = compiled(options.paths(sprint), workflows, strict=strict, today=today()).plan
    read, lines = read_script(script, plan) if script is not None else (Script(), {})
    cast = Cast(plan, read)
    limit = jobs or plan.concurrency or DEFAULT_SLOTS
    try:
        played = _played(cast, seed, runs, limit, keep, every_row=crash_every_row)
    except Broken as broken:
        for step in broken.steps:
            print(step, file=sys.stderr)
        raise
    if json:
        named = str(script) if script is not None else None
        kept = str(keep) if keep is not None else None
        print(printed(report.document(played, cast, script=named, keep=kept, lines=lines)))
    else:
        _show(played)
        if crash_every_row:
            print(f"  {report.crashes(played)}")
        for text in report.unused(cast, played, lines):
            print(f"note: {text}", file=sys.stderr)
        if keep is not None:
            print(
                f"kept in {keep}: `fsm-sprint replay`, `status`, `explain` and `diagram` show it",
                file=sys.stderr,
            )
    raise typer.Exit(_code(played))


def _played(
    cast: "Cast", seed: int, runs: int, limit: int, keep: Path | None, *, every_row: bool
) -> "list[Rehearsed]":
    from fsm_sprint.rehearsals import in_memory, keep_progress, kept_in, rehearse

    if keep is None:
        seeds = range(seed, seed + runs)
        return [rehearse(cast, each, in_memory(), limit=limit, every_row=every_row) for each in seeds]
    connect, paths = kept_in(keep)
    rehearsed = rehearse(cast, seed, connect, limit=limit, every_row=every_row)
    keep_progress(paths, rehearsed)
    return [rehearsed]


def _show(runs: "Sequence[Rehearsed]") -> None:
    from fsm_sprint.report import rehearsed as report

    if len(runs) == 1:
        for text in report.timeline(runs[0]):
            print(text)
        print(f"  rehearsed: {report.costs(runs[0])}; nothing was executed")
    else:
        for text in report.summary(runs):
            print(text)


def _code(runs: "Sequence[Rehearsed]") -> ExitCode:
    """What `run` would have ended with; of many, the first one's that is not 0."""
    for run in runs:
        code = code_for(run.sprint)
        if code is not ExitCode.DONE:
            return code
    return ExitCode.DONE
