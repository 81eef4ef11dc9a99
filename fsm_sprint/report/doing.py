"""What a task is doing at this moment: the last that its output says, an agent's in words.

Rule: a log is read again only when it has grown, and only its end.
"""

from pathlib import Path

from fsm.sprint import Sprint
from fsm.unit import Unit
from fsm_sprint.report.log import Glance


class Doings:
    """The last words of everything that runs."""

    def __init__(self, sprint: Sprint, directory: Path) -> None:
        """Logs lie in `directory`, which is the sprint's."""
        self._sprint = sprint
        self._directory = directory
        self._glances: dict[tuple[str, int], Glance] = {}

    def writer(self, unit: Unit) -> Unit:
        """Whose output stands for a unit: while its gate or fix runs, that one's."""
        live = self._sprint.live
        return next((one for one in (unit.gate, unit.fix) if one is not None and one.path in live), unit)

    def of(self, unit: Unit) -> str:
        """One plain line; '' before it has said anything."""
        writer = self.writer(unit)
        if writer.spawned is None or writer.started is None:
            return ""
        key = writer.path, writer.attempt
        glance = self._glances.get(key)
        if glance is None:
            if len(self._glances) > 2 * len(self._sprint.live) + 16:
                self._glances.clear()
            glance = self._glances[key] = Glance(self._directory / writer.spawned.decoded()["log"])
        return glance.line()
