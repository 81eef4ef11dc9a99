"""`{{item.x}}`, `{{<type>.x}}`, `{{phase.x}}`, `{{sprint.x}}`: the variables of prompts.

Rule: four passes in that order over one growing text, as the predecessor had them. What a pass brings in is seen by the
later ones, never again by its own, so every expansion ends.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from compiler.scalars import as_text

_ITEM = re.compile(r"\{\{item\.(\w+)\}\}", re.ASCII)
_IN_SHELL = re.compile(r"\bITEM_(\w+)", re.ASCII)
_PATH = re.compile(r"\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What variables stand for in the prompts of one sprint."""

    sprint_id: str
    sprint_name: str | None


def expand(
    text: str,
    scope: Scope,
    *,
    phase_id: str,
    phase_index: int,
    item: Mapping[str, Any] | None = None,
    kind: str = "",
) -> str:
    """The text with its variables replaced. `item` and its `kind`, the for-each's name for it, only inside a for-each.

    A variable that nothing is known about stays as it is.
    """
    if "{{" not in text:
        return text
    if item is not None:

        def value(found: re.Match[str]) -> str:
            return as_text(item[found[1]]) if found[1] in item else found[0]

        text = _typed(kind).sub(value, _ITEM.sub(value, text))
    text = text.replace("{{phase.id}}", phase_id).replace("{{phase.index}}", str(phase_index))
    text = text.replace("{{sprint.id}}", scope.sprint_id)
    return text.replace("{{sprint.name}}", scope.sprint_name) if scope.sprint_name else text


def item_names(text: str, kind: str) -> list[tuple[str, str]]:
    """Every item variable in a text as (`{{…}}` as written, name), each once."""
    if "{{" not in text:
        return []
    found = [*_ITEM.finditer(text), *_typed(kind).finditer(text)]
    return list({match[0]: (match[0], match[1]) for match in found}.values())


def left_over(text: str) -> list[str]:
    """What still looks like a variable, in order of appearance, each once; in linear time, whatever the text."""
    found: dict[str, None] = {}
    start = text.find("{{")
    while start >= 0:
        end = text.find("}", start + 2)
        if end < 0:
            break
        if end > start + 2 and text.startswith("}}", end):
            found[text[start : end + 2]] = None
        start = text.find("{{", end)
    return list(found)


def names_in(text: str) -> set[str]:
    """What a file speaks of as something of an item: names in `{{x.name}}` and `$ITEM_NAME`."""
    found = {match[2] for braces in left_over(text) if (match := _PATH.fullmatch(braces)) is not None}
    return found | {name.lower() for name in _IN_SHELL.findall(text)}


def variable_for(braces: str) -> str | None:
    """The environment variable that has the value of a `{{…}}`, if there is one."""
    found = _PATH.fullmatch(braces)
    if found is None:
        return None
    owner, name = found[1], found[2]
    known = {("phase", "id"): "PHASE_ID", ("sprint", "id"): "SPRINT_ID", ("sprint", "name"): "SPRINT_NAME"}
    if owner in ("phase", "sprint"):
        return known.get((owner, name))
    return "ITEM_" + variable(name) if owner != "gate" else None


def variable(key: str) -> str:
    """A key as part of the name of an environment variable."""
    return re.sub(r"[^A-Za-z0-9]", "_", key).upper()


@cache
def _typed(kind: str) -> re.Pattern[str]:
    return re.compile(r"\{\{" + re.escape(kind) + r"\.(\w+)\}\}", re.ASCII)
