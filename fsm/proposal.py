"""Steps that are added while a sprint runs: what somebody proposes, where it goes in the plan, and the plan with it.

Rule: a plan is a value; adding a step makes another one. Words of an agent go into prompts and the environment only,
never into the text of a command.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fsm.plan import Group, Leaf, Node, Plan, escape
from fsm.transition import Facts

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

MOST_AT_ONCE = 20
"""Steps that one attempt may propose; what is beyond is not looked at."""

PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One step that somebody would add."""

    id: str
    """By which it is approved or rejected."""
    prompt: str
    by: str
    """Path of the unit that proposes it, or beside which it is to go."""
    name: str = ""
    """The id that the step is to have, where it is free."""
    reasoning: str = ""
    priority: str = "medium"
    after: str = ""
    """Id or path of the step or phase that it is to follow; '' for where the sprint's strategy puts it."""
    depends_on: tuple[str, ...] = ()


def proposal(id_: str, by: str, said: Mapping[str, Any]) -> Proposal | None:
    """A proposal as an agent has written it; None when it does not say what is to be done."""
    prompt = said.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return None
    priority, needs = said.get("priority"), said.get("depends-on") or said.get("dependsOn") or ()
    return Proposal(
        id=id_,
        prompt=prompt.strip(),
        by=by,
        name=_text(said.get("id")),
        reasoning=_text(said.get("reasoning")),
        priority=priority if priority in PRIORITIES else "medium",
        after=_text(said.get("insertAfter") or said.get("insert-after")),
        depends_on=tuple(map(str, needs)) if isinstance(needs, list | tuple) else (),
    )


def proposals(seq: int, by: str, facts: Facts) -> list[Proposal]:
    """What the attempt of a unit proposes in the facts of its last row, number `seq`."""
    said = facts.get("proposed-steps")
    entries = said[:MOST_AT_ONCE] if isinstance(said, list) else []
    made = [proposal(f"step-{seq}-{n}", by, one) for n, one in enumerate(entries) if isinstance(one, dict)]
    return [found for found in made if found is not None]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def added(plan: Plan, found: Proposal, strategy: str) -> tuple[Plan, str]:
    """The plan with one step more, and the path of what was added. `strategy` as in `fsm.plan.Orchestration`."""
    top, _, rest = found.by.partition("#")[0].partition("/")  # a fix speaks for what it mends
    place = next((n for n, phase in enumerate(plan.phases) if phase.path == top), len(plan.phases) - 1)
    anchor = next((n for n, phase in enumerate(plan.phases) if found.after in (phase.id, phase.path)), None)
    phase = plan.phases[place] if plan.phases else None
    if found.by and isinstance(phase, Group) and (phase.children or not phase.wait) and anchor is None:
        inner, path = _in_phase(phase, rest.partition("/")[0], found, strategy)
        return replace(plan, phases=(*plan.phases[:place], inner, *plan.phases[place + 1 :])), path
    taken = {node.id for node in plan.phases}
    name = _free(found.name, taken)
    like = phase if isinstance(phase, Leaf) and phase.prompt is not None else None
    new = Leaf(
        id=name,
        path=escape(name),
        prompt=found.prompt,
        agent=like.agent if like is not None else None,
        model=like.model if like is not None else None,
        failover=like.failover if like is not None else (),
    )
    place = anchor if anchor is not None else place if found.by else len(plan.phases) - 1
    return replace(plan, phases=(*plan.phases[: place + 1], new, *plan.phases[place + 1 :])), new.path


def _in_phase(phase: Group, beside: str, found: Proposal, strategy: str) -> tuple[Group, str]:
    steps = phase.children
    last = len(steps) - 1
    current = next((n for n, step in enumerate(steps) if escape(step.id) == beside), last)
    named = next((n for n, step in enumerate(steps) if found.after in (step.id, step.path)), None)
    place = named if named is not None else last if strategy == "end-of-phase" else current
    name = _free(found.name, {step.id for step in steps})
    path = f"{phase.path}/{escape(name)}"
    known = {step.id for step in steps}
    needs = tuple(wanted for wanted in found.depends_on if wanted in known)
    like = next((step for step in (*steps[current : current + 1], *steps) if isinstance(step, Group)), None)
    if like is None:
        leaf = Leaf(id="execute", path=f"{path}/execute", prompt=found.prompt)
        new = Group(id=name, path=path, level="step", children=(leaf,), prompt=found.prompt, depends_on=needs)
    else:
        old = like.prompt or ""
        words = {like.id: name} | ({old: found.prompt} if old else {})
        children = tuple(map(_Copy(like.path, path, old, found.prompt, words).of, like.children))
        new = replace(like, id=name, path=path, prompt=found.prompt, children=children, depends_on=needs)
    return replace(phase, children=(*steps[: place + 1], new, *steps[place + 1 :])), path


class _Copy(NamedTuple):
    """How one step becomes another."""

    above: str
    path: str
    old: str
    prompt: str
    words: dict[str, str]

    def of(self, node: Node) -> Node:
        """A part of the one as a part of the other."""
        here = self.path + node.path[len(self.above) :]
        if isinstance(node, Group):
            return replace(node, path=here, children=tuple(map(self.of, node.children)))
        env = tuple((key, self.words.get(value, value)) for key, value in node.env)
        if node.prompt is None:
            return replace(node, path=here, env=env)
        told = node.prompt.replace(self.old, self.prompt) if self.old else node.prompt
        return replace(node, path=here, env=env, prompt=told)


def _free(name: str, taken: set[str]) -> str:
    if _NAME.fullmatch(name) and name not in taken:
        return name
    return next(found for found in (f"added-{n}" for n in range(1, len(taken) + 2)) if found not in taken)
