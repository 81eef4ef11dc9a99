"""`run`: begin a sprint, or go on where it stands, whatever ended it before."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm.states import SprintState
from fsm_sprint.cli import options
from fsm_sprint.cli.definition import changed, compiled, dated
from fsm_sprint.cli.exits import ExitCode, UsageError, code_for
from fsm_sprint.paths import SprintPaths

if TYPE_CHECKING:
    from fsm.plan import Plan
    from fsm.sprint import Sprint
    from fsm_sprint.wiring import Supervisor

DEFAULT_SLOTS = 8
"""Tasks at once when neither the command line nor the sprint says. A sprint without parallel parts uses one."""


def run(
    sprint: options.Sprint = None,
    *,
    workflows: options.Workflows = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, max=10_000, help="At most so many tasks at once.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Begin another run, from today's files.")] = False,
    replan: Annotated[
        bool,
        typer.Option(
            "--replan", help="Go on with today's files: what is done stays done, the rest follows them."
        ),
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on in the background; output to .fsm-sprint/run.log.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show all that would be run, and run nothing.")
    ] = False,
    strict: options.Strict = False,
    json: options.Json = False,
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait", help="Do not wait for usage limits: end with 75 when nothing else is left to do."
        ),
    ] = False,
    copy: Annotated[
        bool,
        typer.Option("--copy", help="Go on in a copy of a sprint; what had not ended there is lost here."),
    ] = False,
    unsafe_filesystem: Annotated[
        bool, typer.Option("--unsafe-filesystem", help="Allow file systems on which locks cannot be trusted.")
    ] = False,
) -> None:
    """Run a sprint, or go on with it: finished work stays done, running tasks are adopted, failed ones are retried."""
    paths = options.paths(sprint)
    if dry_run:
        _shown(paths, workflows, new=new, replan=replan, strict=strict, json=json)
        return
    if json:
        raise UsageError("--json goes with --dry-run", hint="`fsm-sprint status --json` tells about a run")
    if new and replan:
        raise UsageError(
            "--new begins another run, and --replan goes on with the last", hint="give one of them"
        )
    if detach:
        _detached(paths, workflows, new=new, strict=strict)
        return
    from fsm_sprint.hands import Left
    from fsm_sprint.wiring import Supervisor

    try:
        with Supervisor(paths, allow_unsafe=unsafe_filesystem, allow_copy=copy) as supervisor:
            code = _supervised(
                supervisor, paths, workflows, jobs, new=new, replan=replan, strict=strict, patient=not no_wait
            )
    except Left:
        print("left at once; what runs goes on, and `fsm-sprint run` adopts it", file=sys.stderr)
        code = ExitCode.INTERRUPTED
    raise typer.Exit(code)


def _shown(
    paths: SprintPaths, workflows: list[Path] | None, *, new: bool, replan: bool, strict: bool, json: bool
) -> None:
    """What this very command would run without --dry-run: of a run that has begun only what is left of its plan."""
    from fsm_sprint.cli.rehearse import begun, over, rehearse

    before = None if new else begun(paths)
    if before is None and not replan:
        rehearse(paths, compiled(paths, workflows, strict=strict).plan, json=json)
        return
    plan = _replanned(before, paths, workflows, strict=strict) if replan else None
    assert before is not None, "--replan without a run was refused"
    all_over = plan is None and _nothing_to_do(before, paths) is not None
    done = frozenset(unit.path for unit in before.order if all_over or over(unit))
    rehearse(paths, plan or before.plan, done, json=json)


def _detached(paths: SprintPaths, workflows: list[Path] | None, *, new: bool, strict: bool) -> None:
    """Everything that can be said against it is said here, where somebody still looks."""
    from fsm_sprint.executors.detach import EndedAtOnce, detach
    from fsm_sprint.report.terminal import plain
    from fsm_sprint.work import available
    from journal.lease import Lease, holder

    if new or not paths.journal.exists():
        available(compiled(paths, workflows, strict=strict).plan)

    def pid(lock: Path) -> int | None:
        held = holder(lock)
        return None if held is None else held.get("pid")

    paths.prepare()
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with Lease.take(paths.lock, {}):
        pass  # who holds it is said here, and not among what they themselves write to run.log
    try:
        started = detach(words, paths.output, paths.lock, pid)
    except EndedAtOnce as error:
        print(plain(str(error)), file=sys.stderr)
        raise typer.Exit(error.status) from error
    print(f"running as process {started}; `fsm-sprint status {paths.directory}` shows how it goes")


def _supervised(
    supervisor: "Supervisor",
    paths: SprintPaths,
    workflows: list[Path] | None,
    jobs: int | None,
    *,
    new: bool,
    replan: bool,
    strict: bool,
    patient: bool,
) -> ExitCode:
    from fsm_sprint.report.screen import screen
    from fsm_sprint.tree import enter
    from fsm_sprint.work import Work, available, workdir

    before = supervisor.sprint
    plan: Plan | None = None
    amended: Plan | None = None
    if replan:
        amended = _replanned(before, paths, workflows, strict=strict)
    elif before is None or new:
        if before is not None and before.busy:
            raise UsageError(
                "the last run has tasks that are still running",
                hint="`fsm-sprint run` goes on with it, `fsm-sprint stop` ends them",
            )
        plan = compiled(paths, workflows, strict=strict).plan
    else:
        early = _nothing_to_do(before, paths)
        if early is not None and before.due:
            # Nothing begins in what has ended; but somebody outside is still to be told of that.
            supervisor.run(
                lambda fold: Work(fold, paths), lambda fold: screen(paths, fold, supervisor.clock, quiet=True)
            )
            _untold(before)
            return early
        if early is not None:
            # Whoever completed it may have been killed before it could show that.
            screen(paths, before, supervisor.clock, quiet=True).publish((), resting=True)
            return early
    known = amended or plan or (before.plan if before is not None else None)
    assert known is not None, "there is a run, or a plan for one"
    available(known)
    place, others = enter(workdir(paths), paths.directory, alone=known.alone)
    if others is not None:
        print(f"warning: {others}", file=sys.stderr)
    after = supervisor.run(
        lambda fold: Work(fold, paths),
        lambda fold: screen(paths, fold, supervisor.clock),
        plan=plan,
        amended=amended,
        limit=jobs or known.concurrency or DEFAULT_SLOTS,
        resume="run again",
        wait_for_limits=patient,
    )
    if place is not None:
        place.release()
    _untold(after)
    return _code(after, supervisor.signal)


def _untold(sprint: "Sprint") -> None:
    """Says what is left to be told to somebody outside when a run ends."""
    if sprint.due:
        number = f"{len(sprint.due)} notices" if len(sprint.due) > 1 else "a notice"
        print(f"warning: {number} could not be delivered yet; `fsm-sprint run` tries again", file=sys.stderr)


def _replanned(
    before: "Sprint | None", paths: SprintPaths, workflows: list[Path] | None, *, strict: bool
) -> "Plan":
    """Today's files as a plan that the run can go on with, once what is different in it has been shown."""
    from fsm.amend import problems
    from fsm_sprint.report.difference import differences

    if before is None:
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    if before.state in (SprintState.COMPLETED, SprintState.CANCELLED):
        hint = "`fsm-sprint run --new` begins another run from today's files"
        raise UsageError(f"run {before.run} is {before.state} already", hint=hint)
    plan = compiled(paths, workflows, strict=strict, today=dated(before.plan.sprint_id)).plan
    wrong = problems(before, plan)
    if wrong:
        hint = "take that change back, or leave the run as it is: `fsm-sprint run --new` begins another"
        raise UsageError(f"today's files cannot be taken in: {'; '.join(wrong)}", hint=hint)
    for told in differences(before.plan, plan):
        print(told, file=sys.stderr)
    return plan


def _nothing_to_do(before: "Sprint", paths: SprintPaths) -> ExitCode | None:
    """Says what somebody who runs a sprint once more should know; the exit code when that is all there is to do."""
    again = "`fsm-sprint run --new` begins another run"
    stale = changed(paths, before.plan)
    if before.state in (SprintState.COMPLETED, SprintState.CANCELLED):
        print(f"run {before.run} is {before.state} already; {again}", file=sys.stderr)
        return _code(before, None)
    if stale:
        print(
            f"warning: {', '.join(stale)} changed since run {before.run} began; it goes on with the plan it began"
            f" with; `fsm-sprint run --replan` goes on with today's, {again} from them",
            file=sys.stderr,
        )
    return None


def _code(sprint: "Sprint", ended_by: int | None) -> ExitCode:
    if ended_by is not None and sprint.state == SprintState.PAUSED:
        return ExitCode.INTERRUPTED if ended_by == signal.SIGINT else ExitCode.TERMINATED
    return code_for(sprint)
