"""A run drawn on a terminal: what has ended scrolls by, below it a line for each task that runs, and a bar.

Rule: rich is imported here, in `board` and in `canvas`, and draws only when it is asked to. Every frame ends with an
empty line, so that a supervisor that is killed leaves a terminal that can be used.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Group
from rich.text import Text

from fsm.ports import Clock
from fsm.sprint import Sprint
from fsm.states import Machine, TaskState
from fsm.transition import Transition
from fsm.unit import Unit
from fsm_sprint.report.canvas import Canvas
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.doing import Doings
from fsm_sprint.report.outlet import Outlet
from fsm_sprint.report.plain import LOUD, stamped
from fsm_sprint.report.sentences import waited
from fsm_sprint.report.story import Narrator
from fsm_sprint.report.tally import bar, tally
from fsm_sprint.report.terminal import blocks, cells, cut, cut_path, line, pad
from fsm_sprint.report.times import local, watch

FRAME = 0.1
"""Seconds between two frames at least."""
PAUSE = 0.2
"""Seconds after which a frame is drawn although nothing has happened: output and clocks go on."""


class Live:
    """The drawing. Not made before the run begins to be shown."""

    def __init__(
        self,
        sprint: Sprint,
        narrator: Narrator,
        outlet: Outlet,
        clock: Clock,
        directory: Path,
        *,
        quiet: bool = False,
    ) -> None:
        self._sprint = sprint
        self._narrator = narrator
        self._outlet = outlet
        self._clock = clock
        self._quiet = quiet
        self._canvas = Canvas(outlet)
        self._counts = Counts(sprint)
        self._doings = Doings(sprint, directory)
        self._lines: list[Text] = []
        self._drawn = float("-inf")

    def show(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Takes the rows in and draws a frame when it is time for one; a resting run gets its last one."""
        self._counts.touch(changed)
        for told in map(self._narrator.tell, changed):
            if told.brief and (not self._quiet or told.row.trigger in LOUD):
                text = Text(stamped(told, self._began), style=_STYLES.get(told.row.dest, ""))
                self._lines.append(text)
        if resting:
            self.end()
            return None
        now = self._clock.monotonic()
        left = self._drawn + FRAME - now
        if left > 0:
            return left
        self._outlet.flush()
        if not self._outlet.full:  # a stopped terminal gets no frames to catch up with
            self._draw()
            self._drawn = now
        return PAUSE if self._sprint.live else 1.0

    def say(self, text: str) -> None:
        """Scrolls by with the next frame."""
        self._lines.append(Text(text, style="yellow"))

    def end(self) -> None:
        """Draws what has not been drawn, and leaves it standing."""
        if self._canvas.begun or self._lines:
            self._draw()
        self._canvas.leave()

    def _draw(self) -> None:
        above, self._lines = self._lines, []
        self._canvas.draw(partial(self.frame, self._clock.now()), above)

    def frame(self, now: int, width: int, height: int) -> Group:
        """The lines below the scrolling ones, cut to fit."""
        room = max(1, height - 4)
        running = list(self._running())
        rows = running[: room - 1] if len(running) > room else running
        name = min(max((cells(path) for path, _ in rows), default=0), max(8, width // 2))
        shown = [self._line(row, now, name, width - 1) for row in rows]
        if len(running) > len(rows):
            shown.append(Text(cut(f"and {len(running) - len(rows)} more", width - 1), style="dim"))
        return Group(*shown, self._progress(now, width - 1), Text(""))

    def _running(self) -> Iterator[tuple[str, Unit]]:
        """(what it is called, its unit); a gate's check stands in its owner's line."""
        for unit in self._sprint.live.values():
            if unit.owner is not None and unit.owner.machine == Machine.TASK:
                continue
            yield line(unit.path), unit
        for unit in self._sprint.waiting.values():
            yield line(unit.path), unit

    def _line(self, row: tuple[str, Unit], now: int, name: int, width: int) -> Text:
        path, unit = row
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(
            pad(cut_path(path, name), name), style="yellow" if unit.state == TaskState.WAITING else "bold"
        )
        moved = unit.moved
        if unit.state == TaskState.WAITING and moved is not None:
            facts = moved.decoded()
            until = f"until {local(facts['until'], now)}: " if "until" in facts else ""
            said = f"  waits {until}{waited(facts)}"
        else:
            began = unit.started if unit.state == TaskState.RUNNING else moved
            since = watch(now - began.at) if began is not None else ""
            what = "" if unit.state == TaskState.RUNNING else f"{unit.state}  "
            said = f"  {since:>7}  {what}{self._doings.of(unit)}"
        text.append(cut(said.rstrip(), max(0, width - name)), style="dim")
        return text

    def _progress(self, now: int, width: int) -> Text:
        states = self._counts.states
        said = tally(states) if self._counts.all else "no tasks"
        since = f"  {watch(now - self._began)}" if self._began is not None else ""
        drawn = bar(
            states,
            min(40, width - cells(said) - cells(since) - 2),
            ascii_only=not blocks(self._outlet.encoding),
        )
        return Text(
            cut(f"{drawn}{'  ' if drawn else ''}{said}{since}", width),
            no_wrap=True,
            overflow="ellipsis",
        )

    @property
    def _began(self) -> int | None:
        return self._sprint.begun.at if self._sprint.begun is not None else None


_STYLES = {
    "failed": "red",
    "blocked": "red",
    "needs-human": "yellow",
    "waiting": "yellow",
    "completed": "green",
}
