"""A run shown on stderr while it goes on: drawn where that can be, told line by line elsewhere.

Rule: a console never ends a run. Whatever goes wrong with a terminal, or with drawing, makes it go silent, no more.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

from fsm.ports import Clock
from fsm.sprint import Sprint
from fsm.states import SprintState
from fsm.transition import Transition
from fsm.waits import APPROVAL
from fsm_sprint.report.asking import Question, answers
from fsm_sprint.report.closing import closing
from fsm_sprint.report.outlet import Outlet
from fsm_sprint.report.plain import Plain
from fsm_sprint.report.story import Narrator
from fsm_sprint.report.terminal import drawable, line, terminal

_CALLING = (SprintState.BLOCKED, SprintState.NEEDS_HUMAN, SprintState.PAUSED_AT_BREAKPOINT)
"""States that only a person leads out of, and that no person has asked for."""
_BELL = "\a"


class Drawing(Protocol):
    """One way to show a run."""

    def show(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Shows what has changed; returns the seconds after which it wants to be called again, or None."""
        ...

    def say(self, text: str) -> None:
        """Shows a line that is not about a row, with what is shown next."""
        ...

    def end(self) -> None:
        """Leaves what is drawn standing."""
        ...


class Console:
    """`fsm.ports.Publisher` for people."""

    def __init__(
        self,
        sprint: Sprint,
        clock: Clock,
        directory: Path,
        stream: TextIO | None = None,
        *,
        live: bool | None = None,
        quiet: bool = False,
    ) -> None:
        """`stream` is stderr unless given; `live` says whether to draw, and is found out where it is left open.

        `directory` is the sprint's: logs lie in it. What the fold knows already is not told again.
        """
        stream = sys.stderr if stream is None else stream
        self.outlet = Outlet(stream)
        self.fault: Exception | None = None
        """What made it go silent."""
        self._sprint = sprint
        self._directory = directory
        self._narrator = Narrator(line(sprint.plan.sprint_id) or "sprint")
        if sprint.seq:
            self._narrator.recall(sprint)
        self._told = sprint.rested.seq if sprint.rested is not None else 0
        # A pipe has no bell, and whoever asks for something in another terminal is there already.
        self._rings = not quiet and terminal(stream) and terminal(sys.stdout)
        self._called = False
        """Whether a question has been rung for that the sprint may come to rest for later."""
        self._drawing: Drawing = Plain(sprint, self._narrator, self.outlet, quiet=quiet)
        if drawable(stream) if live is None else live:
            try:
                from fsm_sprint.report.live import Live

                self._drawing = Live(sprint, self._narrator, self.outlet, clock, directory, quiet=quiet)
            except Exception as error:  # noqa: BLE001  # a line-by-line run is better than none
                self.fault = error

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Shows what was committed. Never raises."""
        if self.outlet.gone:
            return None
        try:
            if self._narrator.name == "sprint" and self._sprint.plan.sprint_id:
                self._narrator.name = line(self._sprint.plan.sprint_id)
            again = self._drawing.show(changed, resting=resting)
            rested = self._sprint.rested
            if not resting:
                self._ask(changed)
            if resting and rested is not None and rested.seq > self._told:
                self._told = rested.seq
                self._call(rested)
                self.outlet.write("".join(f"{text}\n" for text in closing(self._sprint, self._directory)))
                self.outlet.drain()
        except Exception as error:  # noqa: BLE001  # see the rule
            self.silence(error)
            return None
        return again

    def _ask(self, changed: Sequence[Transition]) -> None:
        """What has just begun to wait for a yes or no, while the run goes on: how to answer from another terminal."""
        for row in changed:
            if row.trigger == "delay" and self._sprint.why.get(row.unit) == APPROVAL:
                question = Question(row.unit, approval=True)
                for command, what in answers([question], self._directory):
                    self._drawing.say(f"`{command}` {what}")
                self._called = True
                self._ring()

    def _call(self, rested: Transition) -> None:
        """Rings for a person where the sprint has come to rest for one, once for each state."""
        asked = self._called and rested.decoded().get("kind") == APPROVAL
        if self._sprint.state in _CALLING and not asked:
            self._ring()
        self._called = False

    def _ring(self) -> None:
        if self._rings:
            self.outlet.write(_BELL)

    def say(self, text: str) -> None:
        """Tells a message that is not about a row. Never raises."""
        if self.outlet.gone:
            return
        try:
            self._drawing.say(line(text))
        except Exception as error:  # noqa: BLE001  # see the rule
            self.silence(error)

    def silence(self, error: Exception | None = None) -> None:
        """Shows nothing any more: the terminal has hung up, or drawing has failed."""
        self.fault = self.fault or error
        self.outlet.gone = True

    def close(self) -> None:
        """Leaves the screen in order when the run ends without having come to rest."""
        if not self.outlet.gone:
            try:
                self._drawing.end()
                self.outlet.drain()
            except Exception as error:  # noqa: BLE001  # see the rule
                self.silence(error)
        self.outlet.close()
