"""What people are asked and what follows from their answers: approvals before something starts, questions of agents.

Rule: an answer is a fact of the row by which its unit moves. What nobody answers waits, or is answered by its time.
"""

from fsm.events import Asked
from fsm.plan import Approval, Group, Leaf
from fsm.resume import overdue_break
from fsm.sprint import Sprint
from fsm.states import SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors, harmless
from fsm.waits import APPROVAL

_YES = frozenset({"yes", "y", "approve", "approved", "ok"})
_NOBODY = "nobody"
_NO = frozenset({"no", "n", "reject", "rejected"})
_BLOCKABLE = frozenset(
    {
        SprintState.IN_PROGRESS,
        SprintState.PAUSED,
        SprintState.PAUSED_AT_BREAKPOINT,
        SprintState.NEEDS_HUMAN,
    }
)


def approval(unit: Unit) -> Approval | None:
    """What has to be agreed to before a pending leaf or group starts; None when nothing is left to be."""
    node = unit.node
    if not isinstance(node, Leaf | Group) or node.approval is None:
        return None
    return None if unit.past is not None and unit.past.approved else node.approval


def wanted(unit: Unit, asks: Approval, now: int) -> Move:
    """A unit waits for its approval."""
    facts: Facts = {"why": APPROVAL, "message": asks.message}
    if asks.timeout is not None:
        delay = int(asks.timeout * 1000)
        facts |= {"delay": delay, "until": now + delay, "on-timeout": asks.on_timeout}
    return Move(unit.path, "delay", facts, unit.attempt)


def timed_out(sprint: Sprint, unit: Unit) -> Moves:
    """Nobody has answered in time."""
    assert unit.moved is not None, "a waiting unit was moved there"
    agreed = unit.moved.decoded().get("on-timeout") == "approve"
    yield from _agreed(sprint, unit, _NOBODY, "not answered in time", agreed=agreed)


def _agreed(sprint: Sprint, unit: Unit, who: str, why: str, *, agreed: bool) -> Moves:
    yield Move(unit.path, "wake", {"approved": agreed, "who": who, "why": why}, unit.attempt)
    if not agreed and sprint.state in _BLOCKABLE:
        said = f"not approved{'' if who == _NOBODY else f' by {who}'}{f': {why}' if why else ''}"
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": said, "kind": "rejected"})


def answered(sprint: Sprint, unit: Unit, event: Asked) -> tuple[str, Moves]:
    """The answer to whoever answers, and what follows. The unit is in a state in which it may be asking."""
    text = {"approve": "yes", "reject": "no"}.get(event.verb, event.text.strip())
    if unit.state == TaskState.WAITING:
        if sprint.why.get(unit.path) != APPROVAL:
            return f"refused: {unit.path} asks nothing; it waits ({sprint.why.get(unit.path)})", iter(())
        if text.lower() not in _YES | _NO:
            return f"refused: {unit.path} asks for approval: answer yes or no", iter(())
        agreed = text.lower() in _YES
        return f"{unit.path} is {'approved' if agreed else 'rejected'}", _approve(
            sprint, unit, event, agreed=agreed
        )
    if not has_question(unit):
        return f"refused: {unit.path} asks nothing; it is {unit.state}", iter(())
    if not text:
        return "refused: an answer needs some words", iter(())
    return f"answered; {unit.path} runs again and is told so", _tell(sprint, unit, event, text)


def _approve(sprint: Sprint, unit: Unit, event: Asked, *, agreed: bool) -> Moves:
    if agreed:
        yield from go_on(sprint, event)
    yield from _agreed(sprint, unit, event.who, event.why, agreed=agreed)
    yield from overdue_break(sprint)


def has_question(unit: Unit) -> bool:
    """Whether a failed leaf has put a question to a person."""
    if (
        unit.owner is not None
        or unit.leaf is not None
        or unit.ended is None
        or not isinstance(unit.node, Leaf)
    ):
        return False
    verdict = unit.ended.decoded().get("verdict")
    return verdict == "needs-human" or (verdict == "lost" and unit.node.on_lost == "ask")


def _tell(sprint: Sprint, unit: Unit, event: Asked, text: str) -> Moves:
    yield from go_on(sprint, event)
    for group in reversed(list(ancestors(unit))):
        if group.state in (TaskState.FAILED, TaskState.CANCELLED):
            yield Move(group.path, "reopen", {})
    facts: Facts = {"by": "answer", "who": event.who, "why": event.why, "answer": text}
    yield Move(unit.path, "retry", facts, unit.attempt)
    yield from overdue_break(sprint)


def go_on(sprint: Sprint, event: Asked) -> Moves:
    """Whatever a sprint needed a person for, a person has come: it goes on as far as it can."""
    if sprint.state == SprintState.NEEDS_HUMAN:
        yield Move(SPRINT_UNIT, "resume", {"who": event.who, "why": event.why or f"asked to {event.verb}"})


def open_question(sprint: Sprint) -> Unit | None:
    """The first that nobody has answered and that has no time of its own."""
    waiting = (unit for unit in sprint.waiting.values() if sprint.why[unit.path] == APPROVAL)
    return next(waiting, None)


def asking(sprint: Sprint) -> Moves:
    """All that is left to do waits for an answer that may take any time: the sprint rests until it has come."""
    unit = open_question(sprint)
    assert unit is not None, "something waits for an answer"
    assert unit.moved is not None, "a waiting unit was moved there"
    message = unit.moved.decoded().get("message", "")
    yield Move(SPRINT_UNIT, "ask", {"unit": unit.path, "why": f"approval: {message}", "kind": "approval"})


def stuck(sprint: Sprint, otherwise: Move) -> Moves:
    """The main line cannot go on: a question that nobody has answered is put again, a failure blocks the sprint.

    `otherwise` is the move when neither is what keeps it.
    """
    failed = [unit for unit in sprint.failed.values() if not harmless(unit)]
    unit = next((unit for unit in failed if has_question(unit)), failed[0] if failed else None)
    if unit is None:
        yield otherwise
        return
    facts: Facts = unit.ended.decoded() if unit.ended is not None else {}
    why = str(facts.get("error") or facts.get("verdict") or "failed")
    if has_question(unit):
        yield Move(SPRINT_UNIT, "ask", {"unit": unit.path, "why": why})
    elif otherwise.facts.get("kind") == "stuck":
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": why, "kind": "failed"})
    else:
        yield otherwise
