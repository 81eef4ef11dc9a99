"""Arguments and options that commands share, and what they mean."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fsm_sprint.cli.exits import UsageError
from fsm_sprint.paths import SprintPaths

Sprint = Annotated[
    Path | None,
    typer.Argument(
        metavar="[SPRINT]", help="The sprint's directory; the current one by default.", show_default=False
    ),
]
Place = Annotated[
    str | None,
    typer.Argument(
        metavar="[SPRINT]", help="The sprint's directory; the current one by default.", show_default=False
    ),
]
"""A sprint beside a unit: where one word alone is given, it may be either. `record.named` tells which."""


def unit(default: str | None = None) -> Any:
    """The argument that names a unit; `default` says what is meant without one, which is an error where None."""
    named = "A task, step or phase: its path, the end of it, or the id of a ParallelTask."
    return typer.Argument(
        metavar="UNIT" if default is None else "[UNIT]",
        help=named if default is None else f"{named} By default {default}.",
        show_default=False,
    )


Unit = Annotated[str | None, unit()]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Workflows = Annotated[
    list[Path] | None,
    typer.Option(
        "--workflows",
        "-w",
        metavar="DIR",
        help="Look for workflows here, and nowhere else. Repeatable.",
        show_default=False,
    ),
]
Why = Annotated[
    str, typer.Option("--why", "--reason", metavar="TEXT", help="Why; kept in the journal with who asked.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]


def paths(sprint: Path | None) -> SprintPaths:
    """The places of the sprint named by its directory, by its SPRINT.yaml or not at all; UsageError if it is none."""
    directory = sprint or Path()
    if directory.name == "SPRINT.yaml" and not directory.is_dir():
        directory = directory.parent
    found = SprintPaths(directory)
    if not found.directory.is_dir():
        raise UsageError(
            f"there is no directory {directory}", hint="name a directory that holds a SPRINT.yaml"
        )
    if not found.sprint.exists() and not found.journal.exists():
        raise UsageError(
            f"{directory} holds no SPRINT.yaml",
            hint="name the sprint's directory, or make one with `fsm-sprint init DIRECTORY`",
        )
    return found
