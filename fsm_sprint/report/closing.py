"""The last words about a run that has come to rest: how it stands, what failed and where that says why, what to do."""

from collections.abc import Iterator
from pathlib import Path

from fsm.sprint import Sprint
from fsm.states import Machine, SprintState
from fsm.unit import Unit
from fsm.waits import LIMIT
from fsm_sprint.report.advice import advice
from fsm_sprint.report.asking import UNSTARTED, answers, questions, rejected, spent
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.ending import ending
from fsm_sprint.report.sentences import blame
from fsm_sprint.report.tally import tally
from fsm_sprint.report.terminal import cells, line, pad
from fsm_sprint.report.times import span

SHOWN = 5
"""Failures that are named; there may be thousands."""


def closing(sprint: Sprint, directory: Path) -> list[str]:
    """The lines, as they are printed."""
    shown = standing(sprint)
    failed = list(failures(sprint))
    rested = sprint.rested.decoded() if sprint.rested is not None else {}
    told = advice(
        sprint.state,
        directory,
        alive=sprint.busy,
        failed=_blamed(sprint, failed),
        asked=answers(list(questions(sprint)), directory),
        rejected=rejected(rested),
        spent=spent(rested),
        failing=bool(failed),
        limited=next((path for path in sprint.waiting if sprint.why[path] == LIMIT), None),
    )
    width = min(max(cells(command) for command, _ in told), 48)
    for place, (command, what) in enumerate(told):
        shown.append(f"{'next:' if place == 0 else '':5}  {pad(command, width)}  {what}")
    return shown


def standing(sprint: Sprint, *, logs: bool = True) -> list[str]:
    """How it stands and what has failed, without advice; `logs`: and where that says why."""
    shown = [headline(sprint), f"  {tally(Counts(sprint).states)}"]
    failed = list(failures(sprint))
    for unit in failed[:SHOWN]:
        log = log_of(unit) if logs else None
        why = ending(unit.ended.decoded()) if unit.ended is not None else ""
        shown.append(
            f"  failed: {line(unit.path)}{f': {why}' if why else ''}{f'; see {line(log)}' if log else ''}"
        )
    if len(failed) > SHOWN:
        shown.append(f"  and {len(failed) - SHOWN} more")
    return shown


def _blamed(sprint: Sprint, failed: list[Unit]) -> str | None:
    """The unit whose output is worth a look: the one that the sprint rests for, else the first that failed."""
    facts = sprint.rested.decoded() if sprint.rested is not None else {}
    unit = None if facts.get("kind") in UNSTARTED or not failed else facts.get("unit")
    if unit is not None and sprint.state in (SprintState.BLOCKED, SprintState.NEEDS_HUMAN):
        return str(unit)
    return failed[0].path if failed else None


def failures(sprint: Sprint) -> Iterator[Unit]:
    """What has failed, in the order in which it did; a gate's script speaks through its owner."""
    seen: set[str] = set()
    for unit in sprint.failed.values():
        found = unit
        if unit.owner is not None:
            if unit is unit.owner.fix or unit.owner.machine == Machine.TASK:
                continue
            found = unit.owner
        if found.path not in seen:
            seen.add(found.path)
            yield found


def log_of(unit: Unit) -> str | None:
    """Where the output lies that says why a unit failed, relative to the sprint's directory."""
    facts = unit.ended.decoded() if unit.ended is not None else {}
    speaker = unit.gate if unit.gate is not None and facts.get("verdict", "gate") == "gate" else unit
    spawned = speaker.spawned or unit.spawned
    return str(spawned.decoded()["log"]) if spawned is not None else None


def headline(sprint: Sprint) -> str:
    """In what state it is, after which time, and why."""
    name = line(sprint.plan.name or sprint.plan.sprint_id)
    rested = sprint.rested
    facts = rested.decoded() if rested is not None else {}
    began = sprint.begun.at if sprint.begun is not None else sprint.at
    time = span((rested.at if rested is not None else sprint.at) - began)
    if sprint.state == SprintState.COMPLETED:
        what = "with failures in the background" if facts.get("failed") else ""
        return f"{name} completed {what + ' ' if what else ''}in {time}"
    if sprint.state in (SprintState.BLOCKED, SprintState.NEEDS_HUMAN):
        state = "is blocked" if sprint.state == SprintState.BLOCKED else "needs a person"
        return f"{name} {state} after {time}: {blame(facts)}"
    if sprint.state == SprintState.PAUSED_AT_BREAKPOINT:
        return f"{name} is paused at the breakpoint after {line(str(facts.get('unit', '?')))}, {time} after it began"
    why = line(str(facts.get("why") or ""))
    state = {SprintState.PAUSED: "is paused", SprintState.CANCELLED: "was cancelled"}.get(
        SprintState(sprint.state), f"is {sprint.state}"
    )
    return f"{name} {state} after {time}{f': {why}' if why else ''}"
