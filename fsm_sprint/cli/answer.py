"""`answer`, `approve`, `reject`: what a sprint asks of people."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request, split


def answer(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPRINT] UNIT yes|no|TEXT",
            help="The sprint's directory, the current one by default; what asks; the answer, in quotes if it is long.",
            show_default=False,
        ),
    ] = None,
    *,
    why: options.Why = "",
    json: options.Json = False,
) -> None:
    """Answer what waits for a yes or no, or an agent's question in words; the agent is told them when it runs again."""
    sprint, unit, text = split("answer", words, "the answer", needed=True)
    request("answer", sprint, unit, why=why, json=json, text=text)


def approve(
    sprint: options.Place = None,
    unit: options.Unit = None,
    *,
    why: options.Why = "",
    json: options.Json = False,
) -> None:
    """Let start what waits for approval: the same as to answer yes."""
    request("approve", sprint, unit, why=why, json=json)


def reject(
    sprint: options.Place = None,
    unit: options.Unit = None,
    *,
    why: options.Why = "",
    json: options.Json = False,
) -> None:
    """Do not let start what waits for approval: the same as to answer no. The sprint is blocked."""
    request("reject", sprint, unit, why=why, json=json)
