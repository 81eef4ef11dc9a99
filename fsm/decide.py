"""What follows: (fold, what happened, now) → moves. What happens at an attempt's end stands in `fsm.ending`.

Rule: these are generators, and each move must be recorded before the next is asked for, because the next is decided
on the state that it leaves. What comes out between two commits is one batch.
"""

from fsm.accounts import choose, lifted
from fsm.answers import approval, asking, stuck, timed_out, wanted
from fsm.budget import allowance, over
from fsm.ending import aborted, ended, failed
from fsm.errors import SprintError
from fsm.events import Adopted, Asked, Due, Event, Learnt, Notified, Ready
from fsm.groups import block, end_groups, settle
from fsm.names import name, task_id
from fsm.notices import told
from fsm.plan import Group, Leaf
from fsm.ready import check, following
from fsm.requests import asked
from fsm.resume import fresh_gate
from fsm.retry import session
from fsm.sprint import Sprint
from fsm.states import GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors
from fsm.waits import APPROVAL, LIMIT


def react(sprint: Sprint, event: Event, now: int) -> Moves:
    """What an event leads to. Events about attempts that are over are nothing new and lead to nothing."""
    if isinstance(event, Asked):
        yield from asked(sprint, event, now)
        return
    if isinstance(event, Notified):
        yield from told(sprint, event)
        return
    unit = sprint.units.get(event.unit)
    if unit is None or unit.attempt != event.attempt:
        return
    if isinstance(event, Due):
        if unit.state == TaskState.WAITING:
            yield from _woken(sprint, unit)
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
        yield from ended(sprint, unit, event, now)


def _woken(sprint: Sprint, unit: Unit) -> Moves:
    """Its time has come; if it waited for a usage limit, that is over, wherever the clock has gone to meanwhile."""
    facts: Facts = {}
    if sprint.why.get(unit.path) == APPROVAL:
        if unit.path not in sprint.timeless:
            yield from timed_out(sprint, unit)
        return
    if sprint.why.get(unit.path) == LIMIT and unit.moved is not None:
        over = lifted(sprint, unit, unit.moved.decoded()["until"])
        facts = {"lifted": over} if over else {}
    yield Move(unit.path, "wake", facts, unit.attempt)


def recover(sprint: Sprint, now: int, *, copied: bool = False) -> Moves:
    """What a new supervisor can say at once: an attempt that has only been spawned was never told to run.

    In a copied journal nothing can be said of an attempt that had been told: it is lost.
    """
    for unit in list(sprint.live.values()):
        spawned = unit.spawned
        if unit.state == TaskState.SPAWNED and spawned is not None and spawned.epoch < sprint.epoch:
            yield from aborted(sprint, unit, {"why": "the supervisor ended before it was started"})
        elif copied and unit.state != TaskState.VERIFYING:
            facts: Facts = {"verdict": "lost", "error": "it was running when this directory was copied"}
            yield from failed(sprint, unit, facts, now)


def proceed(sprint: Sprint, limit: int, now: int, *, wait_for_limits: bool = True) -> Moves:
    """Starts what may start within `limit` slots, and closes what is complete.

    Without `wait_for_limits` the sprint is paused when nothing is left to do but to wait for a usage limit.
    """
    # Gates and fixes first: they run in a slot that is taken already, and free it.
    for owner in list(sprint.live.values()):
        unit = check(owner) if sprint.state == SprintState.IN_PROGRESS else None
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
            yield from _close(sprint, unit, now)
        else:
            yield from _spawn(sprint, unit, now)
    idle = sprint.state == SprintState.IN_PROGRESS and not sprint.live
    if idle and len(sprint.waiting) == len(sprint.timeless):
        nothing = Move(SPRINT_UNIT, "block", {"why": "nothing that is left can start", "kind": "stuck"})
        yield from asking(sprint) if sprint.waiting else stuck(sprint, nothing)
    if not wait_for_limits and sprint.state == SprintState.IN_PROGRESS and _limited(sprint):
        limits = {name: until for name, until in sprint.limits.items() if until > now}
        if limits:
            why = f"usage limit of {', '.join(limits)}, and told not to wait"
            yield Move(SPRINT_UNIT, "pause", {"why": why, "kind": "limit", "until": min(limits.values())})


