"""One poll over everything that can be heard: status pipes, ends of processes, the launcher, whatever else wakes us."""

import math
import os
import select
from collections.abc import Callable


class Ears:
    """Descriptors and who is told when one of them can be read."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._told: dict[int, Callable[[int], None]] = {}

    def follow(self, fd: int, told: Callable[[int], None]) -> None:
        """Tells `told` the descriptor whenever it can be read or has come to its end."""
        self._told[fd] = told
        self._poll.register(fd, select.POLLIN)

    def unfollow(self, fd: int, *, close: bool = True) -> None:
        """Forgets a descriptor, and closes it unless it belongs to somebody else."""
        del self._told[fd]
        self._poll.unregister(fd)
        if close:
            os.close(fd)

    def listen(self, seconds: float) -> None:
        """Tells of everything that can be heard; waits up to `seconds`, or for ever, until there is something."""
        patience = None if seconds == math.inf else max(0, math.ceil(seconds * 1000))
        for fd, _ in self._poll.poll(patience):
            if fd in self._told:  # unless an earlier one of this round has closed it
                self._told[fd](fd)
