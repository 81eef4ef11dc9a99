"""The result that an agent may leave at the end of what it prints: a JSON object, bare or in a fence.

`{"status": "completed" | "failed" | "needs-human", "summary": …, "error"?: …, "humanNeeded"?: {"reason", "details"?},
"proposedSteps"?: […], "operatorRequests"?: […]}`. Rule: the last one counts; anything that is not quite one is no
result, never an error.
"""

import json
import re
from typing import Any

from fsm.transition import Facts
from fsm_sprint.agents.parts import clean, short

STATUSES = {"completed": "ok", "failed": "failed", "needs-human": "needs-human"}
"""What an agent may say of its work, and the verdict that it means."""

_EXAMPLES = ("what you did", "how far you came")
"""Summaries of the results that a prompt shows: an agent that prints what it is told has not answered by that."""

_LISTS = {"proposedSteps": "proposed-steps", "operatorRequests": "operator-requests"}
_MOST = 50
"""Entries of a list that are kept."""
_LARGEST = 64 * 1024
"""Characters of a list, as JSON, that are kept: whole entries, from the first."""

_FENCED = re.compile(r"^[ \t]*```[a-zA-Z]*[ \t]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
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
    return meaning(max(candidates, key=lambda candidate: candidate[0])[1])


def meaning(found: object) -> tuple[str, Facts] | None:
    """(verdict, facts) of an object that may be a result; None when it is none."""
    if not isinstance(found, dict) or not _known(found):
        return None
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
    for name, fact in _LISTS.items():
        entries = _entries(found.get(name))
        if entries:
            facts[fact] = entries
    return STATUSES[found["status"]], facts


def _known(found: dict[str, Any]) -> bool:
    status = found.get("status")
    return isinstance(status, str) and status in STATUSES and found.get("summary") not in _EXAMPLES


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
    return found if isinstance(found, dict) and _known(found) else None


def _entries(found: object) -> list[dict[str, Any]]:
    """The objects of a list, as many as there is room for."""
    kept: list[dict[str, Any]] = []
    left = _LARGEST
    for entry in found[:_MOST] if isinstance(found, list) else ():
        if not isinstance(entry, dict):
            continue
        try:
            raw = clean(json.dumps(entry, ensure_ascii=False, allow_nan=False))
        except ValueError:  # a number that JSON does not have
            continue
        left -= len(raw)
        if left < 0:
            break
        kept.append(json.loads(raw))
    return kept


def _text(text: str) -> str:
    return short(clean(text))
