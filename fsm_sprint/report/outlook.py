"""What a plan can come to, in words and as a document: what never starts or never ends, the most that it may take.

Rule: one line for each thing that is worth one. Where many tasks have the same, they are counted and some are named.
"""

from collections.abc import Iterator, Sequence

from fsm.forecast import Forecast, Most, Note, Play
from fsm_sprint.report.document import Document
from fsm_sprint.report.times import span

_EACH = 3
"""Notes of one kind that are told one by one; more are told together."""

_TOGETHER = {
    "endless": "have no timeout and may run for ever",
    "endless-talk": "have no timeout and may run for as long as they print something",
    "endless-sync": "wait for background tasks that may run for ever",
    "endless-mutex": "may wait for ever for what another task holds",
    "endless-approval": "wait for a person for as long as it takes",
    "endless-hook": "are hooks without a timeout: after each task they may run for ever",
    "endless-fix": "have a gate whose agent has no timeout and may run for ever",
}


def document(found: Forecast) -> Document:
    """The part of `check --json` that speaks of the plan."""
    return {
        "findings": [
            {
                "kind": one.kind,
                "severity": one.severity,
                "unit": one.unit or None,
                "message": one.what,
                "hint": one.hint,
            }
            for one in found.notes
        ],
        "at_most": {
            **_amounts(found.whole),
            "units": [{"unit": path, **_amounts(most)} for path, most in found.units],
        },
        "played": {
            "tasks": found.play.tasks,
            "failing": found.play.failing,
            "stuck": list(found.play.stuck),
            "unreached": list(found.play.unreached),
        },
    }


def lines(found: Forecast, tasks: int) -> Iterator[str]:
    """What to know of a plan that has no error, for people."""
    yield f"at most: {', '.join(_bounds(found.whole))}"
    kinds: dict[str, list[Note]] = {}
    for note in found.notes:
        kinds.setdefault(note.kind, []).append(note)
    for notes in kinds.values():
        yield from _told(notes, tasks)
    yield _played(found.play, tasks)
    yield "not covered: what tasks do, how long people and usage limits are waited for, what a person sets going again"


def errors(found: Forecast) -> list[str]:
    """Why the plan can never be completed, each with how to mend it."""
    return [
        f"error: {_named(one)}{one.what}\nhint: {one.hint}" for one in found.notes if one.severity == "error"
    ]


def _amounts(most: Most) -> Document:
    return {
        "attempts": most.attempts,
        "prompts": most.prompts,
        "time_ms": most.ms,
        "cost_usd": most.cost,
        "tokens": most.tokens,
    }


def _bounds(most: Most) -> Iterator[str]:
    asking = f" ({most.prompts} of an agent)" if most.prompts else ""
    yield f"{most.attempts} {'attempt' if most.attempts == 1 else 'attempts'}{asking}"
    yield "no bound on time" if most.ms is None else f"{span(most.ms)} one after the other"
    if most.prompts:
        yield (
            "no bound on cost"
            if most.cost is None
            else f"${most.cost:.2f}, and what runs when that is reached"
        )
        if most.tokens is not None:
            yield f"{most.tokens:,} tokens, likewise"


def _told(notes: Sequence[Note], tasks: int) -> Iterator[str]:
    first = notes[0]
    if first.severity == "error":
        return
    if len(notes) <= _EACH or first.kind not in _TOGETHER:
        yield from (f"note: {_named(one)}{one.what}; {one.hint}" for one in notes)
        return
    names = [one.unit or "the end of the sprint" for one in notes]
    some = f"{', '.join(names[:_EACH])} and {len(names) - _EACH} more"
    of = f" of {tasks} tasks" if first.kind in ("endless", "endless-talk") else " units"
    hint = (
        first.hint if first.kind in ("endless", "endless-talk", "endless-approval") else "`--json` names them"
    )
    yield f"note: {len(notes)}{of} {_TOGETHER[first.kind]}: {some}; {hint}"


def _named(note: Note) -> str:
    return f"{note.unit}: " if note.unit else ""


def _played(play: Play, tasks: int) -> str:
    if not play.tasks:
        return f"not played: {tasks} tasks are too many for a quick check"
    each = (
        "each task"
        if play.failing == play.tasks
        else f"each of the first {play.failing} of {play.tasks} tasks"
    )
    if play.tasks == 1:
        each = "its task"
    return f"played: all going well, and {each} failing and tried again: the sprint comes to its end"
