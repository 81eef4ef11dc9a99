"""Running again by an operator's word what has ended: one task, all in a group, and what came after it.

Rule: what is not named stays as it is, and whoever asks is told what that is.
"""

from collections.abc import Iterator

from fsm.accounts import lifted
from fsm.events import Asked
from fsm.resume import fresh_gate, overdue_break, reopen, unseen
from fsm.sprint import Sprint
from fsm.states import AT_REST, ENDED, LIVE, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors, below
from fsm.waits import APPROVAL

_SHOWN = 8
"""Units that an answer names before it only counts them."""

_STAYS = frozenset({SprintState.PAUSED, SprintState.PAUSED_AT_BREAKPOINT})
"""States of rest that somebody has wanted as such: running one thing again does not end them."""


def again(sprint: Sprint, unit: Unit, event: Asked) -> tuple[str, Moves]:
    """The answer to who wants something run again, and the moves."""
    if sprint.state == SprintState.CANCELLED:
        return "refused: the sprint is cancelled; `resume` takes it up again", iter(())
    if unit.state == TaskState.WAITING:
        if sprint.why.get(unit.path) == APPROVAL:
            return f"refused: {unit.path} waits for an answer", iter(())
        return f"{unit.path} waits no longer", _awake(sprint, unit, event)
    if unit.leaf is not None and unit.leaf.state != TaskState.COMPLETED:
        return (
            f"refused: {unit.path} runs when {unit.leaf.path}, which is {unit.leaf.state}, has completed",
            iter(()),
        )
    wanted = _leaves(unit)
    if not wanted:
        return f"refused: nothing in {unit.path} has run", iter(())
    later = [leaf for leaf in _after(unit) if leaf.state != TaskState.PENDING and leaf not in wanted]
    if event.options.get("downstream"):
        wanted += later
        later = []
    alive = [leaf.path for leaf in wanted if leaf.state in LIVE or leaf.state == TaskState.WAITING]
    if alive:
        return f"refused: {_listed(alive)} still runs or waits; stop or skip it first", iter(())
    said = f"{unit.path} runs again"
    if len(wanted) > 1:
        said += f", {len(wanted)} tasks in all"
    if sprint.state in _STAYS:
        said += f" when the sprint, which is {sprint.state}, is resumed"
    elif (broke := unseen(sprint)) is not None and broke not in wanted:
        said += f" when the sprint, which stops at the break after {broke.path}, is resumed"
    if later:
        said += f"; what came after it stays as it is: {_listed([leaf.path for leaf in later])}"
    return said, _again(sprint, wanted, event)


def _listed(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _awake(sprint: Sprint, unit: Unit, event: Asked) -> Moves:
    assert unit.moved is not None, "a waiting unit was moved there"
    facts: Facts = {"by": "operator", "who": event.who, "why": event.why}
    over = lifted(sprint, unit, unit.moved.decoded().get("until", 0))
    yield Move(unit.path, "wake", {**facts, "lifted": over} if over else facts, unit.attempt)


def _again(sprint: Sprint, wanted: list[Unit], event: Asked) -> Moves:
    facts: Facts = {"who": event.who, "why": event.why}
    if sprint.state in AT_REST and sprint.state not in _STAYS:
        yield Move(SPRINT_UNIT, "retry", facts)
    for leaf in wanted:
        for group in reversed(list(ancestors(leaf))):
            if group.state in ENDED:
                yield from reopen([group])
                yield from fresh_gate(group)
        if leaf.state in ENDED:
            yield Move(leaf.path, "retry", {"by": "operator", **facts}, leaf.attempt)
    yield from overdue_break(sprint)


def _leaves(unit: Unit) -> list[Unit]:
    """What is to run when all of a unit runs again; what has not run yet does so anyway."""
    found = [unit, *unit.hooks] if unit.machine == Machine.TASK else list(below(unit))
    return [leaf for leaf in found if leaf.state != TaskState.PENDING]


def _after(unit: Unit) -> Iterator[Unit]:
    """The leaves that come after a unit: what follows it in each group around it, or depends on its step."""
    place: Unit | None = unit
    while place is not None and place.parent is not None:
        around = place.parent
        for step in around.children[place.index + 1 :] if around.choice is None else _depending(place):
            yield from below(step) if step.machine == Machine.GROUP else [step]
        place = around


def _depending(step: Unit) -> list[Unit]:
    """The steps that depend on a step, directly or not, in plan order."""
    found: dict[int, Unit] = {}
    asked = [step]
    while asked:
        for other in asked.pop().dependents:
            if other.index not in found:
                found[other.index] = other
                asked.append(other)
    return [found[index] for index in sorted(found)]
