"""`resume`: what rests goes on where it stood."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.cli.request import request


def resume(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("the sprint; a unit is named only for its budget")] = None,
    *,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="NAME=NUMBER",
            help="What may be spent from now on in place of what the plan says: cost-usd, tokens, wall (in seconds) or "
            "attempts. Repeatable.",
            show_default=False,
        ),
    ] = None,
    why: options.Why = "by hand",
    json: options.Json = False,
) -> None:
    """Take a paused, blocked or cancelled sprint up again. Where nobody supervises it, `run` then goes on with it."""
    bounds = {"budget": dict(map(_bound, budget))} if budget else None
    request("resume", sprint, unit, why=why, json=json, options=bounds, needed=False)


def _bound(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        bound = float(number)
    except ValueError:
        bound = -1.0
    if not name or not 0 <= bound < float("inf"):
        raise UsageError(f"{text!r} is no budget", hint="write it as --budget cost-usd=20")
    return name, int(bound) if bound.is_integer() else bound
