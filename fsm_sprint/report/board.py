"""A run that is looked at from another terminal: its tree, redrawn in place, with what everything in it is doing.

Rule: what was drawn last is left standing, however the watching ends.
"""

from functools import partial
from pathlib import Path

from rich.console import Group
from rich.text import Text

from fsm.ports import Clock
from fsm.states import AT_REST
from fsm.transition import Transition
from fsm_sprint.report.branches import Branch, branches
from fsm_sprint.report.canvas import Canvas
from fsm_sprint.report.closing import closing
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.doing import Doings
from fsm_sprint.report.outlet import Outlet
from fsm_sprint.report.spent import spent
from fsm_sprint.report.story import Narrator, Told
from fsm_sprint.report.tally import bar, tally
from fsm_sprint.report.terminal import blocks, cells, cut, line, pad
from fsm_sprint.report.times import local, span
from fsm_sprint.report.watching import Watcher

PAUSE = 0.4
"""Seconds after which it is drawn anew although nothing has happened: output and clocks go on."""

_STYLES = {
    "failed": "red",
    "cancelled": "red",
    "waiting": "yellow",
    "completed": "green",
    "running": "bold",
    "verifying": "bold",
    "stopping": "bold yellow",
    "pending": "dim",
    "skipped": "dim",
}


class Board:
    """`watching.View` on a terminal."""

    def __init__(self, watcher: Watcher, clock: Clock, directory: Path, outlet: Outlet) -> None:
        self._watcher = watcher
        self._sprint = watcher.sprint
        self._clock = clock
        self._directory = directory
        self._outlet = outlet
        self._doings = Doings(watcher.sprint, directory)
        self._counts = Counts(watcher.sprint)
        self._narrator = Narrator(line(watcher.sprint.plan.sprint_id) or "sprint")
        self._narrator.recall(watcher.sprint)
        self._last: Told | None = None
        self._drawn = float("-inf")
        self._canvas = Canvas(outlet)

    def begin(self) -> None:
        """Draws it for the first time."""
        self._draw()

    def show(self, rows: list[Transition]) -> None:
        """Draws when something has happened, and now and then."""
        self._counts.touch(rows)
        for told in map(self._narrator.tell, rows):
            if told.brief:
                self._last = told
        self._outlet.flush()
        late = self._clock.monotonic() - self._drawn >= PAUSE
        if (rows or late) and not self._outlet.full:  # a stopped terminal gets no frames to catch up with
            self._draw()

    def end(self, why: str | None) -> None:
        """Draws it once more, and says below it how it stands."""
        self._draw()
        self.close()
        said = [] if why is None else [why]
        self._outlet.write("".join(f"{text}\n" for text in [*said, *closing(self._sprint, self._directory)]))
        self._outlet.drain()

    def close(self) -> None:
        """Leaves what is drawn standing."""
        self._canvas.leave()
        self._outlet.drain()

    def _draw(self) -> None:
        self._canvas.draw(partial(self.frame, self._clock.now()))
        self._drawn = self._clock.monotonic()

    def frame(self, now: int, width: int, height: int) -> Group:
        """All of it, cut to fit."""
        found = branches(self._sprint, self._doings, now, max(1, height - 5))
        name = min(max((2 * one.depth + cells(one.name) for one in found), default=0), max(8, width // 2))
        lines = [
            self._headline(now),
            *(self._branch(one, name, width) for one in found),
            *self._foot(now, width),
        ]
        for text in lines:
            text.truncate(max(1, width - 1), overflow="ellipsis")
            text.no_wrap = True
        return Group(*lines, Text(""))

    def _headline(self, now: int) -> Text:
        sprint = self._sprint
        text = Text(line(sprint.plan.name or sprint.plan.sprint_id) or "this sprint", style="bold")
        text.append(f"  {sprint.state}", style="blue" if sprint.state not in AT_REST else "yellow")
        if sprint.begun is not None:
            end = sprint.rested.at if sprint.state in AT_REST and sprint.rested is not None else now
            text.append(f"  {span(max(0, end - sprint.begun.at))}", style="not bold")
        text.append(f"  {_supervisor(self._watcher)}", style="not bold dim")
        return text

    def _branch(self, one: Branch, name: int, width: int) -> Text:
        indented = cut("  " * one.depth + one.name, name)
        text = Text(pad(indented, name), style=_STYLES.get(one.state, "") if one.hot else "dim")
        text.append(f"  {cut(one.said, max(0, width - name - 3))}", style="not bold dim")
        return text

    def _foot(self, now: int, width: int) -> list[Text]:
        states = self._counts.states
        said = tally(states) if self._counts.all else "no tasks"
        drawn = bar(states, min(40, width - cells(said) - 3), ascii_only=not blocks(self._outlet.encoding))
        foot = [Text(f"{drawn}{'  ' if drawn else ''}{said}")]
        price = str(spent(self._sprint))
        if price:
            foot.append(Text(f"so far: {price}"))
        if self._last is not None:
            last = self._last
            foot.append(Text(f"{local(last.row.at, now)}  {last.unit}  {last.text}", style="dim"))
        return foot


def _supervisor(watcher: Watcher) -> str:
    held = watcher.supervisor
    if held is not None:
        return f"supervisor pid {line(str(held.get('pid', 'unknown')))}"
    if watcher.alive:
        return f"supervisor dead, {watcher.alive} task{'' if watcher.alive == 1 else 's'} alive"
    return "no supervisor"
