"""What somebody outside is told: one document, sent as JSON and, name by name, as variables.

Rule: its texts are plain, so that they can be shown by whatever gets them, and hold no secret of the environment.
"""

from fsm.effects import Notify
from fsm.notices import EVENTS
from fsm.sprint import Sprint
from fsm.transition import SPRINT_UNIT, Facts
from fsm_sprint.concealment import Concealment
from fsm_sprint.report.closing import headline
from fsm_sprint.report.terminal import cut, line
from fsm_sprint.report.times import iso

_LONGEST = 2000
"""Columns of a text."""


def document(sprint: Sprint, effect: Notify, concealment: Concealment) -> Facts:
    """The document of a notice. What the sprint rests for is told of as long as it does so."""
    facts = effect.facts
    due = sprint.unit(effect.unit).spawned
    assert due is not None, "its first row made it due"
    unit = None if facts["unit"] == SPRINT_UNIT else facts["unit"]
    why = facts["why"]
    name = sprint.plan.name or sprint.plan.sprint_id
    rested = sprint.rested
    if rested is not None and rested.seq == effect.cause and EVENTS.get(sprint.state) == effect.event:
        text = headline(sprint)
        unit = unit or rested.decoded().get("unit")
    else:
        what = {
            "needs-human": "needs a person",
            "waiting": "waits",
            "blocked": "is blocked",
            "paused": "is paused",
        }
        said = what.get(effect.event, effect.event)
        text = f"{name} {said}{f': {unit}' if unit else ''}{f': {why}' if why else ''}"
    return concealment.facts(
        {
            "version": 1,
            "event": effect.event,
            "sprint": sprint.plan.sprint_id,
            "run": sprint.run,
            "unit": unit,
            "why": cut(line(why), _LONGEST),
            "text": cut(line(text), _LONGEST),
            "at": iso(due.at),
            "attempt": effect.attempt,
            "idempotency-key": f"{sprint.run}/{effect.cause}",
        }
    )
