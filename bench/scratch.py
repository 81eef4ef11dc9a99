"""Where the bench writes: a fresh tree for every side and round, removed at the end and not before.

Rule: nothing is deleted while something is measured. On an ext4 without a journal, creating a file after mass deletes
costs ten to a hundred times as much for minutes; so the place with the cheapest creation is chosen, and its cost shown.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

_IN_MEMORY = {"tmpfs", "ramfs"}


class Scratch:
    """A directory on a real disk; a context that removes what was made in it."""

    def __init__(self, chosen: Path | None) -> None:
        """`chosen`: what the user said; None picks among the usual places."""
        self._chosen = chosen
        self._made = 0

    def __enter__(self) -> Self:
        places = [self._chosen] if self._chosen else _places()
        made = [Path(tempfile.mkdtemp(prefix="fsm-sprint-bench-", dir=place)) for place in places]
        self.root = min(made, key=creation) if len(made) > 1 else made[0]
        for other in made:
            if other != self.root:
                shutil.rmtree(other)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def fresh(self) -> Path:
        """An empty directory that nobody has used."""
        self._made += 1
        path = self.root / f"{self._made:04}"
        path.mkdir()
        return path


def creation(folder: Path, count: int = 60) -> float:
    """Median seconds for making a directory with a file in it, the way an attempt's is made."""
    taken = []
    for number in range(count):
        begin = time.perf_counter()
        inside = folder / f"probe-{time.monotonic_ns()}-{number}"
        inside.mkdir()
        os.close(os.open(inside / "file", os.O_WRONLY | os.O_CREAT, 0o600))
        taken.append(time.perf_counter() - begin)
    return median(taken)


def filesystem(folder: Path) -> str:
    """Type of the file system, `unknown` where the system does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts:
        before, _, after = line.partition(" - ")
        if before.split(" ")[2] == wanted:
            return after.split(" ")[0]
    return "unknown"


def _places() -> list[Path]:
    """Directories for temporary files that are on a disk; if there is none, the usual one."""
    found = [Path(place) for place in dict.fromkeys(("/var/tmp", tempfile.gettempdir()))]
    usable = [place for place in found if place.is_dir() and os.access(place, os.W_OK)]
    return [place for place in usable if filesystem(place) not in _IN_MEMORY] or [Path(tempfile.gettempdir())]
