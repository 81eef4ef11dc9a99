"""What follows when a leaf has failed: it waits and is tried again, a person is asked, or the sprint is blocked.

Rule: chance is drawn from the attempt's own name by hash, and the time that follows is a fact of the row; so a replay,
and a second supervisor, find the same.
"""

from fsm.groups import HALTABLE, block
from fsm.plan import Leaf, Retry, digest
from fsm.sprint import Sprint
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, harmless
from fsm.verdicts import Class, known
from fsm.waits import BACK_OFF

AGENTS = Retry(max_attempts=4, backoff=(15.0, 60.0, 300.0), on=("overloaded",), jitter=True)
"""What holds for a prompt when neither its leaf nor its sprint has a policy."""

ONCE_MORE = Retry(max_attempts=2)
"""What holds for a lost attempt of a leaf that asks for another one and has no policy."""


def retried(sprint: Sprint, unit: Unit, cause: str, now: int) -> Moves:
    """What follows a verdict for which a leaf of its own has just failed."""
    policy = _policy(sprint, unit, cause)
    if policy is not None and unit.tries < policy.max_attempts:
        delay = int(_wait(sprint, unit, policy) * 1000)
        facts: Facts = {"delay": delay, "until": now + delay, "why": BACK_OFF, "after": cause}
        yield Move(unit.path, "delay", facts, unit.attempt)
        return
    if harmless(unit):
        return
    assert unit.ended is not None, "it has just failed"
    error = str(unit.ended.decoded().get("error") or cause)
    asks = cause == "needs-human" or (cause == "lost" and _leaf(unit).on_lost == "ask")
    if asks and sprint.state in HALTABLE:
        yield Move(SPRINT_UNIT, "ask", {"unit": unit.path, "why": error})
    else:
        yield from block(sprint, unit, error)


def _policy(sprint: Sprint, unit: Unit, cause: str) -> Retry | None:
    """What says that a leaf is tried again after a verdict; None when it is not."""
    leaf = _leaf(unit)
    policy = leaf.retry
    if policy is None and leaf.prompt is not None:
        policy = sprint.plan.retry or AGENTS  # a command is run twice only where somebody has asked for that
    if cause == "lost" and leaf.on_lost == "retry":
        return policy if policy is not None and policy.max_attempts > 1 else ONCE_MORE
    return policy if policy is not None and _wanted(policy, leaf, cause) else None


def _wanted(policy: Retry, leaf: Leaf, cause: str) -> bool:
    if cause in policy.on:
        return True
    if cause == "lost" and (leaf.on_lost == "ask" or not leaf.idempotent):
        return False  # it may have done its work: doing it twice has to be asked for
    kind = known(cause).kind
    return kind in policy.on if policy.on else kind is not Class.FATAL


def _wait(sprint: Sprint, unit: Unit, policy: Retry) -> float:
    """Seconds before the next try."""
    if not policy.backoff:
        return 0.0
    most = policy.backoff[min(unit.tries, len(policy.backoff)) - 1]
    if not policy.jitter:
        return most
    return most * int(digest(f"{sprint.run}\n{unit.path}\n{unit.attempt}")[:13], 16) / 16**13


def session(unit: Unit) -> str:
    """The agent's session in which a pending unit's next attempt goes on; '' when it begins a new one."""
    past, moved = unit.past, unit.moved
    leaf = unit.node
    if past is None or moved is None or not isinstance(leaf, Leaf) or leaf.prompt is None:
        return ""
    if moved.trigger == "abort":  # it never ran: what it was to do is still to be done
        return str(unit.spawned.decoded().get("resume", "")) if unit.spawned is not None else ""
    if not past.session or unit.ended is None or not (leaf.retry is None or leaf.retry.resume):
        return ""
    facts = unit.ended.decoded()
    cause = "interrupted" if facts.get("stopped") else str(facts.get("verdict", ""))
    if moved.trigger == "retry" and cause != "interrupted" and "answer" not in moved.decoded():
        return ""  # a person has set it going: something is different now
    again = not past.resumed or cause == "limit"
    return past.session if again and known(cause).resumes else ""


def _leaf(unit: Unit) -> Leaf:
    assert isinstance(unit.node, Leaf), "only leaves are tried again by a policy"
    return unit.node
