"""What an agent is told: the phase's own prompt among the sections that say where it stands and how it is judged.

Rule: a prompt follows from the fold, the plan and the files of shared context alone. The tasks of others are never in
it: only the unit's own is asked for; of the one before it is told what came of it. A sprint's `prompts:` replaces
sections by name.
"""

import re
from collections.abc import Callable
from pathlib import Path

from fsm.hooks import iterations
from fsm.names import name
from fsm.plan import Group, Leaf, Plan
from fsm.sprint import Sprint
from fsm.states import Machine, TaskState
from fsm.unit import Unit

CONTEXT = "context"
"""Where the files `_shared*.md` are, which every agent in the foreground is shown."""

_LARGEST = 256 * 1024
"""Bytes of the shared context that are shown, all files together."""

_VARIABLE = re.compile(r"\{\{([a-z-]+(?:\.[a-z]+)?)\}\}")

_NAMED = re.compile(r"\$(ITERATION_TRANSCRIPT|SPRINT_ID|ITERATION|PHASE_ID)")
"""What is filled in in the prompt of a hook; the longer name first, as its beginning is another one."""

_DEFAULTS = {
    "header": "# Sprint {{sprint-id}}, attempt {{iteration}}",
    "position": "",
    "retry-warning": (
        "## An earlier attempt failed\n"
        "This is try {{retry-count}} after the first. The last one ended with: {{error}}\n"
        "Look at what it has left before you begin, and do not repeat what made it fail."
    ),
    "instructions": (
        "## Instructions\n"
        "1. Do this task, whole, and nothing beyond it.\n"
        "2. Commit what you have changed, with a message that says why.\n"
        "3. Then end; the next phase is started for you."
    ),
    "result-reporting": (
        "## Result\n"
        "Do not edit PROGRESS.yaml: it is made from the journal, and edits are ignored. End your answer with one JSON\n"
        "block that says how it went:\n"
        '```json\n{"status": "completed", "summary": "what you did"}\n```\n'
        '```json\n{"status": "failed", "summary": "how far you came", "error": "what stopped you"}\n```\n'
        '```json\n{"status": "needs-human", "summary": "how far you came",'
        ' "humanNeeded": {"reason": "what a person has to decide"}}\n```'
    ),
}


