"""Hooks of each iteration: what is written in a workflow, and the leaf that each of them becomes."""

from pathlib import Path
from typing import Any

import pytest

from compiler.diagnostics import CompileError
from fsm.plan import Hook, Leaf
from tests.compiler.sprints import compiled

MAIN = """\
name: main
schema-version: "2.0"
timeout: 2h
agent: codex
phases: [{id: a, run: "true"}]
per-iteration-hooks: [%s]
"""
FLOW = 'name: %s\nschema-version: "2.0"\nphases: [%s]\n'


def hooks(tmp_path: Path, written: str, sprint: str = "", **flows: str) -> tuple[Hook, ...]:
    made = {name: FLOW % (name, phases) for name, phases in flows.items()}
    return compiled(tmp_path, f"workflow: main\n{sprint}", main=MAIN % written, **made).plan.hooks


def run_by(hook: Hook) -> Leaf:
    assert hook.leaf is not None
    return hook.leaf


def refusal(tmp_path: Path, written: str, **flows: str) -> Any:
    with pytest.raises(CompileError) as caught:
        hooks(tmp_path, written, **flows)
    (found,) = caught.value.diagnostics
    return found


def test_a_prompt_is_a_leaf_with_the_settings_of_its_workflow(tmp_path: Path) -> None:
    (hook,) = hooks(tmp_path, '{id: learn, prompt: "Read $ITERATION_TRANSCRIPT", enabled: true}')
    leaf = run_by(hook)

    assert (leaf.prompt, leaf.path, leaf.timeout) == ("Read $ITERATION_TRANSCRIPT", "", 7200.0)
    assert leaf.agent is not None
    assert leaf.agent.name == "codex"
    assert "PHASE_ID" not in dict(leaf.env)


def test_a_hook_has_a_time_of_its_own(tmp_path: Path) -> None:
    (hook,) = hooks(tmp_path, "{id: learn, prompt: Learn, timeout: 5m, enabled: true}")

    assert run_by(hook).timeout == 300.0


def test_a_workflow_of_one_phase_is_run_with_what_that_says(tmp_path: Path) -> None:
    note = "{id: note, run: [./note, now], timeout: 9s, cwd: sub}"
    (hook,) = hooks(tmp_path, "{id: learn, workflow: noting, parallel: true, enabled: true}", noting=note)

    assert hook.parallel
    assert (run_by(hook).run, run_by(hook).timeout, run_by(hook).cwd) == (("./note", "now"), 9.0, "sub")


def test_only_hooks_that_are_on_are_in_the_plan(tmp_path: Path) -> None:
    written = "{id: x, prompt: X}, {id: y, prompt: Y, enabled: true}, {id: z, prompt: Z}"
    toggles = "per-iteration-hooks: {y: {enabled: false}, z: {enabled: true}}\n"

    assert [hook.id for hook in hooks(tmp_path, written, toggles)] == ["z"]


@pytest.mark.parametrize(
    ("phases", "why"),
    [
        ("{id: x, run: x}, {id: y, run: y}", "it has 2 phases"),
        ("{id: x, for-each: step, prompt: x}", "its phase `x` is a for-each"),
        ("{id: x, wait-for-parallel: true}", "its phase `x` runs nothing"),
        ("{id: x, run: x, break: true, gate: {script: y}}", "its phase `x` has `gate` and `break`"),
        ("{id: x, run: x, approve: Go?}", "its phase `x` has `approve`"),
    ],
)
def test_a_workflow_that_a_hook_cannot_run_is_refused_with_what_to_do(
    tmp_path: Path, phases: str, why: str
) -> None:
    found = refusal(tmp_path, "{id: learn, workflow: other, enabled: true}", other=phases)

    assert (found.code, found.line) == ("HOOK_WORKFLOW_UNFIT", 6)
    assert found.message == f"Hook `learn` cannot run the workflow `other`: {why}"
    assert (
        found.hint
        == "a hook runs one phase with a `prompt` or a `run`; let one prompt or one script do all of it"
    )


def test_a_workflow_that_is_not_there_is_refused_when_its_hook_is_on(tmp_path: Path) -> None:
    found = refusal(tmp_path, "{id: learn, workflow: nowhere, enabled: true}")

    assert found.code == "HOOK_WORKFLOW_NOT_FOUND"
    assert hooks(tmp_path, "{id: learn, workflow: nowhere}") == ()
