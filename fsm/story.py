"""What happened in a simulated world, as lines for people: what, when, who."""

from collections.abc import Callable, Iterable
from typing import Any

from fsm.transition import Transition

Event = tuple[Any, ...]


def told(events: Iterable[Event]) -> tuple[str, ...]:
    """A line for every event."""
    first: int | None = None
    lines: list[str] = []
    for at, kind, *what in events:
        first = at if first is None else first
        say = _SAID.get(kind)
        lines.append(
            f"{(at - first) / 1000:12.3f}  {say(*what) if say else ' '.join(map(str, (kind, *what)))}"
        )
    return tuple(lines)


def shortened(events: list[Event], units: Iterable[str], most: int = 40) -> tuple[str, ...]:
    """At most so many lines of a story that ends badly: what went wrong, who lived, and what befell those units."""
    about = tuple(units)
    chosen = events
    if len(chosen) > most and about:
        chosen = [event for event in events if event[1] in _MARKS or _concerns(event, about)]
    if len(chosen) > most:
        marks = [event for event in chosen[: -most // 2] if event[1] in _MARKS]
        chosen = [*marks[: most // 2], *chosen[-most // 2 :]]
    return told(chosen)


_MARKS = frozenset({"life", "fault", "refused", "left", "trouble", "cleaned", "stopped"})


def _concerns(event: Event, units: tuple[str, ...]) -> bool:
    for part in event[2:]:
        name = part.unit if isinstance(part, Transition) else part
        if isinstance(name, str) and (name == "#sprint" or name.partition("#")[0] in units or name in units):
            return True
    return False


def _row(row: Transition) -> str:
    attempt = f".{row.attempt}" if row.attempt else ""
    facts = f"  {row.facts}" if row.facts and row.trigger != "amend" else ""
    return f"row {row.seq} e{row.epoch}  {row.unit}{attempt} {row.trigger} → {row.dest}{facts}"


_SAID: dict[str, Callable[..., str]] = {
    "row": _row,
    "exec": lambda unit, attempt, pid: f"     {unit}.{attempt} executes as pid {pid}",
    "end": lambda unit, attempt, status: f"     {unit}.{attempt} ends with wait status {status}",
    "harm": lambda kind, unit, attempt: f"     the {kind} of {unit}.{attempt} is killed",
    "frozen": lambda kind, unit, attempt: f"     the {kind} of {unit}.{attempt} is stopped for a while",
    "signal": lambda number, kind, pid, unit, attempt: (
        f"     signal {number}, meant for {unit}.{attempt}, to the {kind} {pid}"
    ),
    "fault": lambda number, kind, where: f"fault {number}: {kind}, at «{where}»",
    "life": lambda number: f"supervisor {number} starts",
    "left": lambda state: f"the supervisor leaves the sprint {state}",
    "killed": lambda where: f"the second supervisor is killed at «{where}»",
    "refused": lambda: "a supervisor is refused: the lease is held",
    "trouble": lambda why: f"the supervisor ends: {why}",
    "asked": lambda asked: f"{asked.id}: {asked.who} asks to {asked.verb} {asked.unit}",
    "answer": lambda name, text: f"{name} is answered: {text}",
    "notify": lambda unit, attempt, event, taken: (
        f"     {unit}.{attempt} tells of {event}: {'taken' if taken else 'not taken'}"
    ),
    "cleaned": lambda what: f"the {what} file is deleted",
    "stopped": lambda what: what,
}
