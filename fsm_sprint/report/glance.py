"""The document of `status` as a page for people: what matters first, each line cut to the width there is."""

from collections.abc import Callable, Iterator
from typing import Any

from fsm.states import AT_REST, SprintState
from fsm_sprint.report.ending import ending
from fsm_sprint.report.tally import bar, tally
from fsm_sprint.report.terminal import Ink, cells, cut, cut_path, line, pad
from fsm_sprint.report.times import local, parse, span

_COLOURS = {
    SprintState.COMPLETED: "green",
    SprintState.BLOCKED: "red",
    SprintState.CANCELLED: "red",
    SprintState.IN_PROGRESS: "blue",
}

_WHERE = {
    SprintState.PAUSED: "paused",
    SprintState.PAUSED_AT_BREAKPOINT: "paused at a breakpoint",
    SprintState.NEEDS_HUMAN: "needs a person",
    SprintState.NOT_STARTED: "was never run",
    SprintState.IN_PROGRESS: "in progress",
}

MOST = 20
"""Lines of one list; the rest is counted."""


def lines(
    document: dict[str, Any], now: int, width: int, ink: Ink, *, ascii_only: bool = False
) -> Iterator[str]:
    """The page, line by line. `now` is wall time in ms."""
    yield _headline(document, ink)
    if document["why"] or document["unit"]:
        unit = f"{line(document['unit'])}: " if document["unit"] else ""
        why = line(document["why"] or ("after it, the sprint waits" if document["unit"] else ""))
        yield cut(f"  {unit}{why}", width)
    yield from _whole(document, width, ink, ascii_only=ascii_only)
    yield from _list("running", document["moving"], _moving, width, ink)
    yield from _list("waiting", document["waiting"], lambda one: _waiting(one, now), width, ink)
    yield from _list("failed", document["failed"], _failed, width, ink)
    more = document["tasks"].get("failed", 0) - len(document["failed"])
    if more > 0:
        yield f"  and {more} more; `--all` names them"
    yield from _list("proposed", document["proposed"], _proposed, width, ink, key="id")
    if document["tolerated"]:
        yield cut(f"tolerated failures: {', '.join(map(line, document['tolerated']))}", width)
    yield from _list("units", document.get("units", []), _unit, width, ink, most=None)
    if document["note"]:
        yield cut(f"note: {line(document['note'])}", width)
    yield from _next(document, ink)


def _headline(document: dict[str, Any], ink: Ink) -> str:
    state = document["state"]
    name = line(document["sprint"] or "this sprint")
    said = ink(_WHERE.get(state, state), _COLOURS.get(state, "yellow"))
    if document["elapsed_ms"] is None:
        return f"{ink(name, 'bold')} {said}"
    time = span(document["elapsed_ms"])
    run = ink(f"run {line(document['run'])}", "dim")
    return f"{ink(name, 'bold')} {said} {'after' if state in AT_REST else 'for'} {time}  {run}"


def _whole(document: dict[str, Any], width: int, ink: Ink, *, ascii_only: bool) -> Iterator[str]:
    if not document["tasks"]:
        if document["supervisor"] is not None:
            yield f"  {_supervisor(document)}"
        return
    states = {state: n for state, n in document["tasks"].items() if state != "all"}
    said = tally(states)
    drawn = bar(states, min(30, width - cells(said) - 4), ascii_only=ascii_only)
    yield cut(f"  {drawn}{'  ' if drawn else ''}{said}", width)
    head = document["head"]
    where = f"row {head['seq']}, {head['hash'][:12]}"
    yield f"  {cut(_supervisor(document), max(0, width - cells(where) - 4))}  {ink(where, 'dim')}"


def _supervisor(document: dict[str, Any]) -> str:
    held, alive = document["supervisor"], document["alive"]
    if held is not None:
        return f"supervisor pid {held['pid'] or 'unknown'}" + (
            f" on {line(held['host'])}" if held["host"] else ""
        )
    if alive:
        return f"supervisor dead, {alive} task{'' if alive == 1 else 's'} alive"
    if document["moving"]:
        return "supervisor dead, no task alive"
    return "no supervisor"


_Say = Callable[[dict[str, Any]], str]


def _list(
    title: str,
    found: list[Any],
    say: _Say,
    width: int,
    ink: Ink,
    *,
    most: int | None = MOST,
    key: str = "unit",
) -> Iterator[str]:
    """A titled list of units and what is said of each, in two columns."""
    if not found:
        return
    yield ink(title, "bold")
    rows = [(line(one[key]), say(one)) for one in found[:most]]
    name = min(max(cells(unit) for unit, _ in rows), max(12, width // 2))
    for unit, said in rows:
        yield f"  {pad(cut_path(unit, name), name)}  {cut(said, max(0, width - name - 4))}".rstrip()
    if most is not None and len(found) > most:
        yield f"  and {len(found) - most} more"


def _moving(one: dict[str, Any]) -> str:
    parts = [
        span(one["elapsed_ms"]),
        "" if one["state"] == "running" else one["state"],
        line(one["log"] or ""),
        f"attempt {one['attempt']}" if one["attempt"] > 1 else "",
        "not alive" if one["alive"] is False and one["state"] == "running" else "",
    ]
    return "  ".join(part for part in parts if part)


def _waiting(one: dict[str, Any], now: int) -> str:
    after = f" after {line(one['after'])}" if one["after"] else ""
    why = f"{line(one['why'] or 'no reason given')}{after}"
    if one["until"] is None:
        return f"until somebody answers: {why}"
    return f"until {local(parse(one['until']), now)}, in {span(one['left_ms'])}: {why}"


def _failed(one: dict[str, Any]) -> str:
    known = {key: one[key] for key in ("verdict", "code", "signal", "error") if one[key] is not None}
    return "  ".join(part for part in (ending(known) or "no reason known", line(one["log"] or "")) if part)


def _proposed(one: dict[str, Any]) -> str:
    return f"{line(one['prompt'])} (by {line(one['by'])})"


def _unit(one: dict[str, Any]) -> str:
    attempt = f"  attempt {one['attempt']}" if one["attempt"] > 1 else ""
    return f"{one['state']}{attempt}"


def _next(document: dict[str, Any], ink: Ink) -> Iterator[str]:
    told = document["next"]
    width = min(max((cells(one["command"]) for one in told), default=0), 48)
    for place, one in enumerate(told):
        yield f"{ink('next:', 'bold') if place == 0 else '     '}  {pad(one['command'], width)}  {one['what']}"
