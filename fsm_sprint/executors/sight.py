"""What can be seen of an attempt on disk and in the kernel, for `fsm.judge`. Nothing is changed by looking."""

import os
from pathlib import Path

from fsm import attempt
from fsm.judge import Sight
from fsm_sprint.executors import platform
from fsm_sprint.executors.files import PASSING, RECORD, SHIM_LOCK, TREE_LOCK, held


class Here:
    """This machine since its last start: what tells whether a recorded process can still be meant."""

    def __init__(self) -> None:
        self.boot = platform.boot_id()
        self.namespace = platform.pid_namespace()

    def rebooted(self, identity: dict[str, str]) -> bool:
        """Whether the machine was started anew since; unknown counts as no, because the locks then speak."""
        return bool(self.boot) and identity.get("boot", "") not in ("", self.boot)

    def foreign(self, identity: dict[str, str]) -> bool:
        """Whether its pids are those of another pid namespace, a container's."""
        return identity.get("namespace", "") not in ("", self.namespace)

    def lives(self, identity: dict[str, str]) -> bool:
        """Whether the very shim that was recorded runs in our sight."""
        if self.rebooted(identity) or self.foreign(identity) or not identity.get("pid"):
            return False
        return platform.start_time(int(identity["pid"])) == identity.get("start")


def look(folder: Path, here: Here, identity: dict[str, str]) -> Sight:
    """One look at an attempt. The attempt file is read after its locks were tried: the shim may have written last."""
    shim = held(str(folder / SHIM_LOCK))
    tree = held(str(folder / TREE_LOCK))
    raw = _record(folder / RECORD)
    ended, started = (None, None) if raw is None else attempt.read(raw)
    return Sight(
        # Without its lock file, which a task may delete, a shim is known by its pid and start time.
        shim=here.lives(identity) if shim is None else shim,
        tree=bool(tree),
        file=raw is not None,
        exit=ended,
        started=started,
        rebooted=here.rebooted(identity),
    )


def _record(path: Path) -> bytes | None:
    """The attempt file, None when there is none. OSError when that cannot be told: it might hold the verdict."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            return os.read(fd, attempt.SIZE)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in PASSING:
            raise
        return None