class Prompts:
    """The prompts of one run."""

    def __init__(self, sprint: Sprint, directory: Path) -> None:
        self._sprint = sprint
        self._directory = directory
        self._of: Plan | None = None
        self._numbers: dict[str, int] = {}

    def of(self, path: str, attempt: int) -> str:
        """The whole prompt of a leaf's attempt."""
        unit = self._sprint.unit(path)
        leaf = unit.node
        assert isinstance(leaf, Leaf), "only leaves are prompted"
        if unit.leaf is not None:
            values = self.iteration(path)
            return _NAMED.sub(lambda found: values[found[1]], leaf.prompt or "")
        return self._background(unit, leaf) if unit.background else self._foreground(unit, leaf, attempt)

    def iteration(self, path: str) -> dict[str, str]:
        """What a hook is told of the task after which it runs, by name; nothing for what is no hook."""
        leaf = self._sprint.unit(path).leaf
        if leaf is None:
            return {}
        if self._of is not self._sprint.plan:
            self._of, self._numbers = self._sprint.plan, iterations(self._sprint.plan)
        log = leaf.spawned.decoded()["log"] if leaf.spawned is not None else f"logs/{name(leaf.path)}.log"
        return {
            "ITERATION_TRANSCRIPT": str(self._directory / log),
            "SPRINT_ID": self._sprint.plan.sprint_id,
            "ITERATION": str(self._numbers[leaf.path]),
            "PHASE_ID": str(getattr(leaf.node, "id", "")),
        }

    def _foreground(self, unit: Unit, leaf: Leaf, attempt: int) -> str:
        step = _step(unit)
        values = self._values(unit, leaf, step, attempt)
        section = dict(self._sprint.plan.prompts).get
        filled: Callable[[str], str] = lambda part: _fill(section(part) or _DEFAULTS[part], values)  # noqa: E731
        place = _fill(section("position") or _position(step), values)
        context = f"## Step Context\n{step.prompt}" if step is not None and step.prompt else ""
        title = f"## Your Task: {leaf.id}" if step is not None else "## Your Task"
        asked = _verdict(unit) == "needs-human"
        retry = filled("retry-warning") if _failed_before(unit) and not asked else ""
        parts = [
            filled("header"),
            place,
            retry,
            _answer(unit),
            context,
            f"{title}\n{leaf.prompt}",
            filled("instructions"),
            self._files(unit),
            filled("result-reporting"),
            self._proposing(),
            self._shared(),
        ]
        return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"

    def _proposing(self) -> str:
        """How further steps are proposed, for agents of a sprint that wants to hear of them."""
        wanted = self._sprint.plan.orchestration
        if wanted is None or not wanted.enabled:
            return ""
        then = "It is added to the sprint" if wanted.auto_approve else "A person decides on it"
        own = f"{wanted.prompt.strip()}\n" if wanted.prompt else ""
        return (
            "## Further Steps\n"
            f"{own}"
            "What else has to be done, and is no part of this task, you do not do. You may propose it as a step, in\n"
            f"the same JSON block. {then}; `insertAfter`, the id of a step, may say where it goes.\n"
            '```json\n{"status": "completed", "summary": "what you did",'
            ' "proposedSteps": [{"prompt": "what is to be done", "reasoning": "why"}]}\n```'
        )

    def _background(self, unit: Unit, leaf: Leaf) -> str:
        task = unit.first.decoded()["task"] if unit.first is not None else unit.path
        step = _step(unit)
        prompt = step.prompt if step is not None else None
        context = f"Step: {prompt}" if prompt else f"Sprint: {self._sprint.plan.sprint_id}"
        told = f"{answer}\n\n" if (answer := _answer(unit)) else ""
        return (
            f"# Parallel Task Execution\n"
            f"Task ID: {task}\n\n"
            f"## Context\n{context.rstrip()}\n\n"
            f"{told}"
            f"## Your Task: {leaf.id}\n{(leaf.prompt or '').rstrip()}\n\n"
            f"## Instructions\n"
            f"1. Execute this task independently of everything else.\n"
            f"2. It runs in the background while the main workflow continues.\n"
            f"3. Do this specific task only.\n"
            f"4. Commit your changes when done.\n\n"
            f"Do not modify PROGRESS.yaml: completion is known from the exit of this process.\n"
        )

    def _values(self, unit: Unit, leaf: Leaf, step: Group | None, attempt: int) -> dict[str, str]:
        """What runtime variables stand for; counts are from 1, as people count."""
        siblings = [child for child in unit.parent.children if child.leaf is None] if unit.parent else []
        top = unit
        while top.parent is not None and top.parent.machine != Machine.SPRINT:
            top = top.parent
        phases = [child for child in self._sprint.root.children if child.leaf is None]
        values = {
            "sprint-id": self._sprint.plan.sprint_id,
            "iteration": str(attempt),
            "phase.id": str(getattr(top.node, "id", "")),
            "phase.index": str(phases.index(top) + 1),
            "phase.total": str(len(phases)),
            "retry-count": str(unit.tries),
            "error": str(unit.ended.decoded().get("error", "")) if unit.ended is not None else "",
            "step.id": "",
            "step.prompt": "",
            "step.index": "0",
            "step.total": "0",
            "sub-phase.id": "",
            "sub-phase.index": "0",
            "sub-phase.total": "0",
        }
        if step is not None and unit.parent is not None and unit.parent.parent is not None:
            values |= {
                "step.id": step.id,
                "step.prompt": step.prompt or "",
                "step.index": str(unit.parent.index + 1),
                "step.total": str(len(unit.parent.parent.children)),
                "sub-phase.id": leaf.id,
                "sub-phase.index": str(siblings.index(unit) + 1),
                "sub-phase.total": str(len(siblings)),
            }
        return values

    def _files(self, unit: Unit) -> str:
        said = f"## Files\n- sprint: {self._directory / 'SPRINT.yaml'}\n- progress: {self._directory / 'PROGRESS.yaml'}"
        before = _before(unit)
        if before is None or before.spawned is None:
            return said
        facts = before.exited.decoded() if before.exited is not None else {}
        summary = " ".join(str(facts.get("summary") or "").split())
        log = self._directory / str(before.spawned.decoded()["log"])
        return (
            f"{said}\n- previous result, of {before.path}: {f'{summary} ' if summary else ''}(output: {log})"
        )

    def _shared(self) -> str:
        """All files of shared context, `_shared.md` first; the others under their names."""
        left, told = _LARGEST, []
        try:
            found = sorted(path for path in (self._directory / CONTEXT).glob("_shared*.md") if path.is_file())
        except OSError:
            return ""
        for path in sorted(found, key=lambda path: path.name != "_shared.md"):
            try:
                with path.open("rb") as file:
                    raw = file.read(left)
            except OSError:
                continue
            left -= len(raw)
            text = raw.decode("utf-8", "replace").strip()
            if text:
                told.append(text if path.name == "_shared.md" else f"### {path.stem}\n{text}")
        return "\n\n".join([f"## Shared Context\n{told[0]}", *told[1:]]) if told else ""


