"""What follows: (fold, what happened, now) → moves. All policy stands here: retries, gates, breaks, failing, stopping.

Rule: these are generators, and each move must be recorded before the next is asked for, because the next is decided
on the state that it leaves. What comes out between two commits is one batch.
"""

from fsm.errors import SprintError
from fsm.events import Adopted, Asked, Due, Ended, Event, Learnt, Ready
from fsm.names import name, task_id
from fsm.plan import Gate, Group, Leaf, Retry
from fsm.ready import advance, check, following
from fsm.requests import asked
from fsm.resume import fresh_gate, verdict
from fsm.sprint import Sprint
from fsm.states import GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors, below

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
        if unit.machine == Machine.TASK and unit.slot and sprint.slots >= limit:
            break
        point = _sync_point(unit)
        if point is not None:
            yield from _sync(sprint, point)
            if sprint.state != SprintState.IN_PROGRESS:
                break
        if unit.machine != Machine.TASK:
            yield from _close(sprint, unit)
        else:
            yield from _spawn(sprint, unit, now)
    if sprint.state == SprintState.IN_PROGRESS and not sprint.live and not sprint.waiting:
        yield Move(SPRINT_UNIT, "block", {"why": "nothing that is left can start", "kind": "stuck"})


def _sync_point(unit: Unit) -> Unit | None:
    """The sync point that the main line passes when this unit moves; the sprint's end is one."""
    above: Unit | None = unit
    while above is not None:
        waits = isinstance(above.node, Leaf | Group) and above.node.wait
        if above.machine == Machine.SPRINT and above is unit:
            return above
        if waits and above.state == GroupState.PENDING:
            return above
        above = above.parent
    return None


def _sync(sprint: Sprint, point: Unit) -> Moves:
    """What failed in the background since the last sync point is told here, and tolerated or not."""
    failed = [
        unit
        for unit in sprint.failed.values()
        if unit.background and unit.owner is None and unit.path not in sprint.tolerated
    ]
    if not failed:
        return
    policy = getattr(point.node, "on_parallel_failure", None) or sprint.plan.on_parallel_failure
    names = [unit.path for unit in failed]
    logs = [unit.spawned.decoded()["log"] for unit in failed if unit.spawned is not None]
    facts: Facts = {"unit": point.path, "failed": names, "logs": logs}
    if policy == "block":
        why = f"background tasks failed: {', '.join(names)}"
        yield Move(SPRINT_UNIT, "block", {**facts, "kind": "background", "why": why})
    else:
        yield Move(SPRINT_UNIT, "tolerate", facts)


def _spawn(sprint: Sprint, unit: Unit, now: int) -> Moves:
    for group in reversed(list(ancestors(unit))):
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    if unit.kept:
        yield Move(unit.path, "verify", {}, unit.attempt)
        yield from fresh_gate(unit)
        script = check(unit)
        assert script is not None, "its gate is fresh"
        yield from _spawn(sprint, script, now)
        return
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
    """Ends an exhausted group, or the sprint; an empty group starts first."""
    if unit.machine == Machine.SPRINT:
        failed = [found.path for found in sprint.failed.values() if found.background and found.owner is None]
        yield Move(SPRINT_UNIT, "complete", {"failed": failed} if failed else {})
        return
    for group in [*reversed(list(ancestors(unit))), unit]:
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    if unit.broken:
        yield Move(unit.path, "fail", {"error": f"{unit.broken} of {len(unit.children)} steps failed"})
        yield from _block(sprint, unit, f"{unit.broken} of {len(unit.children)} steps failed")
        yield from _end_groups(sprint, unit)
        return
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
        yield from fresh_gate(unit)
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
        keeper = _keeper(owner)
        if keeper is not None and owner.parent is keeper and sprint.state in HALTABLE:
            yield from _skip_dependents(keeper, owner)
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
    if not unit.background and sprint.state in HALTABLE and _keeper(unit) is None:
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": error, "kind": "failed"})


def _keeper(unit: Unit) -> Unit | None:
    """The group above that goes on with its other steps when one of them fails."""
    for group in ancestors(unit):
        follows = group.choice is None  # where each step waits for the one before, none can do without it
        if isinstance(group.node, Group) and group.node.on_dependency_failure != "fail-phase" and not follows:
            return group
    return None


def _end_groups(sprint: Sprint, unit: Unit) -> Moves:
    """When the last of what ran in a group has ended, what failed in it for good fails it, and a cancel cancels it.

    While the sprint goes on, that holds only below a group that goes on with its other steps.
    """
    cancelled = sprint.state == SprintState.CANCELLED
    halted = cancelled or sprint.state in (SprintState.BLOCKED, SprintState.NEEDS_HUMAN)
    keeper = _keeper(unit.owner or unit)
    under = keeper is not None
    owner = unit.owner
    for group in [
        *([owner] if owner is not None and owner.machine == Machine.GROUP else []),
        *ancestors(unit),
    ]:
        under = under and group is not keeper
        if not halted and not under:
            return
        if group.state == GroupState.IN_PROGRESS and not group.alive and (cancelled or group.broken):
            if not halted and not _for_good(group):
                return
            yield Move(group.path, "cancel" if cancelled else "fail", {})
            if keeper is not None and group.parent is keeper and not halted:
                yield from _skip_dependents(keeper, group)


def _for_good(group: Unit) -> bool:
    """Whether something in a group has failed that nobody will try again by himself."""
    bad = [child for child in group.children if child.state == TaskState.FAILED and not child.background]
    return any(child.machine == Machine.GROUP or verdict(child) != "interrupted" for child in bad)


def _skip_dependents(keeper: Unit, failed: Unit) -> Moves:
    """Leaves out, with all in them, the steps that cannot be done without one that failed."""
    if isinstance(keeper.node, Group) and keeper.node.on_dependency_failure == "continue":
        return
    for step in failed.dependents:
        if step.state not in (GroupState.PENDING, GroupState.IN_PROGRESS) or step.alive:
            continue  # one that is in progress was left out before, and taken up again with what it depends on
        facts: Facts = {"by": "dependency", "why": f"it depends on {failed.path}, which failed"}
        for unit in below(step):
            if unit.state in (TaskState.PENDING, TaskState.WAITING, TaskState.FAILED):
                yield Move(unit.path, "skip", facts, unit.attempt)
        yield Move(step.path, "skip", facts)
        yield from _skip_dependents(keeper, step)


def opening(sprint: Sprint) -> Moves:
    """The first move of a run whose plan and lease are recorded."""
    if sprint.state != SprintState.NOT_STARTED:
        raise SprintError(f"this run is {sprint.state} already")
    yield Move(SPRINT_UNIT, "start", {})
