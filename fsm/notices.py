"""Who outside is told of what: notices that become due with the row that causes them, and what becomes of each.

Rule: a notice is in one batch with its cause, and the number of the causing row is its idempotency key: it is sent at
least once, and whoever gets it twice can tell. It never keeps the run from going on.
"""

from fsm.effects import Effect, Notify
from fsm.events import Notified
from fsm.sprint import Sprint
from fsm.states import Machine, NoticeState, SprintState
from fsm.transition import Facts, Move, Moves, Transition
from fsm.waits import APPROVAL, LIMIT, reason

MOST_TRIES = 5
"""Tries to deliver a notice before it is given up."""

EVENTS: dict[str, str] = {
    SprintState.BLOCKED: "blocked",
    SprintState.COMPLETED: "completed",
    SprintState.NEEDS_HUMAN: "needs-human",
    SprintState.PAUSED: "paused",
    SprintState.PAUSED_AT_BREAKPOINT: "paused",
    SprintState.CANCELLED: "cancelled",
}
"""What can be subscribed to, by the state of rest that the sprint comes to; besides them there is `waiting`."""


def caused(sprint: Sprint, row: Transition) -> Moves:
    """The notices that a row makes due, which has just been applied."""
    if not sprint.plan.subscriptions or row.source == row.dest or row.machine == Machine.NOTICE:
        return
    event, why = _event(sprint, row)
    for place, subscription in enumerate(sprint.plan.subscriptions):
        if subscription.event == event:
            facts: Facts = {
                "cause": row.seq,
                "event": event,
                "unit": row.unit,
                "why": why,
                "subscription": place,
            }
            yield Move(f"#notice.{row.seq}.{place}", "due", facts)


def _event(sprint: Sprint, row: Transition) -> tuple[str, str]:
    """What a row is to those outside, and why it came; '' for most rows."""
    if row.machine == Machine.SPRINT:
        facts = row.decoded()
        if facts.get("kind") == "approval":
            return "", ""  # it was told when the approval was asked for
        return EVENTS.get(row.dest, ""), str(facts.get("why", ""))
    if row.trigger != "delay":
        return "", ""
    facts = row.decoded()
    if facts.get("why") == APPROVAL:
        return "needs-human", reason(facts)
    first = facts.get("why") == LIMIT and sprint.waits[LIMIT] == 1
    return ("waiting", reason(facts)) if first else ("", "")


def told(sprint: Sprint, event: Notified) -> Moves:
    """What became of a try to deliver a notice."""
    unit = sprint.due.get(event.unit)
    if unit is None or event.attempt != unit.tries + 1:
        return
    if event.ok:
        yield Move(unit.path, "sent", {})
    elif event.attempt < MOST_TRIES:
        yield Move(unit.path, "note", {"error": event.error})
    else:
        yield Move(unit.path, "give-up", {"error": event.error, "tries": event.attempt})


def notify(sprint: Sprint) -> list[Effect]:
    """The effects for all notices that are due."""
    found: list[Effect] = []
    for unit in sprint.due.values():
        assert unit.spawned is not None, "its first row made it due"
        facts = unit.spawned.decoded()
        place = facts["subscription"]
        known = sprint.plan.subscriptions
        to = known[place] if place < len(known) else None
        run, url = (to.run, to.url) if to is not None else (None, None)
        found.append(Notify(unit.path, unit.tries + 1, facts["cause"], facts["event"], run, url, facts))
    return found


def is_due(unit: str, trigger: str) -> tuple[str, str] | None:
    """Machine and state of a notice that a move is about to make; None for a move of something that is there."""
    return (Machine.NOTICE, NoticeState.DUE) if trigger == "due" and unit.startswith("#notice.") else None
