"""The supervisor's end of the launcher: starts it, gives it orders, notices its death.

Rule: the supervisor itself never forks; it execs one launcher, and another one when that has died.
"""

import array
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from fsm.errors import SprintError
from fsm_sprint.executors import wire

_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""
_FD = 3
_DEATHS = 3
_FAREWELL_MS = 2000


class Link:
    """A launcher that is started at first use and again after it has died."""

    def __init__(self, output: Path) -> None:
        """`output`: where the launcher's own stderr is appended; it writes there only when it fails."""
        self._output = output
        self._socket: socket.socket | None = None
        self._pid = 0
        self._deaths = 0

    def start(self) -> None:
        """Execs a launcher unless there is one. SprintError when it cannot be, or has died three times running."""
        if self._socket is not None:
            return
        if self._deaths >= _DEATHS:
            raise SprintError(
                f"the launcher of tasks has died {self._deaths} times without starting one",
                hint=f"its last words may stand in {self._output}",
            )
        interpreter = os.path.realpath(sys.executable)
        code = (
            f"import sys; sys.path.append({str(_ROOT)!r}); "
            f"from fsm_sprint.executors.launcher import main; main({_FD})"
        )
        ours, theirs = socket.socketpair()
        try:
            os.set_inheritable(theirs.fileno(), True)
            self._pid = os.posix_spawn(
                interpreter,
                [interpreter, "-I", "-S", "-E", "-c", code],
                os.environ,
                file_actions=[
                    *([(os.POSIX_SPAWN_DUP2, theirs.fileno(), _FD)] if theirs.fileno() != _FD else []),
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                ],
                setsid=True,
            )
        except OSError as error:
            ours.close()
            raise SprintError(
                f"cannot start {interpreter}: {error.strerror}",
                hint="fsm-sprint starts its tasks through the Python that it runs in",
            ) from error
        finally:
            theirs.close()
        self._socket = ours

    def fileno(self) -> int:
        """Readable when the launcher has died; -1 while there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    def send(self, order: "wire.Order", fds: Sequence[int]) -> bool:
        """Hands over an order with its descriptors; False when the launcher is dead."""
        self.start()
        assert self._socket is not None, "it has just been started"
        raw = wire.frame(order)
        try:
            sent = self._socket.sendmsg(
                [raw], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            )
            if sent < len(raw):
                self._socket.sendall(memoryview(raw)[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def worked(self) -> None:
        """A shim has come up: deaths are counted anew."""
        self._deaths = 0

    def died(self) -> None:
        """Gives up a launcher that has closed its socket."""
        self._deaths += 1
        self.close()

    def close(self) -> None:
        """Lets the launcher go; shims live on."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        if not self._gone():
            os.kill(self._pid, signal.SIGKILL)  # our own child, unreaped: the pid is its own
            os.waitpid(self._pid, 0)

    def _gone(self) -> bool:
        """Waits a moment for the launcher to leave, and reaps it."""
        if hasattr(os, "pidfd_open"):
            try:
                fd = os.pidfd_open(self._pid)
            except OSError:
                pass
            else:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(_FAREWELL_MS)
                os.close(fd)
        return os.waitpid(self._pid, os.WNOHANG)[0] != 0
