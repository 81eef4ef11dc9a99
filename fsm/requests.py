"""What people ask of a sprint from outside, and what follows, by the table of `fsm.commands`.

Rule: a request is a row before it is anything else, with its id and its answer, so that it is applied once and answered
however often it is met.
"""

from collections.abc import Iterator

from fsm.amend import asked_to_add, decided
from fsm.answers import answered
from fsm.budget import larger
from fsm.commands import COMMANDS, VERBS
from fsm.events import Asked
from fsm.rerun import again
from fsm.resume import resume
from fsm.sprint import Sprint
from fsm.states import GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors, below

GRACE_MS = 10_000
"""Between TERM and KILL."""


def asked(sprint: Sprint, event: Asked, now: int) -> Moves:
    """An operator's request: recorded with its answer, then done. One that was met before is only answered again."""
    if event.id and event.id in sprint.requests:
        return  # the engine answers it again
    answer, moves = _answer(sprint, event, now)
    facts: Facts = {"id": event.id, "verb": event.verb, "who": event.who, "why": event.why, "answer": answer}
    if event.unit:
        facts["unit"] = event.unit
    if event.text:
        facts["text"] = event.text
    if event.options:
        facts["options"] = event.options
    yield Move(SPRINT_UNIT, "request", facts)
    yield from moves


def _answer(sprint: Sprint, event: Asked, now: int) -> tuple[str, Moves]:
    if event.epoch not in (0, sprint.epoch):
        return "refused: another supervisor has taken over since you asked", iter(())
    unit = sprint.units.get(event.unit or SPRINT_UNIT)
    if event.verb not in VERBS:
        return f"refused: {event.verb} is not something this supervisor does", iter(())
    if event.unit in sprint.proposed and event.verb in ("answer", "approve", "reject"):
        return decided(sprint, event)
    if unit is None:
        return f"refused: {event.unit} is nothing that this sprint has", iter(())
    if unit.owner is not None:
        return f"refused: {unit.path} belongs to {unit.owner.path}; name that", iter(())
    rule = COMMANDS[event.verb, unit.machine, unit.state]
    if not rule.done:
        name = "the sprint" if unit.machine == Machine.SPRINT else unit.path
        return f"refused: {name} is {unit.state}: {rule.meaning}", iter(())
    return _done(sprint, unit, event, now)


def _done(sprint: Sprint, unit: Unit, event: Asked, now: int) -> tuple[str, Moves]:
    """What the table says is done: the answer and the moves."""
    running = sum(found.state != TaskState.VERIFYING for found in sprint.live.values())
    if event.verb == "pause":
        return _paused(running, here=not event.id), _pause(event)
    if event.verb == "skip":
        return _skipped(sprint, unit, event)
    if event.verb in ("answer", "approve", "reject"):
        return answered(sprint, unit, event)
    if event.verb == "add-step":
        return asked_to_add(sprint, unit, event)
    if unit.machine == Machine.SPRINT:
        if event.verb in ("resume", "retry"):
            budget = event.options.get("budget") or {}
            wrong = larger(sprint, budget)
            if wrong:
                return f"refused: {'; '.join(wrong)}", iter(())
            return "the sprint goes on", resume(sprint, event.who, event.why, budget)
        return f"stopping {running} {'task' if running == 1 else 'tasks'}", _stop(sprint, event, now)
    if event.verb == "stop":
        return _stopped(unit, event, now)
    return again(sprint, unit, event) if unit.machine != Machine.NOTICE else _sent_again(unit)


def _sent_again(unit: Unit) -> tuple[str, Moves]:
    return f"{unit.path} is sent again", iter([Move(unit.path, "retry", {}, unit.attempt)])


def _stopped(unit: Unit, event: Asked, now: int) -> tuple[str, Moves]:
    """Ends one task, or all that run in a group; nobody runs them again before somebody says so."""
    leaves = [leaf for leaf in _leaves(unit) if leaf.state in (TaskState.SPAWNED, TaskState.RUNNING)]
    if not leaves:
        return f"refused: nothing in {unit.path} runs", iter(())
    facts: Facts = {
        "verb": "stop",
        "who": event.who,
        "why": event.why,
        "kill-at": now + GRACE_MS,
        "alone": True,
    }
    return (
        f"stopping {', '.join(leaf.path for leaf in leaves)}",
        iter([Move(leaf.path, "stop", facts, leaf.attempt) for leaf in leaves]),
    )


