"""Single values of the source files: times, ids, names, variables. Each is checked and brought into one form.

Rule: a complaint completes a sentence that begins with the name of a key: "`timeout`, which …".
"""

import math
import re
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from compiler.scalars import as_text, is_scalar
from fsm.verdicts import VERDICTS, Class

DURATION = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+"
LONGEST = 366 * 86400.0
"""Seconds that a timeout can have at most."""

RETRIED = (*VERDICTS, *Class)
"""What `on` of a retry may name."""
RETRIED_OF_OLD = {
    "network": ("overloaded",),
    "rate-limit": ("limit", "overloaded"),
    "timeout": ("timeout", "idle"),
    "validation": ("failed",),
    "logic": ("failed",),
}
"""What the predecessor's `retryOn` may name, and the verdicts that come of it here."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_VARIABLE = 100_000


def one_line(text: str) -> str:
    """An id: no control characters, no line ends, nothing that turns the direction of text."""
    found = _CONTROL.search(text)
    if found is not None:
        raise PydanticCustomError(
            "control", "holds the control character U+{code}", {"code": f"{ord(found[0]):04X}"}
        )
    return text


def seconds(value: Any) -> float:
    """A time as seconds: a number, or amounts with units."""
    found = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value) if abs(value) < LONGEST * 2 else math.inf
    elif isinstance(value, str) and len(value) < 100 and re.fullmatch(DURATION, value, re.ASCII):
        found = sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(value))
    if not 0 < found <= LONGEST:
        raise PydanticCustomError(
            "duration", 'is neither a time such as "90s", "30m", "1h30m" nor a number of seconds'
        )
    return found


def variable(value: Any) -> str:
    """The value of an environment variable as text."""
    if not is_scalar(value):
        raise PydanticCustomError("scalar", "is not a single value")
    text = "" if value is None else as_text(value)
    if len(text.encode()) > _LONGEST_VARIABLE:
        raise PydanticCustomError("long", "is longer than 100,000 bytes, more than an environment can carry")
    return text


def free_name(name: str) -> str:
    """The name of a variable that the user may set."""
    if name.startswith("FSM_SPRINT_"):
        raise PydanticCustomError("reserved", "begins with FSM_SPRINT_, which is kept for the runner")
    return name


def plain(value: Any) -> str | None:
    """A name may be a number in YAML; it is text from here on."""
    if not is_scalar(value):
        raise PydanticCustomError("scalar", "is not a single value")
    return None if value is None else as_text(value)


def plain_id(value: Any) -> str | None:
    """An id may be a number in YAML; it is text from here on."""
    text = plain(value)
    return None if text is None else one_line(text)


def item_id(value: Any) -> str | None:
    """An item's id: what JavaScript calls falsy means that it has none."""
    return plain_id(value) if value else None


def verdict(word: str) -> str:
    """A verdict, a class of verdicts, or what the predecessor called so."""
    if word not in RETRIED and word not in RETRIED_OF_OLD:
        known = [str(one) for one in (*RETRIED, *RETRIED_OF_OLD)]
        raise PydanticCustomError("unknown", "is no verdict and no class of verdicts", {"known": known})
    return word


def path(text: str) -> str:
    """A path or a glob for a shell: `**` stands for directories, once and between slashes."""
    one_line(text)
    if text.startswith("~"):
        raise PydanticCustomError("home", "begins with `~`, which only a shell understands: write it out")
    if text.split("/").count("**") > 1:
        raise PydanticCustomError("deep", "has `**` more than once")
    return text


def address(text: str) -> str:
    """A web address."""
    try:
        parts = urlsplit(one_line(text))
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an address in brackets
        sound = False
    if not sound or re.search(r"\s", text):
        raise PydanticCustomError("address", "is no web address: it has to begin with https:// or http://")
    return text
