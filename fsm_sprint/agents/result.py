"""The result that an agent may leave at the end of what it prints: a JSON object, bare or in a fence.

`{"status": "completed" | "failed" | "needs-human", "summary": …, "error"?: …, "humanNeeded"?: {"reason", "details"?}}`.
Rule: the last one counts; anything that is not quite one is no result, never an error.
"""

import json
import re
from typing import Any

from fsm.transition import Facts

STATUSES = {"completed": "ok", "failed": "failed", "needs-human": "needs-human"}
"""What an agent may say of its work, and the verdict that it means."""

_EXAMPLES = ("what you did", "how far you came")
"""Summaries of the results that a prompt shows: an agent that prints what it is told has not answered by that."""

_FENCED = re.compile(r"^[ \t]*```[a-zA-Z]*[ \t]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_LONGEST = 4000
"""Characters of a text that are kept; the log has the rest."""
_CANDIDATES = 400
"""Opening braces from the end that are tried as the start of a bare result."""


def result(text: str) -> tuple[str, Facts] | None:
    """(verdict, facts) of the last result in a text, or None."""
    fenced = [
        (match.start(), found) for match in _FENCED.finditer(text) if (found := _object(match[1])) is not None
    ]
    bare = _bare(text)
    candidates = fenced + ([bare] if bare is not None else [])
    if not candidates:
        return None
    return _meaning(max(candidates, key=lambda candidate: candidate[0])[1])


def _bare(text: str) -> tuple[int, dict[str, Any]] | None:
    """The result that the text ends with, and where it begins."""
    whole = text.rstrip()
    if not whole.endswith("}"):
        return None
    at = len(whole)
    for _ in range(_CANDIDATES):
        at = whole.rfind("{", 0, at)
        if at < 0:
            break
        found = _object(whole[at:])
        if found is not None:
            return at, found
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    status = found.get("status")
    known = isinstance(status, str) and status in STATUSES and found.get("summary") not in _EXAMPLES
    return found if known else None


def _meaning(found: dict[str, Any]) -> tuple[str, Facts]:
    facts: Facts = {
        name: _text(found[name]) for name in ("summary", "error") if isinstance(found.get(name), str)
    }
    human = found.get("humanNeeded")
    if isinstance(human, dict):
        asked = {
            name: _text(human[name]) for name in ("reason", "details") if isinstance(human.get(name), str)
        }
        if asked:
            facts["human-needed"] = asked
            facts.setdefault("error", asked.get("reason", asked.get("details", "")))
    return STATUSES[found["status"]], facts


def _text(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
