"""`explain`: why something is not moving, or what the whole sprint waits for."""

from typing import TYPE_CHECKING, Annotated

from fsm.states import TaskState
from fsm_sprint.cli import options, record
from fsm_sprint.clock import SystemClock

if TYPE_CHECKING:
    from fsm.unit import Unit

_NEXT = 5
"""Units that have not begun and are told of when no unit is named."""


def explain(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("what runs, and what comes next")] = None,
    *,
    json: options.Json = False,
) -> None:
    """Say what a unit waits for: order, dependencies, sync points, mutexes, slots, a time or a person."""
    from fsm.explain import explain as reasons
    from fsm.sprint import fold
    from fsm_sprint.report.asking import ways_on
    from fsm_sprint.report.document import printed
    from fsm_sprint.report.lookup import lookup
    from fsm_sprint.report.made import left
    from fsm_sprint.report.terminal import line
    from fsm_sprint.report.times import iso, local, span

    paths, wanted = record.named(sprint, unit)
    with record.latest(paths) as (reader, run):
        path = lookup(reader, run, wanted).path if wanted is not None else None
        folded = fold(reader.rows(run), run, reader.text)
    if path is not None:
        found = [folded.unit(path)]
    else:
        fresh = (one for one in folded.order if one.state == TaskState.PENDING and one.owner is None)
        found = [
            folded.root,
            *folded.live.values(),
            *folded.waiting.values(),
            *(one for one, _ in zip(fresh, range(_NEXT), strict=False)),
        ]
    said = {
        one.path: (reasons(folded, one), _until(one), ways_on(folded, one, paths.directory)) for one in found
    }
    made = {one.path: left(folded, one, paths) for one in found}
    if json:
        units = {
            name: {
                "reasons": why,
                "until": None if until is None else iso(until),
                "next": [{"command": command, "what": what} for command, what in ways],
                **made[name].document(),
            }
            for name, (why, until, ways) in said.items()
        }
        print(printed({"version": 1, "run": run, "units": units}))
        return
    now = SystemClock().now()
    for name, (why, until, ways) in said.items():
        print(line(name))
        for one in why:
            print(f"  {line(one)}")
        for one in made[name].lines():
            print(f"  {one}")
        if until is not None:
            print(f"  that is at {local(until, now)}, in {span(max(0, until - now))}")
        for command, what in ways:
            print(f"  {command}  {what}")


def _until(unit: "Unit") -> int | None:
    """Wall time in ms at which a waiting unit is due; None when it waits for somebody, or not at all."""
    if unit.state != TaskState.WAITING or unit.moved is None:
        return None
    until = unit.moved.decoded().get("until")
    return until if isinstance(until, int) else None
