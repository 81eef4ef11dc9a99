"""A run told line by line, for logs, pipes and terminals that cannot draw. The same words as `replay`."""

from collections.abc import Sequence

from fsm.sprint import Sprint
from fsm.transition import Transition
from fsm_sprint.report.outlet import Outlet
from fsm_sprint.report.story import Narrator, Told
from fsm_sprint.report.times import watch


class Plain:
    """One line for each thing that is worth one."""

    def __init__(self, sprint: Sprint, narrator: Narrator, outlet: Outlet, *, quiet: bool = False) -> None:
        """`quiet` leaves out everything but what went wrong."""
        self._sprint = sprint
        self._narrator = narrator
        self._outlet = outlet
        self._quiet = quiet

    def show(self, changed: Sequence[Transition], *, resting: bool) -> float | None:  # noqa: ARG002
        """Tells the rows; wants to be called again only while its reader does not keep up."""
        lines = [
            stamped(told, self._began)
            for told in map(self._narrator.tell, changed)
            if told.brief and not (self._quiet and told.row.trigger not in LOUD)
        ]
        if lines:
            self._outlet.write("".join(f"{line}\n" for line in lines))
        else:
            self._outlet.flush()
        return 0.25 if self._outlet.full else None

    def say(self, text: str) -> None:
        """Writes it at once."""
        self._outlet.write(f"{'':>7}  {text}\n")

    def end(self) -> None:
        """Nothing is left to be drawn."""

    @property
    def _began(self) -> int | None:
        return self._sprint.begun.at if self._sprint.begun is not None else None


LOUD = frozenset({"fail", "block", "ask", "break", "complete", "conflict", "give-up"})
"""Triggers that are told to people who want to hear little."""


def stamped(told: Told, began: int | None) -> str:
    """A line with the time since the run began."""
    since = watch(told.row.at - began) if began is not None else "0:00"
    return f"{since:>7}  {told.unit}  {told.text}"
