"""What attempts leave on a simulated disk: what programs see, what a power cut leaves, and when the disk fails.

Rule: what was not synced may be there, in part, or not at all; a sync that failed has made nothing durable, and what it
was for is no longer waiting to be written.
"""

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fsm import attempt as records


@dataclass(slots=True, eq=False)
class Directory:
    """An attempt's directory, and who holds its locks."""

    key: tuple[str, int] = ("", 0)
    """(unit, attempt)"""
    durable: bool = False
    file: bytes | None = None
    on_disk: bytes | None = None
    dirty: bool = False
    """What programs see waits to be written: a sync makes it durable."""
    shim: Any = None
    """Holder of `shim.lock`."""
    tree: "dict[Any, None]" = field(default_factory=dict)
    """Holders of `tree.lock`, in the order in which they came: a set's order would differ from run to run."""

    def create(self) -> bool:
        """Makes the attempt file exclusively; False when it is there already."""
        if self.file is not None:
            return False
        self.file, self.dirty = records.EMPTY, True
        return True

    def write(self, offset: int, sector: bytes) -> None:
        """Puts a sector in its place, for programs to see."""
        old = self.file or records.EMPTY
        self.file = old[:offset] + sector + old[offset + records.SECTOR :]
        self.dirty = True

    def sync(self, *, fails: bool = False) -> None:
        """Makes the file durable; one that fails leaves it as it is and will not write it by itself."""
        if self.dirty and not fails:
            self.on_disk = self.file
        self.dirty = False

    def cut(self, random: Random) -> None:
        """The power is gone: nobody holds a lock, and of what was not synced any part may be left."""
        self.shim = None
        self.tree.clear()
        self.file = self.on_disk = self._left(random)
        self.dirty = False

    def _left(self, random: Random) -> bytes | None:
        new, old = self.file, self.on_disk
        if new is None or new == old:
            return old
        if old is None:
            return random.choice((None, b"", new))
        halves = [random.choice((new[at : at + 512], old[at : at + 512])) for at in (0, 512)]
        if random.random() < 0.2:
            torn = random.randrange(2)
            cut = random.randrange(512)
            halves[torn] = new[torn * 512 : torn * 512 + cut] + old[torn * 512 + cut : torn * 512 + 512]
        return b"".join(halves)


@dataclass(slots=True, eq=False)
class Pipe:
    """Status and gate of one attempt, with who holds the far ends."""

    messages: "deque[dict[str, str]]" = field(default_factory=deque)
    writer: object | None = None
    """Holder of the status pipe's write end: the message to the launcher, then the shim."""
    ended: dict[str, str] | None = None
    """The exit record, sent along once it was durable."""
    go: bool = False
    closed: bool = False
    """The supervisor's end of the gate is closed."""
