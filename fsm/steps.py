"""What may follow a moment: every step that the world, a supervisor or a person can take, and what is so afterwards.

Rule: whatever may happen next is a step of its own, so that who takes every step from every moment has seen every
order of events.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from fsm.errors import SprintError
from fsm.events import Adopted, Asked, Due, Ended, Event, Learnt, Ready
from fsm.moment import Moment
from fsm.scope import Broken, Kind, Owner, Process
from fsm.states import ENDED, SprintState, TaskState
from fsm.transition import Facts
from fsm.verdicts import BOUNDS
from fsm.waits import APPROVAL

Act = Callable[[Moment], object]


class Step(NamedTuple):
    """One thing that happens, and what is so afterwards."""

    kind: Kind
    label: str
    after: Moment
    broken: Broken | None = None
    """The law that it breaks; nothing is asked of what comes after it."""


def steps(moment: Moment) -> Iterator[Step]:
    """Every step that a moment allows, those that break a law among them. The moment itself stays as it is."""
    if not moment.turning:  # what happens outside during a turn might as well happen before or after it
        yield from _world(moment)
    if moment.owner == Owner.GONE:
        yield from _commands(moment)
        return
    yield from _heard(moment)
    if moment.turning:
        yield from _turned(moment, Kind.EVENT, "the turn ends")
        return
    for kind, event in _requests(moment):
        yield _hear(moment, f"somebody asks: {event.verb} {event.unit}".rstrip(), event, kind)
    if moment.scope.faults:
        yield _step(moment, Kind.FAULT, "the supervisor dies", Moment.die)


def _step(moment: Moment, kind: Kind, label: str, *acts: Act) -> Step:
    after = moment.copy()
    after.moved = []
    try:
        for act in acts:
            act(after)
    except Broken as broken:
        return Step(kind, label, after, broken)
    except (AssertionError, SprintError, LookupError) as error:
        return Step(kind, label, after, Broken("legal", str(error) or repr(error)))
    return Step(kind, label, after)


def _world(moment: Moment) -> Iterator[Step]:
    """What processes may do, whether anybody looks or not."""
    for path, process in sorted(moment.processes.items()):
        if process.where == "over":
            continue
        ways: list[tuple[Kind, str, str]] = []
        if process.where == "told":
            bounds = [one for one in moment.scope.verdicts if one in BOUNDS]
            ways = [(Kind.TOLD, "exit", one) for one in ("killed", "ok", *bounds)]
        elif process.where == "runs":
            work = moment.sprint.units[path].owner is None
            known = moment.scope.verdicts if work else ("ok", "failed")
            ways = [(Kind.END, "exit", one) for one in known]
        if moment.scope.aborts:
            ways.append((Kind.FAULT, "never-ran", ""))
        if moment.scope.faults and process.where != "gate":
            ways.append((Kind.FAULT, "lost", "lost"))
        for kind, outcome, verdict in ways:
            how = f"its process ends: {verdict}" if outcome == "exit" else f"its shim dies: {outcome}"
            over = Process("over", outcome, verdict)
            yield _step(moment, kind, f"{path}: {how}", partial(Moment.happen, path=path, process=over))


def _heard(moment: Moment) -> Iterator[Step]:
    """What the supervisor may take notice of now."""
    sprint = moment.sprint
    for path in sorted(moment.watched):
        unit, process = sprint.units[path], moment.processes.get(path)
        if process is None or path not in sprint.live:
            continue
        if process.where == "over":
            facts: Facts = {"until": 1} if process.verdict == "limit" else {}
            event = Ended(path, unit.attempt, process.outcome, process.verdict, facts)
            yield _step(moment, Kind.EVENT, f"{path}: its end is seen", partial(Moment.end, event=event))
            continue
        if unit.state == TaskState.SPAWNED:
            yield _hear(moment, f"{path}: its shim is ready", Ready(path, unit.attempt, {"pid": "1"}))
        elif unit.spawned is not None and unit.spawned.epoch < sprint.epoch:
            yield _hear(moment, f"{path}: it is found alive", Adopted(path, unit.attempt))
        if not moment.turning:
            yield _hear(moment, f"{path}: something is learnt", Learnt(path, unit.attempt, {}))
    for path, unit in sorted(sprint.waiting.items()) if moment.owner == Owner.RUNNING else ():
        if unit.moved is not None and unit.moved.decoded().get("until") is not None:
            yield _hear(moment, f"{path}: its time has come", Due(path, unit.attempt), Kind.TIME)


def _hear(moment: Moment, label: str, event: Event, kind: Kind = Kind.EVENT) -> Step:
    return _step(moment, kind, label, partial(Moment.react, event=event))


def _requests(moment: Moment) -> Iterator[tuple[Kind, Asked]]:
    for kind in (Kind.PAUSE, Kind.STOP, Kind.CANCEL):
        if kind in moment.scope.people:
            again = kind == Kind.CANCEL and moment.sprint.state == SprintState.CANCELLED
            yield Kind.AGAIN if again else kind, Asked("", kind.value, "", "somebody", "")
    if Kind.SKIP in moment.scope.people:
        for unit in moment.sprint.order:
            if unit.owner is None and unit.state not in ENDED - {TaskState.FAILED}:
                yield Kind.SKIP, Asked("", "skip", unit.path, "somebody", "")
    if Kind.ANSWER in moment.scope.people:
        yield from _answers(moment)


def _answers(moment: Moment) -> Iterator[tuple[Kind, Asked]]:
    for path, why in sorted(moment.sprint.why.items()):
        if why == APPROVAL:
            for verb in ("approve", "reject"):
                yield Kind.ANSWER, Asked("", verb, path, "somebody", "")


def _commands(moment: Moment) -> Iterator[Step]:
    """What somebody may type when no supervisor lives: the command becomes one."""
    state = moment.sprint.state
    if (
        state != SprintState.CANCELLED or not moment.sprint.live
    ):  # what still ends there is ended first, by `stop`
        begun = _step(moment, Kind.RUN, "run", Moment.take_over)
        if moment.scope.faults and begun.broken is None:
            begun.after.die()
            yield Step(Kind.FAULT, "run, and the supervisor dies when it has taken over", begun.after)
        yield from _turned(moment, Kind.RUN, "run", Moment.take_over, Moment.set_going)
    if state == SprintState.NOT_STARTED:
        return
    for kind, event in _requests(moment):
        label = f"somebody types: {event.verb} {event.unit}".rstrip()
        yield from _turned(moment, kind, label, partial(Moment.take_over, event=event))


def _turned(moment: Moment, kind: Kind, label: str, *acts: Act) -> Iterator[Step]:
    """A turn to its end: what follows is committed, and what is owed is asked for, wholly or in part."""
    step = _step(moment, kind, label, *acts, Moment.proceed)
    if step.broken is not None:
        yield step
        return
    rows, effects = step.after.moved, step.after.effects()
    for count in range(len(effects)) if moment.scope.faults else ():
        part = step.after.copy()
        part.perform(effects[:count])
        part.die()
        yield Step(Kind.FAULT, f"{label}; the supervisor dies after {count} of {len(effects)} effects", part)
    last = _step(step.after, kind, label, partial(Moment.perform, effects=effects), Moment.leave)
    last.after.moved = rows
    yield last
