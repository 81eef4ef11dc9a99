"""JSON documents on stdout: one for each call, with `"version": 1`, in text that any stream can take."""

import json
import re
from typing import Any, BinaryIO

Document = dict[str, Any]

_POWERFUL = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"  # the rest of C0 is escaped anyway
)


def printed(value: object) -> str:
    """A value as JSON on one line, which is the same to every reader and has no power over a terminal.

    Half a surrogate pair, which no stream takes, stands as its escape too.
    """
    return tame(json.dumps(value, ensure_ascii=False))


def tame(text: str) -> str:
    """Text of a JSON document with its control characters and marks of direction as escapes."""
    return _POWERFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Tamed:
    """A binary stream for lines of JSON that somebody looks at."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, raw: bytes, /) -> int:
        """Writes whole lines, tamed; returns the number of bytes it was given, as streams do."""
        self._stream.write(tame(raw.decode("utf-8")).encode())
        return len(raw)