def _limited(sprint: Sprint) -> bool:
    """Whether all that is left to do waits for a usage limit, or comes after what does."""
    passing = len(sprint.waiting) - len(sprint.timeless) - sprint.waits[LIMIT]
    return sprint.waits[LIMIT] > 0 and not passing and not sprint.busy


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
        if unit.background and unit.owner is None and unit.leaf is None and unit.path not in sprint.tolerated
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
    for place in [*reversed(list(ancestors(unit))), unit]:
        asks = approval(place) if place.state == TaskState.PENDING else None
        if asks is not None:
            yield wanted(place, asks, now)
            return
        if place.state == GroupState.PENDING and place.machine == Machine.GROUP:
            yield Move(place.path, "start", {})
    if unit.kept:
        yield Move(unit.path, "verify", {}, unit.attempt)
        yield from fresh_gate(unit)
        script = check(unit)
        assert script is not None, "its gate is fresh"
        yield from _spawn(sprint, script, now)
        return
    if sprint.repeats >= sprint.plan.most_attempts and unit.attempt:
        why = f"{sprint.repeats} attempts beyond the first of their units: this may never end by itself"
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": why, "kind": "budget"})
        return
    chosen = choose(sprint, unit, now)
    if chosen.waits:
        yield Move(unit.path, "delay", chosen.facts, unit.attempt)
        return
    broke = over(unit)
    if broke is not None:
        yield broke
        return
    attempt = unit.attempt + 1
    later = f"~{sprint.nth}" if sprint.nth > 1 else ""
    stem = name(unit.path) + later
    facts: Facts = {"name": stem}
    if unit.background and unit.owner is None and unit.leaf is None:
        if unit.first is None:
            step = unit.parent.node if unit.parent is not None else None
            stem = task_id(getattr(step, "id", None), _leaf(unit).id, now, sprint.tasks) + later
        else:
            stem = unit.first.decoded()["task"]
        facts["task"] = stem
    facts["log"] = f"logs/{stem}.log" if attempt == 1 else f"logs/{stem}.{attempt}.log"
    facts |= chosen.facts | allowance(unit) | _inherited(unit, chosen.facts)
    yield Move(unit.path, "spawn", facts, attempt)


def _inherited(unit: Unit, chosen: Facts) -> Facts:
    """What an attempt takes over from those before it; a session only if the same agent is asked."""
    if unit.past is None:
        return {}
    facts: Facts = {"answer": unit.past.answer} if unit.past.answer else {}
    resumed = "" if "failover" in chosen else session(unit)
    if resumed:
        facts["resume"] = resumed
        before = unit.spawned.decoded() if unit.spawned is not None else {}
        earlier = before.get("spent", {}) if before.get("resume") == resumed else {}
        spent = {
            name: earlier.get(name, 0) + unit.past.used.get(name, 0) for name in {**earlier, **unit.past.used}
        }
        if spent:
            facts["spent"] = spent
    return facts


def _leaf(unit: Unit) -> Leaf:
    assert isinstance(unit.node, Leaf), "only leaves are ParallelTasks"
    return unit.node


def _close(sprint: Sprint, unit: Unit, now: int) -> Moves:
    """Ends an exhausted group, or the sprint; an empty group starts first."""
    if unit.machine == Machine.SPRINT:
        beside = (one for one in sprint.failed.values() if one.background and one.leaf is None)
        failed = [found.path for found in beside if found.owner is None]
        yield Move(SPRINT_UNIT, "complete", {"failed": failed} if failed else {})
        return
    for group in [*reversed(list(ancestors(unit))), unit]:
        if group.state == GroupState.PENDING:
            asks = approval(group)
            if asks is not None:
                yield wanted(group, asks, now)
                return
            yield Move(group.path, "start", {})
    if unit.broken:
        why = f"{unit.broken} of {len(unit.children)} steps failed"
        yield Move(unit.path, "fail", {"error": why})
        for move in block(sprint, unit, why):
            yield from stuck(sprint, move)
        yield from end_groups(sprint, unit)
        return
    yield from settle(sprint, unit)


def opening(sprint: Sprint) -> Moves:
    """The first move of a run whose plan and lease are recorded."""
    if sprint.state != SprintState.NOT_STARTED:
        raise SprintError(f"this run is {sprint.state} already")
    yield Move(SPRINT_UNIT, "start", {})
