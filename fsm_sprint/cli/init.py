"""`init`: a sprint directory that runs as it is, to be changed into one's own."""

from pathlib import Path
from typing import Annotated

import typer

from fsm_sprint.cli.exits import EnvironmentFault, UsageError
from fsm_sprint.paths import SprintPaths

SPRINT = """\
# yaml-language-server: $schema=.fsm-sprint/schema/sprint.json
# What is to be done. `fsm-sprint check` says what is wrong with it, `fsm-sprint run` does it.
workflow: feature

# A list to work through: the workflow's `for-each: step` runs once for every item.
collections:
  step:
    - id: first
      prompt: Say what the first step is about
    - id: second
      prompt: Say what the second step is about
"""

WORKFLOW = """\
# yaml-language-server: $schema=../../.fsm-sprint/schema/workflow.json
name: Feature
schema-version: "2.0"

phases:
  # One step per item. `run` is shell text; the item's keys are in the environment.
  # With `prompt:` instead of `run:` a coding agent does it: {{item.prompt}} stands for the item's prompt.
  - id: development
    for-each: step
    run: |
      echo "working on $ITEM_ID: $ITEM_PROMPT"

  - id: test
    run: "true"
    gate:
      script: "true" # the sprint goes on when this succeeds
"""


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Made if need be.")],
) -> None:
    """Make a sprint directory with a SPRINT.yaml and a workflow that run as they are. Never overwrites anything."""
    from json import dumps

    from compiler.schema import schema

    sprint = directory / "SPRINT.yaml"
    if sprint.exists() or sprint.is_symlink():
        raise UsageError(f"{sprint} exists already", hint="name another directory")
    state = SprintPaths(directory).state
    files = {
        sprint: SPRINT,
        directory / ".claude" / "workflows" / "feature.yaml": WORKFLOW,
        state / "schema" / "sprint.json": dumps(schema("sprint"), indent=1) + "\n",
        state / "schema" / "workflow.json": dumps(schema("workflow"), indent=1) + "\n",
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        SprintPaths(directory).prepare()
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise EnvironmentFault(f"{error.filename}: {error.strerror}") from error
    print(f"made {sprint}\nnext: fsm-sprint check {directory} && fsm-sprint run {directory}")
