"""How long the disk takes to make something durable, and time for it to recover.

Many a rented disk lets some thousand operations through and then a few hundred a second. So it is asked before each
round, and what it says between rounds stands in the table.
"""

import os
import time
from pathlib import Path
from statistics import median

FAST = 0.0002
"""Seconds: with an fdatasync faster than this, rates have to be kept, and peers that promise nothing kept up with."""
_SLOW = 2.0
"""Times what it took at its best: slower is worn out."""


def fdatasync(folder: Path, count: int = 100) -> float:
    """Median seconds for making 4 kB in place durable."""
    taken = []
    fd = os.open(folder / "synced", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(fd, bytes(4096 * count))
        os.fsync(fd)
        for number in range(count):
            os.pwrite(fd, b"x" * 4096, 4096 * number)
            begin = time.perf_counter()
            getattr(os, "fdatasync", os.fsync)(fd)
            taken.append(time.perf_counter() - begin)
    finally:
        os.close(fd)
    return median(taken)


class Disk:
    """The disk under a directory, with some patience for it."""

    def __init__(self, folder: Path, patience: float) -> None:
        """`patience`: seconds that it may be waited for in all."""
        self._folder = folder
        self._patience = patience
        self.best = fdatasync(folder)

    def now(self) -> float:
        """Median seconds of a few fdatasyncs."""
        found = fdatasync(self._folder, 20)
        self.best = min(self.best, found)
        return found

    def well(self, found: float) -> bool:
        """Whether that is about what the disk takes at its best, or fast in any case."""
        return found <= max(FAST, _SLOW * self.best)

    def rest(self) -> None:
        """Waits until the disk is well, while there is patience left."""
        while self._patience > 0 and not self.well(self.now()):
            time.sleep(2)  # a rented disk gets its allowance back with time alone
            self._patience -= 2
