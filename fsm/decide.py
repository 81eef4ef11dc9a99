"""What follows: (fold, what happened, now) → moves. All policy stands here: retries, gates, breaks, failing, stopping.

Rule: these are generators, and each move must be recorded before the next is asked for, because the next is decided
on the state that it leaves. What comes out between two commits is one batch.
"""

from collections.abc import Iterable

from fsm.errors import SprintError
from fsm.events import Adopted, Asked, Due, Ended, Event, Learnt, Ready
from fsm.names import name, task_id
from fsm.plan import Gate, Leaf, Retry
from fsm.ready import advance, check, following
from fsm.requests import asked
from fsm.sprint import Sprint, Unit, ancestors
from fsm.states import ENDED, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves

FATAL = frozenset({"auth", "billing", "denied", "needs-human", "budget"})
"""Verdicts that trying again cannot mend, so that `retry` leaves them alone unless it names them."""

BOUNDS = frozenset({"timeout", "idle"})
"""Verdicts of an attempt that had run into one of its own bounds before anybody stopped it."""

HALTABLE = frozenset({SprintState.IN_PROGRESS, SprintState.PAUSED, SprintState.PAUSED_AT_BREAKPOINT})
"""Sprint states from which a failure blocks, or a question stops, the sprint."""


def react(sprint: Sprint, event: Event, now: int) -> Moves:
    """What an event leads to. Events about attempts that are over are nothing new and lead to nothing."""
    if isinstance(event, Asked):
        yield from asked(sprint, event, now)
        return
    unit = sprint.units.get(event.unit)
    if unit is None or unit.attempt != event.attempt:
        return
    if isinstance(event, Due):
        if unit.state == TaskState.WAITING:
            yield Move(unit.path, "wake", {}, unit.attempt)
        return
    if event.unit not in sprint.live:
        return
    if isinstance(event, Ready):
        if unit.state == TaskState.SPAWNED:
            yield Move(unit.path, "start", dict(event.identity), unit.attempt)
    elif isinstance(event, Adopted):
        if unit.state in (TaskState.RUNNING, TaskState.STOPPING):
            yield Move(unit.path, "adopt", {}, unit.attempt)
    elif isinstance(event, Learnt):
        yield Move(unit.path, "report", event.facts, unit.attempt)
    elif unit.state != TaskState.VERIFYING:
        yield from _ended(sprint, unit, event, now)


def recover(sprint: Sprint, now: int, *, copied: bool = False) -> Moves:
    """What a new supervisor can say at once: an attempt that has only been spawned was never told to run.

    In a copied journal nothing can be said of an attempt that had been told: it is lost.
    """
    for unit in list(sprint.live.values()):
        spawned = unit.spawned
        if unit.state == TaskState.SPAWNED and spawned is not None and spawned.epoch < sprint.epoch:
            yield Move(
                unit.path, "abort", {"why": "the supervisor ended before it was started"}, unit.attempt
            )
            yield from _end_groups(sprint, unit)
        elif copied and unit.state != TaskState.VERIFYING:
            facts: Facts = {"verdict": "lost", "error": "it was running when this directory was copied"}
            yield from _failed(sprint, unit, facts, now)


def proceed(sprint: Sprint, limit: int, now: int) -> Moves:
    """Starts what may start within `limit` slots, and closes what is complete."""
    if sprint.state == SprintState.IN_PROGRESS:
        # Gates and fixes first: they run in a slot that is taken already, and free it.
        for owner in list(sprint.live.values()):
            unit = check(owner)
            if unit is not None:
                yield from _spawn(sprint, unit, now)
    while sprint.state == SprintState.IN_PROGRESS and (unit := following(sprint)) is not None:
        if unit.machine != Machine.TASK:
            yield from _close(sprint, unit)
        elif unit.slot and sprint.slots >= limit:
            break
        else:
            yield from _spawn(sprint, unit, now)
    if sprint.state == SprintState.IN_PROGRESS and not sprint.live and not sprint.waiting:
        yield Move(SPRINT_UNIT, "block", {"why": "nothing that is left can start", "kind": "stuck"})


def resume(sprint: Sprint, who: str, why: str) -> Moves:
    """Sets a resting sprint going: what was interrupted or has failed runs again, what is done stays done."""
    cancelled = sprint.state == SprintState.CANCELLED
    trigger = "retry" if sprint.state == SprintState.BLOCKED else "resume"
    yield Move(SPRINT_UNIT, trigger, {"who": who, "why": why})
    if cancelled:
        yield from _uncancel(sprint)
    for unit in list(sprint.failed.values()):
        if unit.state == TaskState.FAILED:
            yield from _rerun(unit)


def _uncancel(sprint: Sprint) -> Moves:
    """What was cancelled with the sprint takes part again. A leaf sees to its gate when it comes to it."""
    for unit in sprint.order:
        if unit.state != TaskState.CANCELLED:
            continue
        if unit.machine == Machine.GROUP:
            yield Move(unit.path, "reopen", {})
        elif unit.owner is None:
            yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)
        elif unit.owner.machine == Machine.GROUP:
            yield Move(unit.path, "retry", {"by": "gate"}, unit.attempt)


