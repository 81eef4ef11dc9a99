"""`add-step`: one more step for a sprint that has begun."""

from typing import Annotated

import typer

from fsm.transition import Facts
from fsm_sprint.cli import options
from fsm_sprint.cli.request import request, split


def add_step(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPRINT] [UNIT] PROMPT",
            help="The sprint's directory, the current one by default; the step after which it is to go, or the phase "
            "at whose end, by default the end of the sprint; and what is to be done, in quotes.",
            show_default=False,
        ),
    ] = None,
    *,
    name: Annotated[
        str, typer.Option("--id", metavar="ID", help="What the step is to be called.", show_default=False)
    ] = "",
    depends_on: Annotated[
        list[str] | None,
        typer.Option(
            "--depends-on",
            metavar="ID",
            help="A step of the same phase that has to end well before. Repeatable.",
            show_default=False,
        ),
    ] = None,
    why: options.Why = "by hand",
    json: options.Json = False,
) -> None:
    """Add a step to the plan of a sprint that has begun, made like the steps beside it; SPRINT.yaml stays as it is."""
    sprint, unit, prompt = split("add-step", words, "what is to be done")
    said: Facts = {"id": name} if name else {}
    if depends_on:
        said["depends-on"] = depends_on
    request("add-step", sprint, unit, why=why, json=json, text=prompt, options=said, needed=False)
