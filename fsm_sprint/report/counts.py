"""How many tasks are where. Tasks are the leaves of the plan; gates, fixes and hooks are part of theirs."""

from collections import Counter
from collections.abc import Iterable

from fsm.sprint import Sprint
from fsm.states import ENDED_WELL, Machine
from fsm.transition import Transition


class Counts:
    """The number of tasks in each state, kept in step with a fold that is shown."""

    def __init__(self, sprint: Sprint) -> None:
        self._sprint = sprint
        self.states: Counter[str] = Counter()
        self.count()

    def count(self) -> None:
        """Counts anew."""
        self.states = Counter(
            unit.state
            for unit in self._sprint.order
            if unit.machine == Machine.TASK and unit.owner is None and unit.leaf is None
        )

    def touch(self, rows: Iterable[Transition]) -> None:
        """Takes in rows that the fold has taken in."""
        for row in rows:
            if row.trigger == "amend":
                self.count()
                return
            if row.machine == Machine.TASK and row.source != row.dest and "#" not in row.unit:
                self.states[row.source] -= 1
                self.states[row.dest] += 1

    @property
    def all(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def done(self) -> int:
        """How many have ended well."""
        return sum(self.states[state] for state in ENDED_WELL)
