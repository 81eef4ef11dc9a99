"""`schema`: JSON Schemas of SPRINT.yaml and of workflows, for editors."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Of which file."""

    SPRINT = "sprint"
    WORKFLOW = "workflow"


def schema(
    kind: Annotated[
        Kind, typer.Argument(metavar="sprint|workflow", help="Of SPRINT.yaml, or of a workflow file.")
    ],
) -> None:
    """Print the JSON Schema (2020-12) of SPRINT.yaml or of a workflow file."""
    from compiler.schema import schema as made

    print(json.dumps(made(kind.value), indent=2, ensure_ascii=False))
