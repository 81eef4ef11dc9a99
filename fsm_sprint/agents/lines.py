"""A stream of bytes as lines, and lines as JSON objects, with bounded memory whatever is printed.

Rule: a line that is not understood is nobody's failure; the log has it as it was.
"""

import json
from collections.abc import Iterator
from typing import Any

LONGEST = 16 * 1024 * 1024
"""Bytes of a line that are kept; a longer one is passed over whole."""

Event = dict[str, Any]


class Lines:
    """Cuts what comes in pieces of any size into lines."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._over = False
        """The present line is longer than that, and what comes of it is passed over."""

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """The lines that are whole now, without their ends. To be used up before the next piece is fed."""
        begin = 0
        while (end := raw.find(b"\n", begin)) >= 0:
            self._keep(raw[begin:end])
            yield from self.close()
            begin = end + 1
        self._keep(raw[begin:])

    def close(self) -> Iterator[bytes]:
        """What is left as a line of its own."""
        line, over = bytes(self._rest), self._over
        self._rest.clear()
        self._over = False
        if line and not over:
            yield line

    def _keep(self, piece: bytes) -> None:
        if len(self._rest) + len(piece) > LONGEST:
            self._over = True
            self._rest.clear()
        elif not self._over:
            self._rest += piece


def event(line: bytes | str) -> Event | None:
    """The object that a line is, or None."""
    if line.lstrip()[:1] not in (b"{", "{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
