"""The output of an attempt as it lies on disk: its last lines, its last line, all of it, what comes while one looks.

Rule: logs are of any size, so nothing here holds more than a few pieces of one; and anybody may have written them, so
what is shown of them goes through `Shown`, line by line. What an agent prints is told in words first.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fsm_sprint.agents.transcript import Transcript
from fsm_sprint.paths import errors_of
from fsm_sprint.report.secrets import Redactor
from fsm_sprint.report.terminal import plain

PIECE = 16 * 1024
"""Bytes that are treated as one line at most."""

_BLOCK = 64 * 1024
_END = 4096
"""Bytes at the end of a log in which its last line is looked for."""


class Shown:
    """Turns bytes into what may be shown: plain text, secrets hidden. Keeps an unfinished line until it is finished."""

    def __init__(self, *, told: bool = False) -> None:
        """`told`: the bytes are an agent's stream, which is shown in words."""
        self._transcript = Transcript() if told else None
        self._rest = b""
        self._redact = Redactor()

    def feed(self, raw: bytes) -> str:
        """What can be shown now, whole lines."""
        return self._plain(raw if self._transcript is None else self._transcript.feed(raw))

    def _plain(self, raw: bytes) -> str:
        raw = self._rest + raw
        end = raw.rfind(b"\n") + 1
        self._rest = raw[end:]
        shown = [self._line(piece) for piece in _pieces(raw[:end])]
        while len(self._rest) > PIECE:
            split = _split(self._rest)
            shown.append(self._line(self._rest[:split]))
            self._rest = self._rest[split:]
        return "".join(shown)

    def close(self) -> str:
        """What is left of an unfinished line, and a line break."""
        told = self._plain(self._transcript.close()) if self._transcript is not None else ""
        rest, self._rest = self._rest, b""
        return f"{told}{self._line(rest)}\n" if rest else told

    def _line(self, raw: bytes) -> str:
        text = raw.decode("utf-8", "replace")
        end = "\n" if text.endswith("\n") else ""
        shown = "\n".join(self._redact(part) for part in plain(text).removesuffix("\n").split("\n"))
        return shown + end


def _pieces(raw: bytes) -> Iterator[bytes]:
    """Whole lines, each with its break; long ones in pieces."""
    for part in raw.split(b"\n")[:-1]:
        piece = part + b"\n"
        while len(piece) > PIECE:
            split = _split(piece)
            yield piece[:split]
            piece = piece[split:]
        yield piece


def _split(raw: bytes) -> int:
    """Where a long line is parted: at white space, so that no token is torn apart and missed."""
    found = max(raw.rfind(b" ", 0, PIECE), raw.rfind(b"\t", 0, PIECE))
    return found + 1 if found > 0 else PIECE


def is_agents(log: Path) -> bool:
    """Whether a log is of an agent: the stderr of whatever else runs goes to the same place as its stdout."""
    return errors_of(log).exists()


def opened(path: Path) -> BinaryIO:
    """A log, opened for reading; a link or anything but a file is refused. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(fd, "rb", buffering=0)


def begin(file: BinaryIO, lines: int | None) -> int:
    """Places an open log where its last `lines` lines begin (None: at its start); returns the offset."""
    if lines is None:
        return file.seek(0)
    place = file.seek(0, os.SEEK_END)
    if lines <= 0 or place == 0:
        return place
    file.seek(place - 1)
    wanted = lines + (file.read(1) == b"\n")
    while place > 0:
        size = min(_BLOCK, place)
        place -= size
        file.seek(place)
        block = file.read(size)
        found = block.count(b"\n")
        if found >= wanted:
            end = len(block)
            for _ in range(wanted):
                end = block.rfind(b"\n", 0, end)
            return file.seek(place + end + 1)
        wanted -= found
    return file.seek(0)


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """What follows in an open log up to its present end."""
    while block := file.read(_BLOCK):
        yield block


class Glance:
    """The last line of a log that grows, for one line of a screen: read again only when the file has changed.

    Of an agent's it is the last that the agent has said or done; what its tools print says less.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = -1
        self._line = ""

    def line(self) -> str:
        """The last line that says something, as one plain line with its secrets hidden; '' when there is none."""
        try:
            size = self._path.stat(follow_symlinks=False).st_size
            if size != self._size:
                told = is_agents(self._path)
                end = _END * 16 if told else _END
                with opened(self._path) as file:
                    file.seek(max(0, size - end))
                    raw = file.read(end)
                    if size > end:  # not the tail of a token, which could not be told from a word
                        raw = raw.partition(b"\n")[2] if told else raw.split(None, 1)[-1]
                self._size = size
                self._line = _last(_told(raw), quoted="  | ") or self._line if told else _last(raw)
        except OSError:
            return self._line
        return self._line


def _told(raw: bytes) -> bytes:
    """The end of a stream in words, up to the last event that is whole."""
    return Transcript().feed(raw)


def _last(raw: bytes, *, quoted: str | None = None) -> str:
    """The last line that says something; lines that begin with `quoted` only where there is no other."""
    redact = Redactor()
    shown = [redact(part) for part in plain(raw.decode("utf-8", "replace")).split("\n")]
    found = [part for part in shown if part.strip()]
    own = [part for part in found if quoted is None or not part.startswith(quoted)]
    return next((" ".join(part.split()) for part in reversed(own or found)), "")
