"""Legal rows for journal tests: by hand, in numbers, and as a Hypothesis strategy."""

from collections.abc import Iterator

from hypothesis import strategies as st

from fsm.states import INITIAL, Machine
from fsm.tables import TABLES
from fsm.transition import SPRINT_UNIT, Facts, Transition, encode_facts

AT = 1_700_000_000_000
LIFE = [("spawn", "pending", "spawned"), ("start", "spawned", "running"), ("succeed", "running", "completed")]


def row(
    seq: int = 1,
    trigger: str = "lease",
    source: str = "not-started",
    dest: str = "not-started",
    *,
    unit: str = SPRINT_UNIT,
    machine: str = "sprint",
    run: str = "run-1",
    epoch: int = 1,
    attempt: int = 0,
    facts: Facts | None = None,
) -> Transition:
    """A row; without arguments the first `lease` of a run."""
    text = encode_facts(facts or {})
    return Transition(seq, run, epoch, AT + seq, unit, machine, trigger, source, dest, attempt, text)


def life(count: int, *, first: int = 1, run: str = "run-1", epoch: int = 1) -> Iterator[Transition]:
    """`count` rows: a lease, then one task after the other from spawn to completion."""
    yield row(first, run=run, epoch=epoch, facts={"boot": "b", "path": "/sprint/.fsm-sprint/journal.db"})
    for index in range(count - 1):
        task, step = divmod(index, 3)
        facts: list[Facts] = [
            {"name": f"n{task}", "log": f"logs/n{task}.log"},
            {"pid": str(task)},
            {"code": 0},
        ]
        trigger, source, dest = LIFE[step]
        yield row(
            first + 1 + index,
            trigger,
            source,
            dest,
            unit=f"development/step-{task}/implement",
            machine="task",
            run=run,
            epoch=epoch,
            attempt=1,
            facts=facts[step],
        )


_MACHINE_OF = {"a": Machine.TASK, "a/b": Machine.TASK, "ü#gate": Machine.TASK, "g": Machine.GROUP}
_MACHINE_OF |= {SPRINT_UNIT: Machine.SPRINT, "worktree": Machine.WORKTREE, "notice\x1f\n": Machine.NOTICE}
_TEXT = st.text(st.characters(codec=None), max_size=12)
_FACTS = st.dictionaries(_TEXT, st.none() | st.booleans() | st.integers() | _TEXT, max_size=3)


@st.composite
def histories(draw: st.DrawFn, *, run: str = "run-ä") -> list[Transition]:
    """Any legal sequence of moves of a few units, with any facts, lone surrogates among them."""
    states = {unit: str(INITIAL[machine]) for unit, machine in _MACHINE_OF.items()}
    attempts = dict.fromkeys(states, 0)
    rows: list[Transition] = []
    epoch = 1
    for seq in range(1, draw(st.integers(0, 25)) + 1):
        unit = draw(st.sampled_from(sorted(states)))
        machine = _MACHINE_OF[unit]
        move = draw(st.sampled_from([move for move in TABLES[machine] if move.source == states[unit]]))
        epoch += move.trigger == "lease"
        attempts[unit] += move.trigger == "spawn"
        states[unit] = move.dest
        rows.append(
            row(
                seq,
                move.trigger,
                move.source,
                move.dest,
                unit=unit,
                machine=str(machine),
                run=run,
                epoch=epoch,
                attempt=attempts[unit],
                facts=draw(_FACTS),
            )
        )
    return rows