def _rerun(unit: Unit) -> Moves:
    """Makes a failed unit ready to run. What failed in the background was tolerated, unless it was interrupted."""
    cause = verdict(unit)
    owner = unit.owner
    if owner is not None:
        if owner.state in (TaskState.VERIFYING, GroupState.IN_PROGRESS):
            if cause == "interrupted":
                yield Move(unit.path, "retry", {"by": "gate"}, unit.attempt)
        elif owner.machine == Machine.GROUP and owner.state == GroupState.FAILED and unit is owner.gate:
            yield from _reopen([*reversed(list(ancestors(owner))), owner])
            yield from _fresh_gate(owner)
        return
    again = Move(unit.path, "retry", {"by": "run"}, unit.attempt)
    if unit.background:
        if cause == "interrupted":
            yield again
        return
    yield from _reopen(reversed(list(ancestors(unit))))
    if cause == "gate":
        yield Move(unit.path, "verify", {}, unit.attempt)
        yield from _fresh_gate(unit)
    else:
        yield again


def _reopen(groups: Iterable[Unit]) -> Moves:
    for group in groups:
        if group.state in ENDED:
            yield Move(group.path, "reopen", {})


def _fresh_gate(owner: Unit) -> Moves:
    """Makes an owner's script and fix ready to run, and begins their count anew."""
    for unit in (owner.fix, owner.gate):
        if unit is not None and unit.state in ENDED:
            yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)


def verdict(unit: Unit) -> str:
    """What a failed unit's last attempt amounted to."""
    return str(unit.ended.decoded().get("verdict", "failed")) if unit.ended is not None else "failed"


def _spawn(sprint: Sprint, unit: Unit, now: int) -> Moves:
    for group in reversed(list(ancestors(unit))):
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    attempt = unit.attempt + 1
    later = f"~{sprint.nth}" if sprint.nth > 1 else ""
    stem = name(unit.path) + later
    facts: Facts = {"name": stem}
    if unit.background and unit.owner is None:
        if unit.first is None:
            step = unit.parent.node if unit.parent is not None else None
            stem = task_id(getattr(step, "id", None), _leaf(unit).id, now, sprint.tasks) + later
        else:
            stem = unit.first.decoded()["task"]
        facts["task"] = stem
    facts["log"] = f"logs/{stem}.log" if attempt == 1 else f"logs/{stem}.{attempt}.log"
    yield Move(unit.path, "spawn", facts, attempt)


def _leaf(unit: Unit) -> Leaf:
    assert isinstance(unit.node, Leaf), "only leaves are ParallelTasks"
    return unit.node


def _close(sprint: Sprint, unit: Unit) -> Moves:
    """Completes an exhausted group, or the sprint; an empty group starts first."""
    if unit.machine == Machine.SPRINT:
        failed = [found.path for found in sprint.failed.values() if found.background and found.owner is None]
        yield Move(SPRINT_UNIT, "complete", {"failed": failed} if failed else {})
        return
    for group in [*reversed(list(ancestors(unit))), unit]:
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    yield from _settle(sprint, unit)


def _break(unit: Unit) -> Moves:
    node = unit.node
    if node is not None and not isinstance(node, Gate) and node.breaks:
        yield Move(SPRINT_UNIT, "break", {"unit": unit.path})


def _ended(sprint: Sprint, unit: Unit, event: Ended, now: int) -> Moves:
    facts = dict(event.facts)
    stopping, cancelled = unit.state == TaskState.STOPPING, sprint.state == SprintState.CANCELLED
    if event.outcome == "never-ran" and not stopping:
        yield Move(unit.path, "abort", facts, unit.attempt)
        yield from _end_groups(sprint, unit)
    elif event.outcome != "never-ran" and event.verdict == "ok" and unit.gate is None:
        yield Move(unit.path, "succeed", facts, unit.attempt)
        yield from _succeeded(sprint, unit)
    elif event.outcome != "never-ran" and event.verdict == "ok" and not (stopping and cancelled):
        yield Move(unit.path, "verify", facts, unit.attempt)
        yield from _fresh_gate(unit)
    elif stopping and (cancelled or event.verdict not in BOUNDS):
        yield from _stopped(sprint, unit, facts)
    else:
        yield from _failed(sprint, unit, {**facts, "verdict": event.verdict}, now)


def _stopped(sprint: Sprint, unit: Unit, facts: Facts) -> Moves:
    if sprint.state == SprintState.CANCELLED:
        yield Move(unit.path, "cancel", facts, unit.attempt)
    else:
        yield Move(unit.path, "fail", {**facts, "verdict": "interrupted"}, unit.attempt)
        if sprint.state == SprintState.IN_PROGRESS:  # somebody has resumed it in the meantime
            yield Move(unit.path, "retry", {"by": "gate" if unit.owner else "run"}, unit.attempt)
    yield from _end_groups(sprint, unit)


