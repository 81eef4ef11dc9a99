"""Which output belongs to what: the attempts of the units of a run, with their logs, as the journal has them."""

from typing import NamedTuple

from fsm.states import TaskState
from fsm.transition import Transition
from fsm_sprint.report.lookup import NoSuchUnit, within
from fsm_sprint.report.terminal import line
from journal.reader import Reader, UnitRow


class Output(NamedTuple):
    """One attempt and where its output is."""

    unit: str
    attempt: int
    state: str
    """The unit's present state, for its newest attempt; `earlier` for the others."""
    log: str
    """Relative to the sprint's directory."""
    name: str
    """Of its directory under `attempts/`."""
    seq: int
    """Of its `spawn` row."""


PRINTING = (TaskState.SPAWNED, TaskState.RUNNING, TaskState.STOPPING)
"""States in which an attempt may still print."""


def chosen(reader: Reader, run: str, unit: UnitRow | None, attempt: int | None) -> list[Output]:
    """What `logs` shows: one attempt of a unit, the newest of everything in it, or what runs or ran last.

    NoSuchUnit when there is no such attempt.
    """
    if unit is not None and attempt is not None:
        return [_numbered(reader, run, unit, attempt)]
    if unit is not None:
        tasks = [one for one in reader.units(run) if one.machine == "task" and within(one.path, unit.path)]
    else:
        tasks = reader.standing(run, *PRINTING)
        if not tasks:
            ran = [one for one in reader.units(run) if one.machine == "task" and one.attempt > 0]
            tasks = [max(ran, key=lambda one: one.seq)] if ran else []
    return sorted(
        (out for one in tasks if (out := newest(reader, run, one)) is not None), key=lambda out: out.seq
    )


def newest(reader: Reader, run: str, unit: UnitRow) -> Output | None:
    """The last attempt of a task; None when it had none."""
    if unit.attempt == 0:
        return None
    spawned = reader.before(unit, "spawn", run) or reader.last(run, "spawn", unit.path)
    return output(spawned, unit.state) if spawned is not None else None


def _numbered(reader: Reader, run: str, unit: UnitRow, attempt: int) -> Output:
    spawned = [row for row in reader.history(run, unit.path) if row.trigger == "spawn"]
    for row in spawned:
        if row.attempt == attempt:
            return output(row, unit.state if row is spawned[-1] else "earlier")
    raise NoSuchUnit(
        f"{line(unit.path)} had no attempt {attempt}", hint=_known([row.attempt for row in spawned])
    )


def _known(attempts: list[int]) -> str:
    if not attempts:
        return "nothing of it was started yet; a phase or step has no output of its own"
    return f"it has had {', '.join(map(str, attempts[-20:]))}"


def output(spawned: Transition, state: str) -> Output:
    """What a `spawn` row says of an attempt; `state` is what the unit is in."""
    facts = spawned.decoded()
    log, name = str(facts.get("log", "")), str(facts.get("name", ""))
    return Output(spawned.unit, spawned.attempt, state, log, name, spawned.seq)
