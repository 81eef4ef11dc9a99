"""What a unit has made: what its last attempt changed, and the files that its attempts have left.

Rule: names of files are anybody's and are made plain; links among them are named and not followed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fsm.sprint import Sprint
from fsm.transition import Facts
from fsm.unit import Unit
from fsm_sprint.executors.surroundings import artifacts as named
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.changed import changed
from fsm_sprint.report.terminal import line

_LISTED = 20
"""Artifacts that are named."""
_SEEN = 1000


class Made(NamedTuple):
    """What a unit has made."""

    attempt: int
    changes: Facts | None
    """Of its last attempt that has ended; None where that is unknown."""
    folder: str
    """Of its artifacts, relative to the sprint's directory."""
    files: list[str]

    def lines(self) -> Iterator[str]:
        """For people; nothing where nothing is known."""
        if self.changes is not None:
            yield f"attempt {self.attempt}: {changed({'changes': self.changes})}"
        if self.files:
            yield f"artifacts in {line(self.folder)}: {', '.join(self.files)}"

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"changes": self.changes, "artifacts": {"folder": self.folder, "files": self.files}}


def left(sprint: Sprint, unit: Unit, paths: SprintPaths) -> Made:
    """What the last attempt of a unit has changed, and what all of them have left."""
    folder = paths.artifacts / named(sprint, unit.path)
    place = str(folder.relative_to(paths.directory))
    changes = unit.exited.decoded().get("changes") if unit.exited is not None else None
    known = changes if isinstance(changes, dict) else None
    return Made(unit.exited.attempt if unit.exited is not None else 0, known, place, artifacts(folder))


def artifacts(folder: Path) -> list[str]:
    """The files that a unit has left, by their names in its directory."""
    found = sorted(_files(folder, folder))
    return found[:_LISTED] + ([f"and {len(found) - _LISTED} more"] if len(found) > _LISTED else [])


def _files(top: Path, folder: Path) -> Iterator[str]:
    seen = 0
    for place, folders, files in os.walk(folder):  # links are named and not followed
        folders.sort()
        for name in files:
            seen += 1
            if seen > _SEEN:
                return
            yield line(os.path.relpath(os.path.join(place, name), top))  # noqa: PTH118  # names of any kind