def _skipped(sprint: Sprint, unit: Unit, event: Asked) -> tuple[str, Moves]:
    if sprint.state == SprintState.CANCELLED:
        return "refused: the sprint is cancelled", iter(())
    inside = (f"{unit.path}/", f"{unit.path}#")
    alive = [path for path in sprint.live if path == unit.path or path.startswith(inside)]
    if alive:
        ends = any(leaf.state in (TaskState.SPAWNED, TaskState.RUNNING) for leaf in _leaves(unit))
        how = f"`stop {unit.path}` ends it" if ends else "stop the sprint first"
        return f"refused: {', '.join(alive)} still runs; {how}", iter(())
    return f"skipped {unit.path}", _skip(unit, event)


def _skip(unit: Unit, event: Asked) -> Moves:
    """Leaves out a unit and all in it; groups that failed because of it are open again, so that the line can go on."""
    facts: Facts = {"by": "operator", "who": event.who, "why": event.why}
    for leaf in _leaves(unit):
        if COMMANDS["skip", Machine.TASK, leaf.state].done:
            yield Move(leaf.path, "skip", facts, leaf.attempt)
    for group in _groups(unit):
        if COMMANDS["skip", Machine.GROUP, group.state].done:
            yield Move(group.path, "skip", facts)
    for group in ancestors(unit):
        gave_up = group.gate is not None and group.gate.state == TaskState.FAILED
        if group.state != GroupState.FAILED or group.broken or gave_up:
            break  # it did not fail because of this one, or not of this one alone
        yield Move(group.path, "reopen", {})


def _leaves(unit: Unit) -> list[Unit]:
    return [unit] if unit.machine == Machine.TASK else list(below(unit))


def _groups(unit: Unit) -> Iterator[Unit]:
    """The groups in a unit, inner ones first, itself last."""
    if unit.machine == Machine.GROUP:
        for child in unit.children:
            yield from _groups(child)
        yield unit


def _paused(running: int, *, here: bool) -> str:
    """`here`: asked by the terminal that the supervisor runs in, where a second Ctrl-C does more."""
    if not running:
        return "paused"
    goes_on = "1 running task goes on to its" if running == 1 else f"{running} running tasks go on to their"
    return f"paused; {goes_on} end{', unless you press Ctrl-C again' if here else ''}"


def _pause(event: Asked) -> Moves:
    yield Move(SPRINT_UNIT, "pause", {"who": event.who, "why": event.why})


def _stop(sprint: Sprint, event: Asked, now: int) -> Moves:
    if event.verb == "cancel":
        yield Move(SPRINT_UNIT, "cancel", {"who": event.who, "why": event.why})
    elif sprint.state == SprintState.IN_PROGRESS:
        yield from _pause(event)
    facts: Facts = {"verb": event.verb, "who": event.who, "why": event.why, "kill-at": now + GRACE_MS}
    for unit in list(sprint.live.values()):
        if unit.state in (TaskState.SPAWNED, TaskState.RUNNING):
            yield Move(unit.path, "stop", facts, unit.attempt)
    if event.verb == "cancel":
        yield from _cancel_rest(sprint, facts)


def _cancel_rest(sprint: Sprint, facts: Facts) -> Moves:
    for unit in list(sprint.live.values()):
        if unit.state == TaskState.VERIFYING:
            yield Move(unit.path, "stop", facts, unit.attempt)
            yield Move(unit.path, "cancel", {}, unit.attempt)
    for unit in list(sprint.waiting.values()):
        # A group that has not begun is left pending, as others are: it asks anew should it ever come to that.
        yield Move(unit.path, "cancel" if unit.machine == Machine.TASK else "wake", {}, unit.attempt)
    for unit in reversed(sprint.order):
        if unit.machine == Machine.GROUP and unit.state == GroupState.IN_PROGRESS and not unit.alive:
            yield Move(unit.path, "cancel", {})
