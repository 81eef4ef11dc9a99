"""Generated sprints whose tasks keep a ledger outside: what began, what overlapped, with which code it left.

Rule: whatever is done to such a sprint, it can be run to an end in which every unit is completed.
"""

import random
from dataclasses import dataclass

# A lock per task, inherited by all that it starts, makes two attempts of one task at once visible. A `flock` that was
# killed itself (137) saw nothing; only its own 1 means that somebody else holds the lock.
BEGIN = (
    'exec 9>>"$LEDGER.locks/{key}"; flock -n 9 || [ $? -ne 1 ] || '
    'echo "overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT" >>"$LEDGER"; '
    'echo "begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$" >>"$LEDGER"; '
)
LEAVE = 'echo "end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT {code}" >>"$LEDGER"; exit {code}'

AGAIN = {"max-attempts": 1000, "on": ["failed", "killed", "crashed", "lost"]}
"""Whatever was done to a task, it is tried again; a lost one only because that is said here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The text of a sprint and its workflows."""

    sprint: dict[str, object]
    workflows: dict[str, dict[str, object]]
    seed: int


def script(key: str, nap: float, *, flaky: bool = False, code: int = 0) -> str:
    """Shell text of a task; `key` names it within its sprint and step. A flaky one fails with 7 the first time."""
    where = f"${{ITEM_ID:-}}.{key}"
    text = BEGIN.format(key=where) + (f"sleep {nap:.3f}; " if nap else "")
    if flaky:
        tried = f'"$LEDGER.locks/{where}.tried"'
        text += f"if [ ! -e {tried} ]; then : >{tried}; {LEAVE.format(code=7)}; fi; "
    return text + LEAVE.format(code=code)


def generated(seed: int, *, longest: float = 0.15) -> Generated:
    """A sprint of 3 to 30 tasks of at most `longest` seconds, with gates, retries, background tasks, dependencies."""
    dice = random.Random(f"plan {seed}")
    workflows: dict[str, dict[str, object]] = {}
    collections: dict[str, list[dict[str, object]]] = {"unused": [{"id": "u", "prompt": "p"}]}
    phases: list[dict[str, object]] = []
    for number in range(dice.randint(2, 6)):
        name = f"p{number}"
        kind = dice.choices(("simple", "beside", "steps", "sync"), (5, 3, 4, 2))[0]
        if kind == "sync":
            phases.append({"id": name, "wait-for-parallel": True})
        elif kind == "steps":
            collections[name] = _items(dice, name)
            parts = [_leaf(dice, f"{name}s{part}", longest) for part in range(dice.randint(1, 3))]
            workflows[f"{name}.yaml"] = {"name": name, "schema-version": "2.0", "phases": parts}
            group: dict[str, object] = {"id": name, "for-each": name, "workflow": name}
            phases.append(group | ({"parallel": True} if dice.random() < 0.5 else {}))
        else:
            phases.append(_leaf(dice, name, longest, parallel=kind == "beside"))
    phases.append({"id": "last", "run": script("last", 0), "retry": AGAIN})
    workflows["main.yaml"] = {"name": "main", "schema-version": "2.0", "phases": phases}
    sprint: dict[str, object] = {
        "workflow": "main",
        "sprint-id": f"s{seed}",
        "collections": collections,
    }
    return Generated(sprint=sprint, workflows=workflows, seed=seed)


def _items(dice: random.Random, name: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    for number in range(dice.randint(1, 4)):
        item: dict[str, object] = {"id": f"{name}i{number}", "prompt": "p"}
        if items and dice.random() < 0.3:
            item["depends-on"] = [dice.choice(items)["id"]]
        items.append(item)
    return items


def _leaf(
    dice: random.Random, name: str, longest: float, *, parallel: bool | None = None
) -> dict[str, object]:
    leaf: dict[str, object] = {
        "id": name,
        "run": script(name, dice.uniform(0, longest), flaky=dice.random() < 0.2),
        "retry": AGAIN,
    }
    if parallel or (parallel is None and dice.random() < 0.25):
        # No gate here: a background task that its gate failed is not tried again in a sprint that is completed.
        leaf["parallel"] = True
    elif dice.random() < 0.3:
        leaf["gate"] = {"script": script(f"{name}g", dice.uniform(0, longest / 3))}
    if dice.random() < 0.2:
        leaf["exclusive"] = "one"
    return leaf
