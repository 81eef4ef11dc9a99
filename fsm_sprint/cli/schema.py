"""`schema`: JSON Schemas of the files that people write, for editors."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Of which file."""

    SPRINT = "sprint"
    WORKFLOW = "workflow"
    OUTCOMES = "outcomes"


def schema(
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="sprint|workflow|outcomes",
            help="Of SPRINT.yaml, of a workflow file, or of the script of `simulate`.",
        ),
    ],
) -> None:
    """Print the JSON Schema (2020-12) of SPRINT.yaml, of a workflow file, or of the script of a rehearsal."""
    from compiler.schema import schema as made

    print(json.dumps(made(kind.value), indent=2, ensure_ascii=False))
