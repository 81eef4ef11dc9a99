"""What happened, in words, row by row. `replay` and the console tell it with the same ones.

Rule: a narrator is fed the rows of a run in order and says only what they say; what it remembers are earlier rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from fsm.states import Machine
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm_sprint.report.sentences import SENTENCES, Memory, listed
from fsm_sprint.report.terminal import line

if TYPE_CHECKING:
    from fsm.sprint import Sprint


class Told(NamedTuple):
    """A row in words."""

    row: Transition
    unit: str
    """What moved, as it may be shown."""
    text: str
    brief: bool
    """Whether it is worth a line to somebody who watches. Who reads the whole story gets everything."""


class Narrator:
    """Tells the rows of one run."""

    def __init__(self, name: str = "sprint", adopted: Mapping[int, int] | None = None) -> None:
        """`name` is what the sprint is called; `adopted`: how many tasks each epoch took over, where that is known."""
        self.name = name
        self._memory = Memory(adopted=adopted or {})

    def recall(self, sprint: "Sprint") -> None:
        """Remembers what a fold knows, for who begins to listen in the middle."""
        memory = self._memory
        memory.epoch, memory.at, memory.state = sprint.epoch, sprint.at, sprint.state
        memory.alive = set(sprint.live)
        memory.passing = sprint.lease is not None and bool(sprint.lease.decoded().get("passing"))
        memory.started = {
            path: unit.started.at for path, unit in sprint.live.items() if unit.started is not None
        }

    def tell(self, row: Transition) -> Told:
        """The row in words."""
        facts = row.decoded()
        known = SENTENCES.get((row.machine, row.trigger))
        text = known.say(row, facts, self._memory) if known is not None else _moved(row, facts)
        self._memory.note(row, facts)
        unit = self.name if row.unit == SPRINT_UNIT else line(row.unit)
        # A gate's script starts whenever its owner has ended, and passes where its owner says so; only failing is news.
        minor = row.trigger in ("start", "succeed") and row.unit.endswith("#gate")
        return Told(row, unit, text, known is not None and known.brief and not minor)


def adoptions(rows: Iterable[Transition]) -> dict[int, int]:
    """How many tasks each epoch adopted."""
    return dict(Counter(row.epoch for row in rows if (row.machine, row.trigger) == (Machine.TASK, "adopt")))


def _moved(row: Transition, facts: Facts) -> str:
    """A move that no sentence is known for, because a later version made it."""
    return f"{row.trigger}: {row.source} → {row.dest}{f' ({listed(facts)})' if facts else ''}"
