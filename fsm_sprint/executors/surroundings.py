"""What stands around an attempt: a directory for what it makes, and pictures of the work tree before and after it.

Rule: neither ever keeps an attempt from running or from ending. Only for agents' attempts is either made: a picture
takes some hundredths of a second and a directory up to some thousandths, which a command may not take itself.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fsm.names import name
from fsm.ports import Clock
from fsm.sprint import Sprint
from fsm.transition import Facts
from fsm.unit import asks
from fsm_sprint.executors.changes import Changes
from fsm_sprint.executors.job import Job
from fsm_sprint.paths import SprintPaths

VARIABLE = "FSM_SPRINT_ARTIFACTS"
"""Tells an attempt its directory."""

_LATE = 10_000
"""ms after an attempt's end from which on nobody knows any more whose changes those are."""


class Surroundings:
    """Of the attempts of one run."""

    def __init__(
        self,
        sprint: Sprint,
        paths: SprintPaths,
        clock: Clock,
        *,
        top: Path,
        job: Callable[[str, int], Job],
        verdict: Callable[[str, int, dict[str, str], Path, Path | None], tuple[str, Facts]],
    ) -> None:
        """`top`: where tasks work; `job` and `verdict`: what is run there, and what came of it."""
        self._sprint = sprint
        self._paths = paths
        self._clock = clock
        self._job = job
        self._verdict = verdict
        self._changes = Changes(top, clock, paths.progress)
        self._known: set[Path] = set()
        """Pictures of attempts that are known not to have been alone."""

    def job(self, unit: str, attempt: int) -> Job:
        """What an attempt runs, in its surroundings. As `job` raises."""
        found = self._job(unit, attempt)
        place = self._paths.artifacts / artifacts(self._sprint, unit)
        if found.split:
            with suppress(OSError):
                place.mkdir(0o700)
            self._begin(unit, attempt)
        self._crowd(unit)
        return replace(found, env={**found.env, VARIABLE: str(place)})

    def verdict(
        self, unit: str, attempt: int, ended: dict[str, str], log: Path, errors: Path | None
    ) -> tuple[str, Facts]:
        """What an attempt amounted to, and the facts for its row."""
        verdict, facts = self._verdict(unit, attempt, ended, log, errors)
        picture = self._picture(unit, attempt)
        if picture.is_dir() and self._clock.now() - _ended(ended) < _LATE:
            self._crowd(unit)
            found = self._changes.end(picture)
            if found is not None:
                shared = {"shared": True} if (picture / "shared").exists() else {}
                facts = {**facts, "changes": {**found, **shared}}
        return verdict, facts

    def _begin(self, unit: str, attempt: int) -> None:
        picture = self._picture(unit, attempt)
        live = {self._picture(path, one.attempt) for path, one in self._sprint.live.items()}
        with suppress(OSError):
            for old in self._paths.pictures.iterdir():
                if old not in live or old == picture:
                    shutil.rmtree(old, ignore_errors=True)
                    self._known.discard(old)
            picture.mkdir(0o700)
            self._changes.begin(picture)

    def _crowd(self, unit: str) -> None:
        """Notes of every attempt under way that others work beside it."""
        live = self._sprint.live
        if len(live) < 2:
            return
        for path, one in live.items():
            if not asks(one):
                continue
            picture = self._picture(path, one.attempt)
            if picture not in self._known and any(not _parts(other, path) for other in (*live, unit)):
                with suppress(OSError):  # one that is not made yet
                    (picture / "shared").touch()
                    self._known.add(picture)

    def _picture(self, unit: str, attempt: int) -> Path:
        return self._paths.pictures / f"{_named(self._sprint, unit)}.{attempt}"


def artifacts(sprint: Sprint, unit: str) -> str:
    """The name of the directory for what a unit makes; its gate and its fixes have the same."""
    return _named(sprint, unit.partition("#")[0])


def _named(sprint: Sprint, unit: str) -> str:
    return f"{name(unit)}~{sprint.nth}" if sprint.nth > 1 else name(unit)


def _parts(one: str, other: str) -> bool:
    """Whether one of them is the other's gate or fix, or both are of the same unit."""
    return one.partition("#")[0] == other.partition("#")[0]


def _ended(ended: dict[str, str]) -> int:
    """Wall time in ms at which it ended; 0 where nobody knows."""
    found = ended.get("ended", "")
    return int(found) if found.isdecimal() else 0
