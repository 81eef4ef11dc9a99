"""A run that is looked at through a pipe: a line, or a JSON object, for each thing that changes.

Rule: rows are told with the words of `replay`; what is being done, at most once in a while for each task.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

from fsm.ports import Clock
from fsm.states import TaskState
from fsm.transition import SPRINT_UNIT, Transition
from fsm.unit import Unit
from fsm_sprint.report.branches import due
from fsm_sprint.report.closing import closing
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.document import Document, printed
from fsm_sprint.report.doing import Doings
from fsm_sprint.report.history import rows_of
from fsm_sprint.report.plain import stamped
from fsm_sprint.report.spent import of, spent
from fsm_sprint.report.story import Narrator, Told
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import iso, watch
from fsm_sprint.report.watching import Watcher

PAUSE = 2.0
"""Seconds at least between two lines on what the same attempt is doing."""

Write = Callable[[str], None]


class _Feed(ABC):
    """What both forms have in common."""

    def __init__(self, watcher: Watcher, clock: Clock, directory: Path, write: Write) -> None:
        """`write` takes whole lines, and passes them on at once."""
        self._watcher = watcher
        self._sprint = watcher.sprint
        self._clock = clock
        self._directory = directory
        self._write = write
        self._narrator = Narrator(line(watcher.sprint.plan.sprint_id) or "sprint")
        self._narrator.recall(watcher.sprint)
        self._doings = Doings(watcher.sprint, directory)
        self._said: dict[tuple[str, int], tuple[float, str]] = {}

    def show(self, rows: list[Transition]) -> None:
        """Tells the rows, then what is done."""
        for told in map(self._narrator.tell, rows):
            self._row(told)
        for unit, doing in self._news():
            self._doing(unit, doing)

    @abstractmethod
    def _row(self, told: Told) -> None:
        """Tells a row."""

    @abstractmethod
    def _doing(self, unit: Unit, doing: str) -> None:
        """Tells what a task is doing."""

    def _news(self) -> Iterator[tuple[Unit, str]]:
        """What is done that was not told yet."""
        now = self._clock.monotonic()
        for unit in list(self._sprint.live.values()):
            key = unit.path, unit.attempt
            at, before = self._said.get(key, (float("-inf"), ""))
            if now - at >= PAUSE:
                doing = self._doings.of(unit)
                if doing and doing != before:
                    self._said[key] = now, doing
                    yield unit, doing
        if len(self._said) > 2 * len(self._sprint.live) + 64:
            live = {(unit.path, unit.attempt) for unit in self._sprint.live.values()}
            self._said = {key: told for key, told in self._said.items() if key in live}


class Lines(_Feed):
    """`watching.View` as text."""

    def begin(self) -> None:
        """What runs and what waits."""
        self._say(SPRINT_UNIT, f"{self._sprint.state}")
        for unit in self._sprint.live.values():
            self._say(unit.path, unit.state)
        for unit in self._sprint.waiting.values():
            until = due(unit)
            self._say(unit.path, "waits" if until is None else f"waits until {iso(until)}")

    def end(self, why: str | None) -> None:
        """How it stands."""
        said = [] if why is None else [why]
        for text in [*said, *closing(self._sprint, self._directory)]:
            self._write(f"{text}\n")

    def _row(self, told: Told) -> None:
        if told.brief:
            self._write(f"{stamped(told, self._began)}\n")

    def _doing(self, unit: Unit, doing: str) -> None:
        price = str(of(self._doings.writer(unit)))
        self._say(unit.path, f"{doing}{f' ({price} so far)' if price else ''}")

    def _say(self, path: str, text: str) -> None:
        since = watch(self._clock.now() - self._began) if self._began is not None else "0:00"
        name = self._narrator.name if path == SPRINT_UNIT else line(path)
        self._write(f"{since:>7}  {name}  {text}\n")

    @property
    def _began(self) -> int | None:
        return self._sprint.begun.at if self._sprint.begun is not None else None


class Objects(_Feed):
    """`watching.View` as JSON, an object a line."""

    def begin(self) -> None:
        """Where it stands, with all that moves."""
        self._put("state", self._state())

    def end(self, why: str | None) -> None:
        """Where it stands in the end."""
        self._put("end", self._state() | {"why": why})

    def _row(self, told: Told) -> None:
        self._put("row", rows_of(told))

    def _doing(self, unit: Unit, doing: str) -> None:
        price = of(self._doings.writer(unit))
        self._put(
            "doing", {"unit": unit.path, "attempt": unit.attempt, "doing": doing, "spent": price.document()}
        )

    def _state(self) -> Document:
        sprint, counts = self._sprint, Counts(self._sprint)
        held = self._watcher.supervisor
        moving = [*sprint.live.values(), *sprint.waiting.values()]
        return {
            "sprint": sprint.plan.sprint_id or None,
            "run": sprint.run,
            "state": sprint.state,
            "seq": sprint.seq,
            "supervisor": None if held is None else held.get("pid"),
            "alive": self._watcher.alive if held is None else None,
            "tasks": {"all": counts.all, **{str(state): counts.states[state] for state in TaskState}},
            "spent": spent(sprint).document(),
            "units": [self._unit(unit) for unit in moving],
        }

    def _unit(self, unit: Unit) -> Document:
        until = due(unit)
        return {
            "unit": unit.path,
            "state": str(unit.state),
            "attempt": unit.attempt,
            "since": iso(unit.moved.at) if unit.moved is not None else None,
            "until": None if until is None else iso(until),
            "doing": self._doings.of(unit) or None if unit.path in self._sprint.live else None,
            "spent": of(self._doings.writer(unit)).document(),
        }

    def _put(self, kind: str, document: Document) -> None:
        self._write(printed({"version": 1, "kind": kind, **document}) + "\n")
