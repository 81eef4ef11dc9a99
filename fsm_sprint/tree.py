"""Who else works in the same git work tree: another sprint's tasks would meet ours in the same files.

Rule: it is said, not prevented, unless the sprint wants the tree for itself. The lock lies outside of the repository,
under a name made from the tree's path, and the kernel lets go of it with the process.
"""

import os
from contextlib import suppress
from pathlib import Path

from fsm.plan import digest
from journal.errors import JournalError, LeaseHeld
from journal.lease import Lease, holder


class TreeTaken(LeaseHeld):
    """Another sprint works in the tree, and this one wants it for itself."""


def enter(tree: Path, sprint: Path, *, alone: bool) -> tuple[Lease | None, str | None]:
    """(what holds the place until the process ends, what has to be said of others who are there).

    Raises TreeTaken when others are there and `alone` is wanted.
    """
    lock = _lock(tree)
    if lock is None or tree == sprint:
        return None, None
    try:
        return Lease.take(lock, {"pid": os.getpid(), "sprint": str(sprint)}), None
    except LeaseHeld:
        found = holder(lock) or {}
        who = f"{found.get('sprint', 'another sprint')} (pid {found.get('pid', 'unknown')})"
        if alone:
            raise TreeTaken(
                f"{who} works in {tree} too, and this sprint wants it for itself",
                hint="wait for it, stop it, or take `exclusive: true` out of SPRINT.yaml",
            ) from None
        return None, f"{who} works in {tree} too; both change the same files"
    except (JournalError, OSError):
        return None, None  # nowhere to keep a lock is no reason not to run


def _lock(tree: Path) -> Path | None:
    with suppress(RuntimeError):  # no HOME, and a user that the system does not know
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(state) / "fsm-sprint" / "trees" / f"{digest(str(tree))[:32]}.lock"
    return None
