"""What is recorded of a sprint, named by the sprint or by the journal's own file: a copy, a backup, somebody else's."""

from pathlib import Path
from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.paths import SprintPaths

Record = Annotated[
    Path | None,
    typer.Argument(
        metavar="[SPRINT|JOURNAL]",
        help="The sprint's directory, the current one by default; or the file of a journal.",
        show_default=False,
    ),
]


def recorded(named: Path | None) -> tuple[Path, SprintPaths | None]:
    """The journal, and the places of its sprint unless it was named by itself. UsageError when there is none."""
    if named is not None and named.is_file() and named.name != "SPRINT.yaml":
        return named, None
    paths = options.paths(named)
    if not paths.journal.exists():
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    return paths.journal, paths
