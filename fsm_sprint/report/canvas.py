"""The part of a terminal that is drawn again and again, below what scrolls by.

Rule: only what a terminal takes is drawn, in its size of that moment; the cursor stays visible, so nothing has to be
put right after a kill.
"""

from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from fsm_sprint.report.outlet import Outlet


class Canvas:
    """One such part."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._console = Console(file=outlet, force_terminal=True, highlight=False, markup=False, emoji=False)  # type: ignore[arg-type]  # as much of a file as rich uses
        self._live: Live | None = None

    @property
    def begun(self) -> bool:
        """Whether something is drawn that would be drawn over."""
        return self._live is not None

    def draw(self, frame: Callable[[int, int], Group], above: list[Text] | None = None) -> None:
        """Draws what `frame` makes of a width and a height, and has the lines `above` scroll by."""
        size = self._outlet.size()
        self._console.size = size
        if above:
            # In one piece: each print draws the frame anew.
            self._console.print(Text("\n").join(above), soft_wrap=True)
        drawn = frame(*size)
        if self._live is not None:
            self._live.update(drawn, refresh=True)
            return
        self._live = Live(
            drawn, console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start(refresh=True)
        self._console.show_cursor(True)

    def leave(self) -> None:
        """Leaves what is drawn standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None
