"""What may be shown on a terminal: output of programs and names of users, without the power to command it.

Rule: whatever anybody else wrote passes through `plain` before it is printed. Escape sequences can rewrite what was
shown, set the window's title and write the clipboard; marks of writing direction make a line read as another one.
"""

import os
import re
import sys
import unicodedata
from collections.abc import Mapping
from typing import TextIO

_SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    "|\x1b[ -/]+[0-~]"  # character sets
    "|\x1b[0-Z\\\\`-~]"  # two-character ones
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Text without escape sequences, control characters (line breaks and tabs stay) and marks of direction."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", _SEQUENCES.sub("", text).replace("\r", "\n")))


def line(text: str) -> str:
    """Text as one plain line: breaks and tabs become spaces."""
    return " ".join(plain(text).split())


def cells(text: str) -> int:
    """Columns that plain text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """Plain text in at most `width` columns; what is left out is marked by an ellipsis."""
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    room = width - 1
    taken = 0
    for place, char in enumerate(text):
        taken += _cells(char)
        if taken > room:
            return text[:place] + "…"
    return text


def cut_path(text: str, width: int) -> str:
    """The path of a unit in at most `width` columns; its end says most, so its beginning goes first."""
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    taken = 0
    for place in range(len(text) - 1, -1, -1):
        taken += _cells(text[place])
        if taken > width - 1:
            return "…" + text[place + 1 :]
    return text


def pad(text: str, width: int) -> str:
    """Text filled up with spaces to `width` columns."""
    return text + " " * (width - cells(text))


def columns(stream: TextIO, environ: Mapping[str, str] = os.environ) -> int:
    """The width to write for: `COLUMNS`, else the terminal's, else 100 where there is none."""
    asked = environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return max(20, int(asked))
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns or 80)
    except (OSError, ValueError, AttributeError):
        return 100


def coloured(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether colour is wanted there: NO_COLOR and TERM=dumb say no, FORCE_COLOR yes, else it takes a terminal."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("FORCE_COLOR")) or terminal(stream)


def drawable(
    screen: TextIO | None, out: TextIO | None = None, environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether something that moves can be drawn on `screen` while `out` (stdout) is nobody's input."""
    if environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM", "dumb") in ("dumb", ""):
        return False
    return terminal(screen) and terminal(out if out is not None else sys.stdout)


def terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; one that is closed or was never there is none."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def blocks(encoding: str | None) -> bool:
    """Whether a stream of that encoding can show the characters that bars are made of."""
    try:
        "█▒░…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}


class Ink:
    """Colours for plain text, or none: `ink("blocked", "red")`."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted

    def __call__(self, text: str, colour: str) -> str:
        """The text in that colour, where colours are wanted; '' stays ''."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._wanted and text else text


def _cells(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
