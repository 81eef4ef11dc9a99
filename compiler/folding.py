"""What the lines of a YAML scalar amount to: indentation taken off, line ends folded, escapes resolved.

Rule: everything is linear in the text, however it is made up.
"""

import re
import sys
from functools import cache

_BREAK = re.compile(r"\r\n|[\r\n]")
_FOLD = r"(?<![^\\][ \t])[ \t]++(?:(?:\r\n|[\r\n])[ \t]*+)++|(?:(?:\r\n|[\r\n])[ \t]*+)++"
_SINGLE = re.compile(f"''|{_FOLD}")
_DOUBLE = re.compile(
    r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|(?:(?:\r\n|[\r\n])[ \t]*+)++|.)|" + _FOLD,
    re.DOTALL,
)
_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}


def unquoted(body: str, *, double: bool) -> str:
    """The text that stands between two quotes. Raises ValueError, with a reason, for an escape that there is not."""
    return (_DOUBLE if double else _SINGLE).sub(_meant, body)


def _meant(piece: re.Match[str]) -> str:
    """What a doubled quote, an escape or a fold of lines stands for."""
    text = piece[0]
    escaped = text[0] == "\\"
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    if ends:
        return "\n" * (ends - 1) or ("" if escaped else " ")
    if not escaped:
        return "'"
    if text[1] in _ESCAPES:
        return _ESCAPES[text[1]]
    digits = text[2:]
    if not digits or int(digits, 16) > sys.maxunicode:
        raise ValueError(f"found unknown escape {text}")
    return chr(int(digits, 16))


@cache
def body_of(indent: int) -> re.Pattern[str]:
    """The lines of a block scalar: those that are indented, and blank ones. At the margin a document marker ends it."""
    marker = "" if indent else r"(?!(?:---|\.\.\.)[\0\r\n \t])"
    line = f"(?:{marker} {{{indent}}}[^\\0\\r\\n]*+| {{0,{indent}}})"
    return re.compile(f"(?:{line}(?:\\r\\n|[\\r\\n]))*+(?:{marker} {{{indent}}}[^\\0\\r\\n]++)?")


def unindented(body: str, indent: int, *, folded: bool, chomping: str) -> str:
    """The text of a block scalar from its lines; `chomping` is `+`, `-` or empty."""
    lines = [line[indent:] for line in _BREAK.split(body)]
    last = len(lines)
    while last and not lines[last - 1]:
        last -= 1
    ends = len(lines) - (last or 1)  # what follows the last line end counts as a line
    text = _folded(lines[:last]) if folded else "\n".join(lines[:last])
    if chomping == "+":
        return text + "\n" * ends
    return text + "\n" if last and ends and not chomping else text


def _folded(lines: list[str]) -> str:
    """Lines joined by blanks; those that are indented further, and what surrounds them, stay as they are."""
    chunks: list[str] = []
    blanks = 0
    before: str | None = None
    for line in lines:
        if not line:
            blanks += 1
            continue
        if before is None or (before[0] not in " \t" and line[0] not in " \t"):
            chunks.append("\n" * blanks if blanks or before is None else " ")
        else:
            chunks.append("\n" * (blanks + 1))
        chunks.append(line)
        before, blanks = line, 0
    return "".join(chunks)
