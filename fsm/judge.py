"""What became of an attempt, judged from what can be seen of it. The one answer to every crash window.

Rule: unknown is never success, and never "it did not run". Locks speak first, because the kernel releases them on any
death; the attempt file is read again *after* `shim.lock` was found free, because the shim may have written meanwhile.
"""

from enum import StrEnum
from typing import NamedTuple

Sector = dict[str, str] | None


class Sight(NamedTuple):
    """What can be seen of an attempt at one moment."""

    shim: bool
    """`shim.lock` is held."""
    tree: bool
    """`tree.lock` is held."""
    file: bool
    """The attempt file is there."""
    exit: Sector
    started: Sector
    rebooted: bool
    """The machine has been started anew since: no process of the attempt can live."""


class Finding(StrEnum):
    """What follows from a sight."""

    ALIVE = "alive"
    """Its shim lives: adopt it and wait."""
    EXITED = "exited"
    """There is a valid exit record: its status is the truth."""
    ORPHANED = "orphaned"
    """The shim is dead, descendants live, the task had started: end the tree, then look again."""
    LEAVING = "leaving"
    """The shim is dead before *started*; what holds the tree lock is leaving by itself: look again."""
    NEVER_RAN = "never-ran"
    LOST = "lost"
    """It had started and nobody can know how it ended."""


def judge(sight: Sight, *, allowed: bool) -> Finding:
    """The finding for an attempt; `allowed` is true when its `start` row is on disk, so that GO may have been sent."""
    if not sight.rebooted:
        if sight.shim:
            return Finding.ALIVE
        if sight.tree and sight.exit is None:
            return Finding.ORPHANED if sight.started is not None or not sight.file else Finding.LEAVING
    if sight.exit is not None:
        return Finding.EXITED
    if sight.started is not None or (allowed and not sight.file):
        # A `start` row means that the file was durable once: its absence is somebody's doing, not proof.
        return Finding.LOST
    return Finding.NEVER_RAN
