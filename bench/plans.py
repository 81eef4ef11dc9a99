"""Plans, sprint directories and histories of any size, for the measurements."""

import json
from collections.abc import Iterator
from pathlib import Path

from fsm.plan import Group, Leaf, Node, Plan
from fsm.transition import Transition

TRUE = "true"
"""What every task runs, by `/bin/sh -c`: the same for us, for the floors and for the peers."""
PHASES = ("plan", "implement", "test", "update-docs")
"""The four sub-phases of a step."""
AT = 1_700_000_000_000


def plan(leaves: int, shape: str = "steps") -> Plan:
    """A plan with so many leaves: `steps` of four sub-phases, one group `beside` each other, or all `background`."""
    if shape == "steps":
        steps = [_step(number) for number in range(leaves // len(PHASES))]
        nodes: tuple[Node, ...] = (
            Group(id="development", path="development", level="phase", children=tuple(steps)),
        )
    elif shape == "beside":
        tasks = tuple(_leaf("development", f"task-{number}") for number in range(leaves))
        nodes = (Group(id="development", path="development", level="phase", children=tasks, parallel=True),)
    else:
        nodes = tuple(_leaf("", f"task-{number}", background=True) for number in range(leaves))
    return Plan(sprint_id="bench", phases=nodes)


def _step(number: int) -> Group:
    path = f"development/step-{number}"
    children = tuple(_leaf(path, phase) for phase in PHASES)
    return Group(id=f"step-{number}", path=path, level="step", children=children, prompt=f"Item {number}")


def _leaf(above: str, name: str, *, background: bool = False) -> Leaf:
    return Leaf(id=name, path=f"{above}/{name}" if above else name, run=TRUE, parallel=background)


def directory(folder: Path, steps: int, *, phases: int, background: bool = False, what: str = TRUE) -> Path:
    """A sprint directory as a user has it: `steps` items, each with `phases` shell sub-phases that run `what`."""
    workflows = folder / "workflows"
    workflows.mkdir(parents=True)
    items = "".join(
        f"    - id: step-{number}\n      prompt: Implement item number {number}, with its tests.\n"
        for number in range(steps)
    )
    (folder / "SPRINT.yaml").write_text(
        f"workflow: development\nsprint-id: bench\ncollections:\n  step:\n{items}", encoding="utf-8"
    )
    (workflows / "development.yaml").write_text(
        'name: development\nschema-version: "2.0"\nphases:\n'
        "  - id: development\n    for-each: step\n    workflow: each\n",
        encoding="utf-8",
    )
    more = "    parallel: true\n" if background else ""
    parts = "".join(f'  - id: {name}\n    run: "{what}"\n{more}' for name in PHASES[:phases])
    (workflows / "each.yaml").write_text(
        f'name: each\nschema-version: "2.0"\nphases:\n{parts}', encoding="utf-8"
    )
    return folder


def prompted(folder: Path, steps: int) -> Path:
    """A sprint directory of prompts: `steps` items with four sub-phases each, as an agent would be given them."""
    directory(folder, steps, phases=len(PHASES))
    parts = "".join(
        f"  - id: {name}\n    prompt: |\n      {name}, {{{{item.id}}}}: {{{{item.prompt}}}}\n      Say what was done.\n"
        for name in PHASES
    )
    (folder / "workflows" / "each.yaml").write_text(
        f'name: each\nschema-version: "2.0"\nphases:\n{parts}', encoding="utf-8"
    )
    return folder


def history(leaves: int, attempts: int) -> Iterator[Transition]:
    """The rows of a run of `plan(leaves)` after its `amend`: every leaf fails `attempts` - 1 times, then succeeds.

    Rows are unsealed; sequence numbers begin at 2.
    """
    seq = 1

    def row(  # noqa: PLR0917 — as the columns stand
        unit: str, machine: str, trigger: str, source: str, dest: str, attempt: int, **facts: object
    ) -> Transition:
        nonlocal seq
        seq += 1
        text = json.dumps(facts, sort_keys=True, separators=(",", ":")) if facts else ""
        return Transition(seq, "bench", 1, AT + seq, unit, machine, trigger, source, dest, attempt, text)

    yield row(
        "#sprint", "sprint", "lease", "not-started", "not-started", 0, boot="b", inode=1, path="/journal.db"
    )
    yield row("#sprint", "sprint", "start", "not-started", "in-progress", 0)
    yield row("development", "group", "start", "pending", "in-progress", 0)
    for step in range(leaves // len(PHASES)):
        above = f"development/step-{step}"
        yield row(above, "group", "start", "pending", "in-progress", 0)
        for phase in PHASES:
            unit = f"{above}/{phase}"
            for attempt in range(1, attempts + 1):
                name = f"development.step-{step}.{phase}"
                yield row(
                    unit, "task", "spawn", "pending", "spawned", attempt, log=f"logs/{name}.log", name=name
                )
                yield row(unit, "task", "start", "spawned", "running", attempt, pid="4242", start="123456")
                if attempt < attempts:
                    yield row(
                        unit, "task", "fail", "running", "failed", attempt, status=256, verdict="failed"
                    )
                    yield row(unit, "task", "retry", "failed", "pending", attempt, by="run")
            yield row(unit, "task", "succeed", "running", "completed", attempts, status=0)
        yield row(above, "group", "complete", "in-progress", "completed", 0)
