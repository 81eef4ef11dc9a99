"""Scalars: which value a plain word stands for in YAML 1.2 (core schema), and how a value reads as text.

Rule: text forms follow JavaScript's `String(value)`, because templates have been written against that.
"""

import json
import math
import re
from decimal import Decimal
from typing import Any

_MAX_DIGITS = 4300
"""Python refuses longer decimal integers, for good reason."""

_WORDS: dict[str, bool | float | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".nan": math.nan,
    ".NaN": math.nan,
    ".NAN": math.nan,
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{"-" + word: -math.inf for word in (".inf", ".Inf", ".INF")},
}
_INT = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_FIRST = frozenset("0123456789+-.~nNtTfF")
"""What a plain scalar that is not text begins with."""


def resolve(word: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises ValueError for an integer of more than 4,300 digits."""
    if word and word[0] not in _FIRST:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _INT.match(word):
        if len(word) > _MAX_DIGITS:
            raise ValueError(f"a number of {len(word)} digits")
        return int(word)
    if _OCTAL.match(word):
        return int(word, 0)
    if _HEX.match(word):
        return int(word, 0)
    if _FLOAT.match(word):
        return float(word)
    return word


def as_text(value: Any) -> str:
    """How a value appears where a template or an environment variable names it.

    Lists are joined with commas; mappings, which JavaScript cannot show, are compact JSON.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() < 14_000 else hex(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return ",".join("" if item is None else as_text(item) for item in value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def is_scalar(value: Any) -> bool:
    """Whether the value is a single word, number or null rather than a collection."""
    return value is None or isinstance(value, str | int | float)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        if value.is_integer():
            return str(int(value))
        return format(Decimal(repr(value)), "f")
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:  # repr writes 1e-5 and smaller with an exponent, and so does JavaScript below 1e-6
        mantissa, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
