"""Parts of what an agent printed, taken out with care: nothing in it has to be of the type that one expects."""

import math
from typing import Any

from fsm_sprint.agents.vocabulary import Tokens

CUT = 4000
"""Characters of a text that are kept for a row; the log has the rest."""
_MOST = 2**53


def part(value: Any, *path: str | int) -> Any:
    """What stands at a path of keys and indices; None where there is no such place."""
    for key in path:
        if isinstance(key, str):
            value = value.get(key) if isinstance(value, dict) else None
        else:
            value = value[key] if isinstance(value, list) and -len(value) <= key < len(value) else None
    return value


def words(value: Any, *path: str | int) -> str:
    """The text at a path, as it can be stored; '' where there is none."""
    found = part(value, *path)
    return clean(found) if isinstance(found, str) else ""


def items(value: Any, *path: str | int) -> list[Any]:
    """The list at a path; an empty one where there is none."""
    found = part(value, *path)
    return found if isinstance(found, list) else []


def count(value: Any, *path: str | int) -> int | None:
    """The whole number of at least 0 at a path; None where there is none."""
    found = part(value, *path)
    if isinstance(found, float) and math.isfinite(found):
        found = int(found)
    whole = isinstance(found, int) and not isinstance(found, bool)
    return found if whole and 0 <= found < _MOST else None


def money(value: Any, *path: str | int) -> float | None:
    """The amount at a path; None where there is none."""
    found = part(value, *path)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if number and 0 <= found < _MOST else None


def tokens(
    *, read: int | None, written: int | None, cached: int | None = None, reasoning: int | None = None
) -> Tokens:
    """Counts as a fact; those that are unknown are left out."""
    found: Tokens = {}
    if read is not None:
        found["input"] = max(0, read)
    if written is not None:
        found["output"] = written
    if cached is not None:
        found["cached"] = cached
    if reasoning:
        found["reasoning"] = reasoning
    return found


def added(left: Tokens, right: Tokens) -> Tokens:
    """Two counts as one."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}


def short(text: str, most: int = CUT) -> str:
    """A text that is not longer than it may be in a row."""
    return text if len(text) <= most else f"{text[:most]}…"


def clean(text: str) -> str:
    """A text without halves of surrogate pairs, which JSON can spell and nothing can store."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
