"""How much of a campaign is run, and what is told of it afterwards.

`FSM_SPRINT_CAMPAIGN` is quick (a slice, in every `make test`), normal (`make faults`) or long (`make faults-long`:
every point). With `FSM_SPRINT_RESULTS` set to a directory, each campaign appends one JSON line to `faults.jsonl` there.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

LEVELS = ("quick", "normal", "long")

T = TypeVar("T")


class Campaign:
    """One campaign: takes its share of the points, counts what was run, tells it at the end."""

    def __init__(self, level: str, name: str, tell: Callable[[str], None]) -> None:
        if level not in LEVELS:
            raise ValueError(f"FSM_SPRINT_CAMPAIGN is {level!r}; it is one of {', '.join(LEVELS)}")
        self.level = level
        self.name = name
        self._tell = tell
        self._ran: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()

    def pick(self, quick: T, normal: T, long: T) -> T:
        """One of three, by the level."""
        return {"quick": quick, "normal": normal, "long": long}[self.level]

    def share(self, points: Sequence[T], kind: Callable[[T], str], *, quick: int, normal: int) -> list[T]:
        """Points spread evenly: at most `quick` of them, one in `normal`, or all. The others are counted as not run."""
        every = self.pick(-(-len(points) // quick), normal, 1) or 1
        taken = list(points[min(every // 2, max(0, len(points) - 1)) :: every])
        self._left.update(map(kind, points))
        self._left.subtract(map(kind, taken))
        return taken

    def ran(self, kind: str, rounds: int = 1) -> None:
        """Counts what was run."""
        self._ran[kind] += rounds

    def skipped(self, kind: str, rounds: int = 1) -> None:
        """Counts what could have been run and was not."""
        self._left[kind] += rounds

    def note(self, what: str) -> None:
        """Counts something that came out, such as an exit code."""
        self._notes[what] += 1

    def close(self) -> None:
        """Tells what was run; appends it to the results."""
        line = json.dumps(
            {
                "campaign": self.name,
                "level": self.level,
                "rounds": sum(self._ran.values()),
                "not-run": sum(self._left.values()),
                "ran": dict(sorted(self._ran.items())),
                "left-out": {kind: left for kind, left in sorted(self._left.items()) if left},
                "came-out": dict(sorted(self._notes.items())),
            }
        )
        self._tell(line)
        folder = os.environ.get("FSM_SPRINT_RESULTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(Path(folder) / "faults.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(descriptor, line.encode() + b"\n")
            os.close(descriptor)
