"""`compile`: the plan of a sprint as the PROGRESS.yaml that it would begin with."""

import json as text
import sys
from pathlib import Path
from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.definition import compiled
from fsm_sprint.cli.exits import EnvironmentFault


def compile_(
    sprint: options.Sprint = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write here; - (the default) is stdout.",
            show_default=False,
        ),
    ] = None,
    workflows: options.Workflows = None,
    strict: options.Strict = False,
    json: options.Json = False,
) -> None:
    """Compile SPRINT.yaml and its workflows; print the PROGRESS.yaml that a run would begin with. Runs nothing."""
    from fsm.plan import digest, dump
    from fsm_sprint.report.document import printed
    from journal.progress import initial

    paths = options.paths(sprint)
    plan = compiled(paths, workflows, strict=strict).plan
    canonical = dump(plan)
    shown = (
        printed({"version": 1, "digest": digest(canonical), "plan": text.loads(canonical)}) + "\n"
        if json
        else initial(plan)
    )
    if output is None or str(output) == "-":
        sys.stdout.write(shown)
        return
    try:
        output.write_text(shown, encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(f"{output}: {error.strerror}") from error
    print(f"wrote {output}", file=sys.stderr)
