"""What ends each state, as Markdown tables: one for each machine, from the table that the model checker proves."""

from collections.abc import Iterator

from fsm.bounds import BOUNDS, PEOPLE
from fsm.machine import allowed
from fsm.tables import TABLES


def bounds() -> str:
    """The tables of all machines, each under its name."""
    return "\n\n".join("\n".join(_table(name)) for name in TABLES) + "\n"


def _table(name: str) -> Iterator[str]:
    yield f"**{name.capitalize()}**"
    yield ""
    yield "| a state | waits for | left by itself | by a person |"
    yield "| --- | --- | --- | --- |"
    for state, bound in BOUNDS[name].items():
        asked = [
            trigger for trigger in allowed(name, state) if trigger in PEOPLE[name] and trigger not in bound.by
        ]
        yield f"| `{state}` | {bound.what} | {_code(bound.by)} | {_code(asked)} |"


def _code(triggers: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(f"`{trigger}`" for trigger in triggers) or "–"
