"""What people have asked of a simulated sprint, held against what was recorded, applied and answered.

Rule: as in `fsm.ledger`, nothing of what decides is used.
"""

from collections.abc import Callable

from fsm.events import Asked
from fsm.transition import Transition


class Inbox:
    """Requests by id, as they were made and as the journal has them."""

    def __init__(self, hold: Callable[..., None]) -> None:
        self.hold = hold
        self.asked: dict[str, Asked] = {}
        self.recorded: dict[str, str] = {}
        """By id, the answer that was recorded."""
        self._applied: set[tuple[str, str, str]] = set()

    def request(self, row: Transition) -> None:
        """A request was recorded, with its answer."""
        facts = row.decoded()
        name, answer = facts["id"], facts["answer"]
        if not name:
            return
        self.hold(name not in self.recorded, "request", f"{name} is recorded twice")
        self.recorded[name] = answer
        asked = self.asked.get(name)
        stale = asked is not None and asked.epoch not in (0, row.epoch)
        self.hold(not stale or answer.startswith("refused"), "request", f"{name} was stale: {answer}")

    def applied(self, row: Transition) -> None:
        """Something was done whose row says why, in the words of who asked."""
        why = row.decoded().get("why", "")
        asked = self.asked.get(why)
        if asked is None or asked.id != why:
            return
        answer = self.recorded.get(why)
        if answer is None:
            self.hold(answer, "request", f"{row.unit} {row.trigger} before {why} is recorded", row.unit)
            return
        self.hold(not answer.startswith("refused"), "request", f"{why} was refused, and {row.trigger} done")
        once = (why, row.unit, row.trigger)
        self.hold(
            once not in self._applied, "request", f"{why} did {row.trigger} to {row.unit} twice", row.unit
        )
        self._applied.add(once)

    def answered(self, name: str, text: str) -> None:
        """An answer was put down."""
        self.hold(self.recorded.get(name) == text, "request", f"{name} was answered {text!r}, never recorded")
