"""What is different between two plans of a sprint, in lines that people read before it is taken in."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from fsm.plan import Group, Node, Plan, nodes
from fsm_sprint.report.terminal import line

SHOWN = 20
"""Lines of one kind before they are only counted."""

_BESIDE = frozenset({"phases", "sources", "version"})
"""Fields of a plan that are told in another way, or say nothing to anybody."""


def differences(old: Plan, new: Plan) -> list[str]:
    """What comes, what goes, and of the rest what is different; never empty."""
    before, after = ({node.path: node for node in nodes(plan)} for plan in (old, new))
    came = [f"  + {line(path)}" for path in after if path not in before]
    went = [f"  - {line(path)}" for path in before if path not in after]
    both = [path for path in after if path in before]
    changed = [f"  ~ {line(path)}: {names}" for path in both if (names := _names(before[path], after[path]))]
    whole = _names(old, new)
    if whole:
        changed.insert(0, f"  ~ the sprint: {whole}")
    order = [path for path in before if path in after] != both
    moved = ["  ~ what there was stands in another order"] if order else []
    found = [part for parts in (came, went, changed, moved) for part in _few(parts)]
    return ["the plan is changed:", *found] if found else ["the plan is what it was; only the files are not"]


def _names(old: Any, new: Any) -> str:
    """The fields in which two plans or two nodes differ, as the files call them; children are told by themselves."""
    if type(old) is not type(new):
        return "from a task to a group" if isinstance(new, Group) else "from a group to a task"
    left_out = {"children"} if isinstance(new, Node) else _BESIDE
    found = [
        one.name.replace("_", "-")
        for one in fields(new)
        if one.name not in left_out and getattr(old, one.name) != getattr(new, one.name)
    ]
    return ", ".join(found)


def _few(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN} more"
