"""`explain`: why something is not moving, or what the whole sprint waits for."""

from typing import Annotated

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import UsageError

_NEXT = 5
"""Units that have not begun and are told of when no unit is named."""


def explain(
    sprint: Annotated[
        str | None,
        typer.Argument(
            metavar="[SPRINT]", help="The sprint's directory; the current one by default.", show_default=False
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Argument(
            metavar="[UNIT]",
            help="A task, phase or step: its path, the end of it, or the id of a ParallelTask. "
            "By default what runs, and what comes next.",
            show_default=False,
        ),
    ] = None,
    *,
    json: options.Json = False,
) -> None:
    """Say what a unit waits for: order, dependencies, sync points, mutexes, slots, a time or a person."""
    from fsm.explain import explain as reasons
    from fsm.sprint import fold
    from fsm.states import TaskState
    from fsm_sprint.report.document import printed
    from fsm_sprint.report.lookup import lookup
    from fsm_sprint.report.terminal import line

    paths, wanted = record.named(sprint, unit)
    if not paths.journal.exists():
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    with record.reading(paths.journal) as reader:
        run = reader.latest_run()
        if run is None:
            raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
        path = lookup(reader, run, wanted).path if wanted is not None else None
        folded = fold(reader.rows(run), run, reader.text)
    if path is not None:
        found = [folded.unit(path)]
    else:
        fresh = (one for one in folded.order if one.state == TaskState.PENDING and one.owner is None)
        found = [
            folded.root,
            *folded.live.values(),
            *(one for one, _ in zip(fresh, range(_NEXT), strict=False)),
        ]
    said = {one.path: reasons(folded, one) for one in found}
    if json:
        document = {"version": 1, "run": run, "units": {name: {"reasons": why} for name, why in said.items()}}
        print(printed(document))
        return
    for name, why in said.items():
        print(line(name))
        for one in why:
            print(f"  {line(one)}")
