"""Ending an attempt that runs: told to end, told to kill, killed over its shim's head, and its shim last.

Rule: its shim does it, because only the shim can write down how it ended; the rest is for a shim that cannot act.
"""

import os
import signal
from dataclasses import dataclass

from fsm_sprint.executors import platform, trees
from fsm_sprint.executors.sight import Here
from fsm_sprint.executors.watch import Watch

_REACTION = 5.0
"""Seconds that a shim has to act on being told to kill."""
_AGAIN = 1.0
"""Seconds between the steps after that."""


@dataclass(slots=True)
class Ending:
    """How far the ending of one attempt has come."""

    watch: Watch
    due: float
    """When the next step is taken, in monotonic seconds."""
    told: bool = False
    """TERM has reached the shim, or its gate was closed."""
    step: int = 0
    """Steps taken: 1, the shim was told to kill; 2, the tree was killed; 3, its shim too."""

    def tell(self, here: Here) -> None:
        """Tells it to end, once; to be called again until somebody could be told."""
        if self.told:
            return
        if self.watch.gate >= 0:
            os.close(self.watch.gate)
            self.watch.gate = -1
            self.told = True
        else:
            self.told = _signal(self.watch, here, signal.SIGTERM)

    def press(self, here: Here, now: float) -> None:
        """Takes the next step if it is due."""
        self.tell(here)
        if now < self.due:
            return
        self.step += 1
        if self.step == 1:
            _signal(self.watch, here, signal.SIGUSR1)
            self.due = now + _REACTION
            return
        trees.kill(trees.members(self.watch.folder, self.watch.identity, self.watch.marks))
        if self.step > 2:
            _signal(self.watch, here, signal.SIGKILL)
        self.due = now + _AGAIN


def _signal(watch: Watch, here: Here, number: int) -> bool:
    """Signals the shim if it is the recorded one; one that was stopped is set going, or it could not act."""
    identity = watch.identity
    if not here.lives(identity):
        return False
    pid, start = int(identity["pid"]), identity["start"]
    return platform.send(pid, start, number) and (
        number == signal.SIGKILL or platform.send(pid, start, signal.SIGCONT)
    )
