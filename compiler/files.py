"""Source files as text: opened only if regular, bounded before they are read, strictly UTF-8."""

import errno
import os
import re
import stat
from pathlib import Path

PASSING = frozenset((errno.EIO, errno.EINTR, errno.ENOMEM, errno.EMFILE, errno.ENFILE))
"""Errors that say nothing of a file, not even whether there is one."""
MAX_BYTES = 64 * 1024 * 1024

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Refused(Exception):  # what happened to the file
    """The file is not one that can be read; `offset` is where in its text, or None for the file as a whole."""

    def __init__(self, reason: str, *, offset: int | None = None, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset
        self.hint = hint


def read(path: Path) -> bytes:
    """The bytes of a regular file of at most 64 MiB. A pipe or a device is never opened.

    OSError when it is not the file that is wrong, but the disk or the machine.
    """
    try:
        _regular(path.stat())
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            _regular(os.fstat(handle))
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        if error.errno in PASSING:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise Refused((error.strerror or "it cannot be opened").lower()) from None
    except ValueError:
        raise Refused("its name is not one that a file can have") from None
    if len(raw) > MAX_BYTES:
        raise Refused(f"it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return raw


def decode(raw: bytes) -> str:
    """The text of UTF-8 bytes, without a byte order mark."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("it is encoded as UTF-16", hint="save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        reason = f"byte 0x{raw[error.start]:02x} in line {line}, byte {column} is not UTF-8"
        raise Refused(reason, hint="save it as UTF-8") from None


def check_characters(text: str) -> None:
    """Refuse control characters and the few others that YAML does not allow in a file."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise Refused(f"the control character U+{ord(found[0]):04X} is not allowed", offset=found.start())


def _regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Refused("it is a directory" if stat.S_ISDIR(found.st_mode) else "it is not a regular file")
