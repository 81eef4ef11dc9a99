"""`resume`: what rests goes on where it stood."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.cli.request import request

_WALL = "wall"
_BOUNDS = ("cost-usd", "tokens", _WALL, "attempts")
"""As `fsm.purse` has them, which no quick command loads."""


def resume(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("the sprint; a unit is named only for its budget")] = None,
    *,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="NAME=NUMBER",
            help="What may be spent from now on in place of what the plan says: cost-usd, tokens, wall (seconds, or "
            "8h) or attempts. Repeatable.",
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
    if name not in _BOUNDS:
        raise UsageError(
            f"{text!r} is no budget", hint=f"bounds are {', '.join(_BOUNDS)}: --budget cost-usd=20"
        )
    try:
        bound = float(number)
    except ValueError:
        bound = _time(number) if name == _WALL else -1.0
    if not 0 <= bound < float("inf"):
        hint = f"write it as --budget {'wall=8h' if name == _WALL else f'{name}=20'}"
        raise UsageError(f"{text!r} is no budget", hint=hint)
    return name, int(bound) if bound.is_integer() else bound


def _time(text: str) -> float:
    """Seconds, of a time as the files write it; -1 when it is none."""
    from compiler.values import seconds

    try:
        return seconds(text)
    except ValueError:
        return -1.0
