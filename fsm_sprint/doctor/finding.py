"""One thing that was looked at."""

from enum import StrEnum
from typing import NamedTuple


class Mark(StrEnum):
    """What is to be thought of it."""

    OK = "ok"
    WARN = "warn"
    """Good to know; a run works."""
    BAD = "x"
    """A run cannot work, or what it promises does not hold."""


class Finding(NamedTuple):
    """What was found, and what to do about it."""

    name: str
    mark: Mark
    detail: str
    hint: str = ""
    """What to do; '' when nothing is to be done."""


def ok(name: str, detail: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(name, Mark.OK, detail)


def warn(name: str, detail: str, hint: str = "") -> Finding:
    """A thing to know about."""
    return Finding(name, Mark.WARN, detail, hint)


def bad(name: str, detail: str, hint: str = "") -> Finding:
    """A thing that has to be mended."""
    return Finding(name, Mark.BAD, detail, hint)
