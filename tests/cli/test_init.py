"""`init`: templates that can be run as they are, and sprints of m42-sprint that are taken over."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from compiler.pipeline import compile_sprint
from fsm.plan import Plan
from fsm_sprint.cli.init import TEMPLATES
from tests.cli.command import Command

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))
TODAY = date(2026, 1, 1)

OLD = """\
# What we want
workflow: main

steps: # one after the other
  - prompt: |
      Do this

      and # that
  # then
  - prompt: Just this

# The end
name: Old
"""
FLOW = """\
name: Main
schema-version: "2.0"
phases:
  - {id: work, for-each: step}
  - {id: qa, prompt: "Check it in {{sprint.id}}"}
"""


@pytest.fixture
def old(home: Path) -> Path:
    """A sprint as m42-sprint has it, in a repository."""
    made = home / "repo" / ".claude" / "sprints" / "2026-01-16_old"
    made.mkdir(parents=True)
    (home / "repo" / ".git").mkdir()
    (made / "SPRINT.yaml").write_text(OLD)
    flows = home / "repo" / ".claude" / "workflows"
    flows.mkdir()
    (flows / "main.yaml").write_text(FLOW)
    return made


def plan(directory: Path) -> Plan:
    return replace(compile_sprint(directory, today=TODAY).plan, sources=())


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_sound_and_is_rehearsed_to_its_end(
    home: Path, fsm_sprint: Command, template: str
) -> None:
    fsm_sprint("init", "made", "--template", template)
    checked = fsm_sprint("check", "made", "--strict")
    assert "warning" not in checked.err
    assert "the sprint comes to its end" in checked.out
    script = home / "outcomes.yaml"
    script.write_text("- {ask: resume, at: 6h}\n" if template == "bugfix" else "[]\n")
    assert " completed in " in fsm_sprint("simulate", "made", "--script", script).out


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_asks_the_agent_that_is_named(home: Path, fsm_sprint: Command, template: str) -> None:
    fsm_sprint("init", "made", "--template", template, "--agent", "codex")
    written = (home / "made" / "SPRINT.yaml").read_text()

    assert written.count("agent: codex\n") == 1
    assert "claude" not in written
    fsm_sprint("check", "made", "--strict")


def test_the_templates_are_listed_with_what_they_are_for(fsm_sprint: Command) -> None:
    lines = fsm_sprint("init", "--list").out.splitlines()
    assert [line.split()[0] for line in lines] == list(TEMPLATES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--template", "bug"], "did you mean bugfix?"),
        (["--agent", "claud"], "did you mean claude?"),
        (["--from", "nowhere"], "nowhere holds no SPRINT.yaml"),
        (["--from", "x", "--template", "bugfix"], "--template and --from are two things"),
        (["-w", "x"], "--workflows goes with --from"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_made(
    home: Path, fsm_sprint: Command, words: list[str], said: str
) -> None:
    assert said in fsm_sprint("init", "made", *words, check=2).err
    assert not (home / "made").exists()
    assert "say in which directory" in fsm_sprint("init", check=2).err


def test_a_file_that_is_in_the_way_keeps_all_of_it_from_being_made(home: Path, fsm_sprint: Command) -> None:
    flow = home / "made" / ".claude" / "workflows" / "feature.yaml"
    flow.parent.mkdir(parents=True)
    flow.write_text("mine\n")
    assert "feature.yaml exists already" in fsm_sprint("init", "made", check=2).err
    assert flow.read_text() == "mine\n"
    assert not (home / "made" / "SPRINT.yaml").exists()


def test_a_sprint_is_taken_over_with_its_id_its_workflows_and_its_context(
    home: Path, fsm_sprint: Command, old: Path
) -> None:
    (old / "context" / "more").mkdir(parents=True)
    (old / "context" / "_shared.md").write_text("Tabs.")
    (old / "context" / "more" / "x.md").write_text("x")
    (old / "context" / "link.md").symlink_to("/etc/hostname")
    told = fsm_sprint("init", "new", "--from", old).out

    assert plan(home / "new") == plan(old)
    assert (home / "new" / "SPRINT.yaml").read_text() == OLD.replace(
        OLD[OLD.index("steps:") : OLD.index("\n# The end")],
        "collections:\n  step: # one after the other\n"
        "      - prompt: |\n          Do this\n\n          and # that\n      # then\n      - prompt: Just this\n",
    ) + 'sprint-id: "2026-01-16_old"\n'
    assert (home / "new" / ".claude" / "workflows" / "main.yaml").read_text() == FLOW
    assert (home / "new" / "context" / "more" / "x.md").read_text() == "x"
    assert not (home / "new" / "context" / "link.md").exists()
    assert "  workflows, copied: main.yaml\n" in told
    assert "  context: 2 files\n" in told
    assert (old / "SPRINT.yaml").read_text() == OLD


def test_steps_that_cannot_be_written_otherwise_stay_as_they_are(
    home: Path, fsm_sprint: Command, old: Path
) -> None:
    text = "workflow: main\nsprint-id: s\nsteps: [Just this]\n"
    (old / "SPRINT.yaml").write_text(text)
    fsm_sprint("init", "new", "--from", old)

    assert (home / "new" / "SPRINT.yaml").read_text() == text
    assert plan(home / "new") == plan(old)


def test_in_the_same_repository_workflows_stay_where_they_are(fsm_sprint: Command, old: Path) -> None:
    told = fsm_sprint("init", old.with_name("new"), "--from", old, "--agent", "gemini").out

    assert "  workflows, found where they are: main.yaml\n" in told
    assert "  agent: gemini, where a phase or workflow names no other\n" in told
    assert not (old.with_name("new") / ".claude").exists()
    fsm_sprint("check", old.with_name("new"))


def test_what_is_not_taken_over_is_said(fsm_sprint: Command, old: Path) -> None:
    (old / "logs").mkdir()
    steps = [
        {"id": "step-0", "phases": [{"id": "execute", "status": "completed"}]},
        {"id": "step-1", "phases": [{"id": "execute", "status": "blocked"}]},
    ]
    progress = {
        "status": "blocked",
        "phases": [{"id": "work", "steps": steps}, {"id": "qa", "status": "pending"}],
        "step-queue": [{"id": "s", "prompt": "\nWrite tests\nfor it"}],
    }
    (old / "PROGRESS.yaml").write_text(json.dumps(progress))
    told = fsm_sprint("init", "new", "--from", old).out

    assert "  not taken over: PROGRESS.yaml, the state of its runs\n" in told
    assert "  not taken over: logs, what its runs printed\n" in told
    assert (
        "    it says blocked: 1 completed, 1 blocked, 1 pending; a run here begins at the beginning\n" in told
    )
    assert "failures: work/step-0/execute; take out of SPRINT.yaml what is done\n" in told
    assert "    proposed and not decided on: Write tests; put in SPRINT.yaml what is wanted\n" in told


def test_a_progress_file_that_nobody_understands_is_left_behind_like_any_other(
    fsm_sprint: Command, old: Path
) -> None:
    (old / "PROGRESS.yaml").write_text("phases: [1, {steps: 3}, {phases: {a: b}}\n")
    assert "not taken over: PROGRESS.yaml" in fsm_sprint("init", "one", "--from", old).out
    (old / "PROGRESS.yaml").write_text("phases: [1, {steps: 3}, {phases: {a: b}}]\nstep-queue: x\n")
    assert "it says unknown" in fsm_sprint("init", "two", "--from", old).out


def test_a_sprint_with_mistakes_is_not_taken_over(home: Path, fsm_sprint: Command, old: Path) -> None:
    (old / "SPRINT.yaml").write_text("workflow: other\nsteps: [x]\n")
    assert "MAIN_WORKFLOW_NOT_FOUND" in fsm_sprint("init", "new", "--from", old, check=3).err
    assert not (home / "new").exists()


@pytest.mark.skipif(not CASES, reason="the corpus of real sprints is not on this machine")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_real_sprint_that_is_taken_over_means_the_same(home: Path, fsm_sprint: Command, case: Path) -> None:
    facts = json.loads((case / "case.json").read_text(encoding="utf-8"))
    before = home / facts["sprint_dir_name"]
    before.mkdir()
    shutil.copy(case / "SPRINT.yaml", before)
    shutil.copytree(case / "workflows", before / ".claude" / "workflows")
    shutil.copy(case / "PROGRESS.expected.yaml", before / "PROGRESS.yaml")
    told = fsm_sprint("init", "new", "--from", before).out

    assert "it says not-started: " in told
    after, written = plan(home / "new"), plan(before)
    if before.name[:4].isdecimal() or "sprint-id" in (before / "SPRINT.yaml").read_text():
        assert after == written
    assert "\nsteps:" not in (home / "new" / "SPRINT.yaml").read_text()