def _succeeded(sprint: Sprint, unit: Unit) -> Moves:
    owner = unit.owner
    if owner is None:
        yield from _done(sprint, unit)
    elif unit is owner.fix:
        yield from _script_again(owner)
    elif owner.machine == Machine.GROUP:
        yield from _settle(sprint, owner)
    elif owner.state == TaskState.VERIFYING:
        yield Move(owner.path, "succeed", {}, owner.attempt)
        yield from _done(sprint, owner)
    yield from _end_groups(sprint, unit)


def _done(sprint: Sprint, unit: Unit) -> Moves:
    """A unit has ended well: its break takes effect, and its group may be complete with it."""
    if sprint.state == SprintState.IN_PROGRESS:
        yield from _break(unit)
    if unit.parent is not None and unit.parent.machine == Machine.GROUP:
        yield from _settle(sprint, unit.parent)


def _settle(sprint: Sprint, group: Unit) -> Moves:
    passed = group.gate is None or group.gate.state == TaskState.COMPLETED
    if group.state == GroupState.IN_PROGRESS and passed and advance(sprint, group) is None:
        yield Move(group.path, "complete", {})
        yield from _done(sprint, group)


def _script_again(owner: Unit) -> Moves:
    if owner.gate is not None and owner.gate.state == TaskState.FAILED:
        yield Move(owner.gate.path, "retry", {"by": "gate"}, owner.gate.attempt)


def _failed(sprint: Sprint, unit: Unit, facts: Facts, now: int) -> Moves:
    yield Move(unit.path, "fail", facts, unit.attempt)
    owner = unit.owner
    if owner is None:
        yield from _retry(sprint, unit, str(facts["verdict"]), now)
    elif unit is owner.fix:
        yield from _script_again(owner)  # what the fix did is judged by the script, not by its own status
    else:
        yield from _gate_failed(sprint, owner, unit)
    yield from _end_groups(sprint, unit)


def _gate_failed(sprint: Sprint, owner: Unit, script: Unit) -> Moves:
    gate = script.node
    assert isinstance(gate, Gate), "a gate's unit carries the gate"
    assert owner.fix is not None, "who has a gate has a fix"
    if gate.prompt is not None and script.tries < gate.tries:
        if owner.fix.state != TaskState.PENDING:
            yield Move(owner.fix.path, "retry", {"by": "gate"}, owner.fix.attempt)
        return
    error = f"gate failed after {script.tries} of {gate.tries} tries" if gate.prompt else "gate failed"
    facts: Facts = {"verdict": "gate", "error": error}
    if owner.machine == Machine.TASK:
        yield Move(owner.path, "fail", facts, owner.attempt)
    else:
        yield Move(owner.path, "fail", facts)
    yield from _block(sprint, owner, error)


def _retry(sprint: Sprint, unit: Unit, cause: str, now: int) -> Moves:
    policy = _leaf(unit).retry or sprint.plan.retry
    if policy is not None and unit.tries < policy.max_attempts and _wanted(policy, cause):
        wait = policy.backoff[min(unit.tries, len(policy.backoff)) - 1] if policy.backoff else 0.0
        delay = int(wait * 1000)
        facts: Facts = {"delay": delay, "until": now + delay, "why": "back-off", "after": cause}
        yield Move(unit.path, "delay", facts, unit.attempt)
        return
    if unit.background:
        return
    assert unit.ended is not None, "it has just failed"
    error = str(unit.ended.decoded().get("error") or cause)
    if cause == "needs-human" and sprint.state in HALTABLE:
        yield Move(SPRINT_UNIT, "ask", {"unit": unit.path, "why": error})
    else:
        yield from _block(sprint, unit, error)


def _wanted(policy: Retry, cause: str) -> bool:
    return cause in policy.on if policy.on else cause not in FATAL


def _block(sprint: Sprint, unit: Unit, error: str) -> Moves:
    if not unit.background and sprint.state in HALTABLE:
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": error, "kind": "failed"})


def _end_groups(sprint: Sprint, unit: Unit) -> Moves:
    """When the last of what ran in a group has ended, what failed in it for good fails it, and a cancel cancels it."""
    cancelled = sprint.state == SprintState.CANCELLED
    if not cancelled and sprint.state not in (SprintState.BLOCKED, SprintState.NEEDS_HUMAN):
        return
    owner = unit.owner
    for group in [
        *([owner] if owner is not None and owner.machine == Machine.GROUP else []),
        *ancestors(unit),
    ]:
        if group.state == GroupState.IN_PROGRESS and not group.alive and (cancelled or group.broken):
            yield Move(group.path, "cancel" if cancelled else "fail", {})


def opening(sprint: Sprint) -> Moves:
    """The first move of a run whose plan and lease are recorded."""
    if sprint.state != SprintState.NOT_STARTED:
        raise SprintError(f"this run is {sprint.state} already")
    yield Move(SPRINT_UNIT, "start", {})
