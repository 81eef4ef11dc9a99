"""What a sprint asks of people, and which command answers it.

Rule: whatever waits for a person is shown with the very command to type.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fsm.transition import Facts
from fsm.waits import APPROVAL, LIMIT
from fsm_sprint.report.advice import command

if TYPE_CHECKING:
    from fsm.sprint import Sprint
    from fsm.unit import Unit

_SHOWN = 3
"""Questions that are shown with their command; whoever has answered them is shown the next."""

UNSTARTED = frozenset({"approval", "rejected", "budget"})
"""Kinds of rest for which a unit is named that was not let run, so that no output of it says why."""


class Question(NamedTuple):
    """Something that a person is asked."""

    unit: str
    approval: bool
    """Whether it wants a yes or no, before it starts; else its agent wants words, before it runs again."""
    proposed: bool = False
    """Whether it is a step that is not in the plan yet; then `unit` is its id."""


def questions(sprint: "Sprint") -> "Iterator[Question]":
    """All that is asked: what waits for a yes or no, then what agents have asked."""
    from fsm.answers import has_question

    for unit in sprint.waiting.values():
        if sprint.why.get(unit.path) == APPROVAL:
            yield Question(unit.path, approval=True)
    for unit in sprint.failed.values():
        if has_question(unit):
            yield Question(unit.path, approval=False)
    for id_ in sprint.proposed:
        yield Question(id_, approval=True, proposed=True)


def answers(found: Sequence[Question], directory: Path) -> list[tuple[str, str]]:
    """(command, what it does) for the first of them."""
    told: list[tuple[str, str]] = []
    for place, one in enumerate(found[:_SHOWN]):
        if not one.approval:
            told.append(
                (command("answer", directory, one.unit, "TEXT"), "answers its agent, and runs it again")
            )
            continue
        does = "adds the step that was proposed" if one.proposed else "lets it start"
        told.append((command("approve", directory, one.unit), does))
        if place == 0:
            does = "forgets it" if one.proposed else "does not, and the sprint is blocked"
            told.append((command("reject", directory, one.unit), does))
    return told


def rejected(facts: Facts) -> str | None:
    """The unit that was not approved, from the facts of the row that brought a sprint to rest."""
    return str(facts["unit"]) if facts.get("kind") == "rejected" else None


def spent(facts: Facts) -> tuple[str, str] | None:
    """Whose budget is used up, '' for the sprint's, and which bound of it; from the facts of the same row."""
    if facts.get("kind") != "budget" or "measure" not in facts:
        return None
    return str(facts.get("unit") or ""), str(facts["measure"])


def ways_on(sprint: "Sprint", unit: "Unit", directory: Path) -> list[tuple[str, str]]:
    """What can be typed about one unit that waits for a person or for a usage limit."""
    if unit is sprint.root:
        return answers([one for one in questions(sprint) if one.proposed], directory)
    found = [one for one in questions(sprint) if one.unit == unit.path]
    if found:
        return answers(found, directory)
    if sprint.why.get(unit.path) == LIMIT and unit.path in sprint.waiting:
        return limit(unit.path, directory)
    return []


def limit(unit: str, directory: Path) -> list[tuple[str, str]]:
    """What can be typed about a unit that waits for a usage limit."""
    return [
        (command("retry", directory, unit), "asks its agent now"),
        (command("run", directory, "--no-wait"), "in place of `run`: ends with 75 instead of waiting"),
    ]
