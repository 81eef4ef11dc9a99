"""YAML as PROGRESS.yaml is written: block style, indent 2, sequences indented under their key, no line ever folded.

An emitter of our own because a general one (ruamel) costs about a millisecond a leaf, and 20,000 leaves have to be
on disk well within a second; and because the same data must give the same bytes with every release of a library.
Rule: what is written reads back equal with a YAML 1.2 reader and as the same strings with a 1.1 reader, so whatever
either could take for something else is quoted. Lone surrogates are no text in any encoding and become U+FFFD.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | Mapping[str, Value] | Sequence[Value] | None"
"""What can be written: JSON's shapes, mappings keyed by text."""

# Marks of writing direction are always escaped: whoever reads the file is to read what it says.
_WORD = (
    r"[!-\"$-9;-~\u00a1-\u061b\u061d-\u1fff\u200b-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe"
    r"\uff00-\ufffd\U00010000-\U0010ffff]"
)
_PLAIN = re.compile(
    # Begins as neither an indicator nor a number; what begins with a digit needs a letter that no number,
    # date or time of either version has.
    r"(?:(?=[A-Za-z_/($]|[^\x00-\x7f])|(?=[0-9].*[g-np-su-wyG-NP-SU-WY]))"
    rf"{_WORD}[#: {_WORD[1:]}*"
)
_SPLIT = re.compile(r":(?: |\Z)| #| \Z")
"""What ends a plain scalar in the middle or at its end: a colon or a blank that is last in its word, a comment."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that one version or the other takes for a boolean or null, in lower case."""
_UNPRINTABLE = re.compile(
    r"[^\n\t -~\u00a0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe"
    r"\uff00-\ufffd\U00010000-\U0010ffff]"
)
_ESCAPED = re.compile(
    r"[\"\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r", '"': r"\"", "\\": r"\\"}
_BREAK = re.compile(r"\n(?=[^\n])")
_LONGEST_KEY = 1000
"""Characters that a key may have and stand before its colon; readers look no further than 1,024."""


def document(items: Mapping[str, Value]) -> str:
    """A whole document."""
    return mapping(items, 0) or "{}\n"


def mapping(items: Mapping[str, Value], indent: int) -> str:
    """The lines of a block mapping whose keys stand at column `indent`; '' for an empty one."""
    pad = " " * indent
    return "".join([f"{pad}{_key(key, pad)}:{_after(value, indent)}" for key, value in items.items()])


def entry(items: Mapping[str, Value], indent: int) -> str:
    """The lines of one mapping in a block sequence whose dashes stand at column `indent`."""
    return _dashed(items, indent)


def _after(value: Value, indent: int) -> str:
    """What follows the colon of a key at column `indent`, up to and with the end of its line or block."""
    if isinstance(value, str):
        return f" {_text(value, indent)}\n"
    if isinstance(value, Mapping):
        return f"\n{mapping(value, indent + 2)}" if value else " {}\n"
    if isinstance(value, Sequence):
        return f"\n{''.join(_dashed(item, indent + 2) for item in value)}" if value else " []\n"
    return f" {_number(value)}\n"


def _dashed(value: Value, indent: int) -> str:
    if isinstance(value, str):
        return f"{' ' * indent}- {_text(value, indent)}\n"
    if isinstance(value, Mapping) and value:
        block = mapping(value, indent + 2)
    elif isinstance(value, Sequence) and value:
        block = "".join(_dashed(item, indent + 2) for item in value)
    else:
        return f"{' ' * indent}-{_after(value, indent)}"
    return f"{block[:indent]}- {block[indent + 2 :]}"


@lru_cache(4096)
def _key(key: str, pad: str) -> str:
    name = key if _plain(key) else _quoted(key)
    return name if len(name) <= _LONGEST_KEY else f"? {name}\n{pad}"


def _number(value: float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value):
        # To a 1.1 reader a float without a point is a string.
        mantissa, exponent, power = repr(value).partition("e")
        return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{power}"
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _text(text: str, indent: int) -> str:
    """A string after its key or dash at column `indent`, without the last line break."""
    if "\n" not in text:
        return text if _plain(text) else _quoted(text)
    if text.isspace() or _UNPRINTABLE.search(text):
        return _quoted(text)
    pad = " " * (indent + 2)
    first = text[0]
    # Where the text begins with white space, a reader cannot tell the indentation from it.
    sign = "2" if first in " \t\n" else ""
    if not text.endswith("\n"):
        sign += "-"
    else:
        sign += "+" if text.endswith("\n\n") else ""
        text = text[:-1]
    return f"|{sign}\n{'' if first == chr(10) else pad}{_BREAK.sub(chr(10) + pad, text)}"


def _plain(text: str) -> bool:
    return _short(text) if len(text) < 40 else _plainly(text)


@lru_cache(4096)
def _short(text: str) -> bool:
    """The same for what comes again and again: keys, ids, states."""
    return _plainly(text) and text.lower() not in _WORDS


def _plainly(text: str) -> bool:
    """Two looks, each in one pass, because a text may be of megabytes."""
    return _PLAIN.fullmatch(text) is not None and _SPLIT.search(text) is None


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    short = _SHORT.get(char)
    if short is not None:
        return short
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