def _before(unit: Unit) -> Unit | None:
    """The last leaf of the main line before a unit that ended well; where steps are side by side, of those it needs."""
    at = unit
    while at.parent is not None:
        needs = at.node.depends_on if isinstance(at.node, Group) else ()
        for other in reversed(at.parent.children[: at.index]):
            if at.parent.choice is None or (isinstance(other.node, Group) and other.node.id in needs):
                found = _last(other)
                if found is not None:
                    return found
        at = at.parent
    return None


def _last(unit: Unit) -> Unit | None:
    """The last leaf in a unit that has ended well in the foreground."""
    if unit.machine == Machine.TASK:
        ours = unit.leaf is None and not unit.background  # a hook's result is nobody's
        return unit if ours and unit.state == TaskState.COMPLETED else None
    return next((found for child in reversed(unit.children) if (found := _last(child)) is not None), None)


def _step(unit: Unit) -> Group | None:
    node = unit.parent.node if unit.parent is not None else None
    return node if isinstance(node, Group) and node.level == "step" else None


def _verdict(unit: Unit) -> str | None:
    """What the last attempt that failed amounted to."""
    if unit.ended is None or unit.ended.dest != TaskState.FAILED:
        return None
    return str(unit.ended.decoded().get("verdict"))


def _failed_before(unit: Unit) -> bool:
    return _verdict(unit) not in (None, "interrupted", "gate")


def _answer(unit: Unit) -> str:
    """What a person has answered to the question of an earlier attempt, word by word; variables in it mean nothing."""
    if unit.past is None or not unit.past.answer:
        return ""
    facts = unit.ended.decoded() if unit.ended is not None else {}
    question = str(facts.get("error") or "") if _verdict(unit) == "needs-human" else ""
    asked = f"An earlier attempt asked: {question}\n" if question else ""
    return f"## A person has answered\n{asked}The answer: {unit.past.answer}"


def _position(step: Group | None) -> str:
    place = "Phase {{phase.index}} of {{phase.total}}: {{phase.id}}"
    if step is None:
        return place
    return (
        f"{place}\nStep {{{{step.index}}}} of {{{{step.total}}}}: {{{{step.id}}}}\n"
        "Sub-phase {{sub-phase.index}} of {{sub-phase.total}}: {{sub-phase.id}}"
    )


def _fill(text: str, values: dict[str, str]) -> str:
    """Known variables filled in, once: what they stand for is not looked at again. Others stay as they are."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
