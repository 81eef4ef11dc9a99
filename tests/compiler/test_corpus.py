"""Real sprints of the predecessor compile to what it made of them, apart from what docs/differences.md lists."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compiler.pipeline import compile_sprint
from fsm.plan import Gate, Group, Leaf, Node, Plan

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))

pytestmark = pytest.mark.skipif(not CASES, reason="the corpus of real sprints is not on this machine")


def yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def compiled(case: Path, tmp_path: Path) -> Plan:
    facts = json.loads((case / "case.json").read_text(encoding="utf-8"))
    sprint = tmp_path / facts["sprint_dir_name"]
    sprint.mkdir()
    shutil.copy(case / "SPRINT.yaml", sprint)
    today = date.fromisoformat(facts["compile_date"])
    return compile_sprint(sprint, workflows=[case / "workflows"], today=today).plan


def flat_prompts(case: Path) -> set[str]:
    """Ids of for-each phases whose own prompt the predecessor lost: those with a prompt and no workflow."""
    main = yaml(case / "SPRINT.yaml")["workflow"]
    phases = yaml(case / "workflows" / f"{main}.yaml")["phases"]
    return {
        phase["id"]
        for phase in phases
        if "for-each" in phase and "prompt" in phase and "workflow" not in phase
    }


def gate(found: Gate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "script": found.script,
        "on-fail-prompt": found.prompt,
        "max-retries": found.tries,
        "timeout": found.timeout,
    }


def rendered(node: Node) -> dict[str, Any]:
    """A node in the words of PROGRESS.yaml, without what it leaves out."""
    shown: dict[str, Any] = {
        "id": node.id,
        "prompt": node.prompt.strip() if node.prompt is not None else None,
        "model": node.model,
        "parallel": node.parallel or None,
        "wait-for-parallel": node.wait or None,
        "break": node.breaks or None,
        "gate": gate(node.gate),
    }
    if isinstance(node, Group):
        shown["depends-on"] = list(node.depends_on) or None
        shown["steps" if node.level == "phase" else "phases"] = [rendered(child) for child in node.children]
    return {key: value for key, value in shown.items() if value is not None}


def expected(node: dict[str, Any]) -> dict[str, Any]:
    """The same of what the predecessor wrote."""
    shown = {key: value for key, value in node.items() if key in SHOWN and value not in (None, False)}
    if "prompt" in shown:
        shown["prompt"] = shown["prompt"].strip()
    for key in ("steps", "phases"):
        if key in shown:
            shown[key] = [expected(child) for child in shown[key]]
    return shown


SHOWN = (
    "id",
    "prompt",
    "model",
    "parallel",
    "wait-for-parallel",
    "break",
    "gate",
    "depends-on",
    "steps",
    "phases",
)


def totals(plan: Plan) -> dict[str, int]:
    steps = [step for phase in plan.phases if isinstance(phase, Group) for step in phase.children]
    subs = sum(len(step.children) for step in steps if isinstance(step, Group))
    return {"total-phases": len(plan.phases) + subs, **({"total-steps": len(steps)} if steps else {})}


def first(plan: Plan) -> dict[str, int | None]:
    phase = plan.phases[0]
    begun = 0 if isinstance(phase, Group) and phase.children else None
    return {"phase": 0, "step": begun, "sub-phase": begun}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_real_sprint_compiles_to_the_same_structure(case: Path, tmp_path: Path) -> None:
    plan = compiled(case, tmp_path)
    golden = yaml(case / "PROGRESS.expected.yaml")
    ours = [rendered(phase) for phase in plan.phases]
    theirs = [expected(phase) for phase in golden["phases"]]
    lost = flat_prompts(case)
    for phase in [*ours, *theirs]:
        if phase["id"] in lost:
            for step in phase["steps"]:
                for sub in step["phases"]:
                    del sub["prompt"]

    assert plan.sprint_id == golden["sprint-id"]
    assert [phase["id"] for phase in ours] == [phase["id"] for phase in theirs]
    assert ours == theirs
    assert first(plan) == golden["current"]
    wanted = {key: golden["stats"][key] for key in ("total-phases", "total-steps") if key in golden["stats"]}
    assert totals(plan) == wanted
    if "worktree" in golden and plan.worktree is not None:
        block = {key: golden["worktree"][key] for key in ("branch", "path", "cleanup")}
        assert block == {
            "branch": plan.worktree.branch,
            "path": plan.worktree.path,
            "cleanup": plan.worktree.cleanup,
        }


@pytest.mark.parametrize("case", [case for case in CASES if flat_prompts(case)], ids=lambda case: case.name)
def test_a_flat_for_each_asks_what_its_phase_says_about_each_item(case: Path, tmp_path: Path) -> None:
    plan = compiled(case, tmp_path)
    lost = flat_prompts(case)
    for phase in plan.phases:
        if phase.id not in lost:
            continue
        assert isinstance(phase, Group)
        for step in phase.children:
            assert isinstance(step, Group)
            (leaf,) = step.children
            assert isinstance(leaf, Leaf)
            assert leaf.id == "execute"
            assert leaf.prompt is not None
            assert "{{item." not in leaf.prompt
            assert leaf.prompt.strip() != (step.prompt or "").strip()
