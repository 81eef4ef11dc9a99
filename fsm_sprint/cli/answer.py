"""`answer`, `approve`, `reject`: what a sprint asks of people."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.cli.request import request

_LONGEST = 16 * 1024
"""Bytes of an answer: it is a row of the journal, and may be six times as long on its way there."""


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
    match words:
        case [unit, text]:
            sprint = None
        case [sprint, unit, text]:
            pass
        case _:
            raise UsageError(
                "answer needs a UNIT and the answer",
                hint='quote it if it has several words: "the second one"',
            )
    if len(text.encode(errors="replace")) > _LONGEST:
        raise UsageError(
            f"an answer has at most {_LONGEST // 1024} KiB",
            hint="put it into a file, and answer where that lies",
        )
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
