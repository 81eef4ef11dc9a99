"""The machines themselves: one `transitions.Machine` per table, shared by every unit that moves by it.

Rule: this is the only importer of `transitions`, and the machines hold nothing that the tables do not say. Units are
plain objects with a `state`; they are moved by calling a machine's event on them, without being registered (registering
costs 20-70 µs and 4.5 kB a unit). No callbacks: work done inside a move would run before its row is on disk.
"""

import difflib
import logging

import transitions

from fsm.errors import IllegalMove
from fsm.states import INITIAL, Machine
from fsm.tables import STATES, TABLES


class _Plain(transitions.Transition):
    """A transition that has neither conditions nor callbacks, and does not look for them: half of a move's cost."""

    def execute(self, event_data: transitions.EventData) -> bool:
        event_data.machine.set_state(str(self.dest), event_data.model)
        return True


class _Machine(transitions.Machine):
    transition_cls = _Plain


def _machine(name: str) -> transitions.Machine:
    machine = _Machine(
        model=None,
        states=list(STATES[name]),
        initial=str(INITIAL[Machine(name)]),
        auto_transitions=False,
        name=name,
    )
    for row in TABLES[name]:
        machine.add_transition(row.trigger, row.source, row.dest)
    return machine


def _silent(*_: object) -> None:
    """What each move would tell the log, eight times over, stands in the journal."""


# Asking eight times whether anybody wants to know is a tenth of a move's cost.
setattr(logging.getLogger("transitions.core"), "debug", _silent)  # noqa: B010  # to mypy, a method cannot be assigned

MACHINES: dict[str, transitions.Machine] = {name: _machine(name) for name in TABLES}
"""Every machine by its name."""

EVENTS = {
    name: {trigger: event.trigger for trigger, event in machine.events.items()}
    for name, machine in MACHINES.items()
}
"""The moving functions: `EVENTS[machine][trigger](unit)` sets `unit.state`, or raises `transitions.MachineError`."""

_DEST = {(name, row.trigger, row.source): row.dest for name, rows in TABLES.items() for row in rows}


def destination(machine: str, trigger: str, source: str, unit: str) -> str:
    """Where `trigger` leads from `source`; raises IllegalMove, naming what the state allows, and moves nothing."""
    dest = _DEST.get((machine, trigger, source))
    if dest is None:
        raise refusal(machine, trigger, source, unit)
    return dest


def allowed(machine: str, state: str) -> tuple[str, ...]:
    """The triggers that a state allows, in table order."""
    return tuple(dict.fromkeys(row.trigger for row in TABLES[machine] if row.source == state))


def refusal(machine: str, trigger: str, source: str, unit: str) -> IllegalMove:
    """The error for a move that the tables do not have."""
    triggers = allowed(machine, source)
    near = difflib.get_close_matches(trigger, triggers, n=1)
    hint = f"from {source} it can: {', '.join(triggers)}"
    return IllegalMove(
        f"{unit}: a {machine} that is {source} cannot {trigger}",
        hint=f"did you mean {near[0]}? {hint}" if near else hint,
    )
