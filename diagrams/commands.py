"""What each command does in each state, as Markdown tables made from `fsm.commands`."""

from diagrams.markdown import grid
from fsm.commands import COMMANDS, CONDITIONS, VERBS
from fsm.tables import STATES


def verbs() -> str:
    """Every verb, what it is for and what has to hold besides the state."""
    rows = [(f"**{verb}**", meaning, CONDITIONS.get(verb, "")) for verb, meaning in VERBS.items()]
    return grid(("verb", "what it is for", "besides the state"), rows)


def commands(machine: str) -> str:
    """What the verbs do in the states of one machine; where several do the same, they share a row."""
    together: dict[tuple[str, str], list[str]] = {}
    for verb in VERBS:
        said: dict[str, list[str]] = {}
        for state in STATES[machine]:
            row = COMMANDS[verb, machine, state]
            said.setdefault(row.meaning if row.done else f"refused: {row.meaning}", []).append(state)
        for meaning, states in said.items():
            every = len(states) == len(STATES[machine])
            when = "every state" if every else ", ".join(f"`{state}`" for state in states)
            together.setdefault((when, meaning), []).append(f"**{verb}**")
    rows = [(", ".join(names), when, meaning) for (when, meaning), names in together.items()]
    return grid(("verb", "when it is", "what happens"), rows)
