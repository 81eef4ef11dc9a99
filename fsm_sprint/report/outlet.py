"""Where talk goes: a terminal, a file or a pipe, that may be slow, stopped or gone, while the run has to go on.

Rule: nothing here waits for a reader and nothing raises. A terminal stopped by Ctrl-S, or a pipe that nobody empties,
makes `write` keep what it is given; what cannot be kept any longer is left out, and that is said. Gone is gone.
"""

import os
import select
from collections.abc import Callable
from typing import TextIO

_KEPT = 1 << 20
"""Bytes that are kept for a reader that is not ready."""

_PIECE = 4096
"""Bytes that a pipe takes without waiting once it says that it takes anything."""


class Outlet:
    """A stream that a run can talk to. File-like as far as rich needs it."""

    def __init__(self, stream: TextIO | None) -> None:
        """`stream` keeps what it has buffered: it is flushed first, and then written to by its descriptor."""
        self._stream = stream
        self._kept = bytearray()
        self._left_out = 0
        self.gone = stream is None
        """Nobody will ever read what is written."""
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self._fd = -1
        self._own = False
        self._poll = select.poll()
        try:
            if stream is not None:
                stream.flush()
                self._fd, self._own = _unblocked(stream.fileno())
                self._poll.register(self._fd, select.POLLOUT)
        except (OSError, ValueError):
            pass  # a stream in memory has no descriptor; one that is broken shows when it is written to

    @property
    def full(self) -> bool:
        """Whether something still waits for the reader."""
        return bool(self._kept)

    def write(self, text: str) -> int:
        """Writes what can be written now and keeps the rest; returns the number of characters, as streams do."""
        if self.gone:
            return len(text)
        if self._fd < 0:
            self._plainly(text)
            return len(text)
        raw = text.encode(self.encoding, "replace")
        if len(self._kept) + len(raw) > _KEPT:
            self._left_out += len(raw)
        else:
            if self._left_out:
                note = f"\n[{self._left_out} bytes left out: nobody took them]\n"
                self._kept += note.encode(self.encoding, "replace")
                self._left_out = 0
            self._kept += raw
        self.flush()
        return len(text)

    def flush(self) -> None:
        """Passes on what is kept, as far as the reader takes it now."""
        self._pass(0)

    def drain(self, patience: float = 1.0) -> None:
        """Gives the reader `patience` seconds for each piece of what is kept."""
        self._pass(round(patience * 1000))

    def close(self) -> None:
        """Writes nothing any more. The stream itself stays open."""
        self.gone = True
        if self._own:
            os.close(self._fd)
            self._own = False

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal, as they are now; 80 by 24 where there is none."""
        try:
            found = os.get_terminal_size(self._fd)
        except OSError:
            return 80, 24
        return max(1, found.columns or 80), max(1, found.lines or 24)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return not self.gone and self._fd >= 0 and os.isatty(self._fd)

    def fileno(self) -> int:
        """The descriptor; OSError when there is none."""
        if self._fd < 0:
            raise OSError("no descriptor")
        return self._fd

    def _plainly(self, text: str) -> None:
        assert self._stream is not None, "it is gone otherwise"
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self.gone = True

    def _pass(self, patience: int) -> None:
        """Writes while the reader takes it; waits `patience` ms for each piece."""
        if self.gone or not self._kept:
            return
        try:
            while self._kept:
                if not self._poll.poll(patience):
                    return
                written = os.write(self._fd, self._kept[:_PIECE])
                del self._kept[:written]
        except BlockingIOError:
            return
        except OSError:
            self.gone = True  # EPIPE, EIO after a hang-up, EBADF
            self._kept.clear()


def audience(stream: TextIO, moment: int = 100) -> Callable[[], bool]:
    """What waits `moment` ms for each call, and says whether anybody still reads what goes to a stream."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)  # only for the end of its reader

    def wait() -> bool:
        return not any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(moment))

    return wait


def _unblocked(fd: int) -> tuple[int, bool]:
    """A descriptor whose writes do not wait, and whether it is our own to close.

    A terminal that has room for one byte lets a write of many wait for the rest, so it is opened once more: the flag
    would otherwise be set for every program that shares it.
    """
    if not os.isatty(fd):
        return fd, False
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), True
    except OSError:
        return fd, False
