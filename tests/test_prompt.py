"""What agents are told, section by section."""

import json
from pathlib import Path

from fsm.plan import Group, Hook, Leaf, Orchestration, Plan
from fsm.proposal import proposal
from fsm.sprint import Sprint
from fsm.transition import Transition
from fsm_sprint.agents.result import result
from fsm_sprint.prompt import Prompts

STEPS = Group(
    id="development",
    path="development",
    level="phase",
    children=(
        Group(
            id="login",
            path="development/login",
            level="step",
            prompt="Users can log in",
            children=(
                Leaf(id="implement", path="development/login/implement", prompt="Write it"),
                Leaf(
                    id="update-docs",
                    path="development/login/update-docs",
                    prompt="Document it",
                    parallel=True,
                ),
            ),
        ),
    ),
)
QA = Leaf(id="qa", path="qa", prompt="Check it")


def sprint(**settings: object) -> Sprint:
    found = Sprint("r", lambda digest: "")
    found.plant(Plan(sprint_id="2026-01-18_x", phases=(STEPS, QA), **settings))  # type: ignore[arg-type]  # by name
    return found


def moved(to: Sprint, unit: str, trigger: str, source: str, dest: str, **facts: object) -> None:
    text = json.dumps(facts) if facts else ""
    to.apply(Transition(to.seq + 1, "r", 1, 0, unit, "task", trigger, source, dest, 1, text))


def told(of: Sprint, path: str, attempt: int = 1, directory: Path = Path("/s")) -> str:
    return Prompts(of, directory).of(path, attempt)


def test_a_background_prompt_has_exactly_its_parts_in_their_order():
    here = sprint()
    path = "development/login/update-docs"
    moved(here, path, "spawn", "pending", "spawned", task="login-update-docs-1768737600", name="n", log="l")
    assert told(here, path) == (
        "# Parallel Task Execution\n"
        "Task ID: login-update-docs-1768737600\n"
        "\n"
        "## Context\n"
        "Step: Users can log in\n"
        "\n"
        "## Your Task: update-docs\n"
        "Document it\n"
        "\n"
        "## Instructions\n"
        "1. Execute this task independently of everything else.\n"
        "2. It runs in the background while the main workflow continues.\n"
        "3. Do this specific task only.\n"
        "4. Commit your changes when done.\n"
        "\n"
        "Do not modify PROGRESS.yaml: completion is known from the exit of this process.\n"
    )


def test_a_foreground_prompt_says_where_it_stands_before_it_says_what_to_do():
    text = told(sprint(), "development/login/implement")
    order = [
        "# Sprint 2026-01-18_x",
        "Phase 1 of 2: development",
        "Step 1 of 1: login",
        "Sub-phase 1 of 2: implement",
        "## Step Context\nUsers can log in",
        "## Your Task: implement\nWrite it",
        "## Instructions",
        "## Files",
        "## Result",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_only_where_steps_may_be_proposed_an_agent_is_told_how():
    assert "proposedSteps" not in told(sprint(orchestration=Orchestration(enabled=False)), "qa")
    queued = told(sprint(orchestration=Orchestration(enabled=True, prompt="Propose tests only.")), "qa")
    assert "Propose tests only." in queued
    assert "A person decides on it" in queued
    added = told(sprint(orchestration=Orchestration(enabled=True, auto_approve=True)), "qa")
    assert "It is added to the sprint" in added
    assert result(added) is None
    answered = result(added.replace("what you did", "all of it"))
    assert answered is not None
    assert proposal("s", "qa", answered[1]["proposed-steps"][0]) is not None


def test_the_work_of_the_background_is_in_no_foreground_prompt():
    here = sprint()
    moved(here, "development/login/update-docs", "spawn", "pending", "spawned", task="t-1", name="n", log="l")
    for path in ("development/login/implement", "qa"):
        assert "Document it" not in told(here, path)
        assert "update-docs" not in told(here, path)


def test_a_try_after_a_failure_is_warned_with_its_error():
    here = sprint()
    assert "earlier attempt" not in told(here, "qa")
    moved(here, "qa", "spawn", "pending", "spawned", name="n", log="l")
    moved(here, "qa", "start", "spawned", "running")
    moved(here, "qa", "fail", "running", "failed", verdict="failed", error="three tests are red")
    assert "three tests are red" in told(here, "qa", 2)


def test_the_answer_of_a_person_is_told_word_by_word_and_stays_told():
    here = sprint()
    moved(here, "qa", "spawn", "pending", "spawned", name="n", log="l")
    moved(here, "qa", "start", "spawned", "running")
    moved(here, "qa", "fail", "running", "failed", verdict="needs-human", error="which key?")
    moved(here, "qa", "retry", "failed", "pending", by="answer", answer="the {{phase.id}} one")
    text = told(here, "qa", 2)
    answer = "The answer: the {{phase.id}} one\n"
    assert f"## A person has answered\nAn earlier attempt asked: which key?\n{answer}" in text
    assert "earlier attempt failed" not in text

    moved(here, "qa", "spawn", "pending", "spawned", name="n", log="l")
    moved(here, "qa", "start", "spawned", "running")
    moved(here, "qa", "fail", "running", "failed", verdict="overloaded", error="too busy")
    text = told(here, "qa", 3)
    assert f"## A person has answered\n{answer}" in text
    assert "too busy" in text


def test_a_background_task_is_told_the_answer_too():
    here, path = sprint(), "development/login/update-docs"
    assert "answered" not in told(here, path)
    moved(here, path, "spawn", "pending", "spawned", task="t-1", name="n", log="l")
    moved(here, path, "start", "spawned", "running")
    moved(here, path, "fail", "running", "failed", verdict="needs-human", error="which key?")
    moved(here, path, "retry", "failed", "pending", by="answer", answer="the old one")
    assert "The answer: the old one\n\n## Your Task" in told(here, path, 2)


def test_an_interrupted_try_is_no_failure_to_be_warned_of():
    here = sprint()
    moved(here, "qa", "spawn", "pending", "spawned", name="n", log="l")
    moved(here, "qa", "start", "spawned", "running")
    moved(here, "qa", "stop", "running", "stopping")
    moved(here, "qa", "fail", "stopping", "failed", verdict="interrupted")
    assert "earlier attempt" not in told(here, "qa", 2)


def test_sections_are_replaced_by_name_and_filled_in_once():
    prompts = (("header", "H {{sprint-id}} {{unknown}}"), ("instructions", "I {{phase.id}} {{step.total}}"))
    text = told(sprint(prompts=prompts), "qa")
    assert text.startswith("H 2026-01-18_x {{unknown}}\n")
    assert "I qa 0\n" in text
    assert "## Instructions" not in text


def test_the_shared_context_is_shown_when_it_is_there(tmp_path: Path):
    assert "Shared Context" not in told(sprint(), "qa", directory=tmp_path)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "_shared.md").write_text("We use tabs.")
    assert told(sprint(), "qa", directory=tmp_path).endswith("## Shared Context\nWe use tabs.\n")


def test_all_files_of_shared_context_are_shown_the_common_one_first(tmp_path: Path):
    folder = tmp_path / "context"
    folder.mkdir()
    for name, text in (
        ("_shared-api.md", "One API."),
        ("_shared.md", "Tabs."),
        ("_shared-z.md", " \n"),
        ("x.md", "no"),
    ):
        (folder / name).write_text(text)
    (folder / "_shared-folder.md").mkdir()
    text = told(sprint(), "qa", directory=tmp_path)
    assert text.endswith("## Shared Context\nTabs.\n\n### _shared-api\nOne API.\n")


def test_the_shared_context_is_cut_where_it_is_larger_than_a_prompt_can_be(tmp_path: Path):
    (tmp_path / "context").mkdir()
    for name in ("_shared.md", "_shared-b.md"):
        (tmp_path / "context" / name).write_text("x" * 200_000)
    assert len(told(sprint(), "qa", directory=tmp_path)) < 270_000


def ended(here: Sprint, unit: str, **facts: object) -> None:
    moved(
        here,
        unit,
        "spawn",
        "pending",
        "spawned",
        name="n",
        log=f"logs/{unit.replace('/', '.')}.log",
        task="t",
    )
    moved(here, unit, "start", "spawned", "running")
    moved(here, unit, "succeed", "running", "completed", **facts)


def test_what_came_of_the_phase_before_is_told_in_a_line():
    here = sprint()
    assert "previous" not in told(here, "development/login/implement")
    ended(here, "development/login/implement", summary="Login works.\nTests are green.")
    line = (
        "- previous result, of development/login/implement: Login works. Tests are green."
        " (output: /s/logs/development.login.implement.log)\n"
    )
    assert f"- progress: /s/PROGRESS.yaml\n{line}" in told(here, "qa")
    ended(here, "development/login/update-docs", summary="It is documented.")
    assert "It is documented" not in told(here, "qa"), "the work of the background is nobody's"


def test_what_came_of_a_hook_is_told_to_nobody():
    here = sprint(hooks=(Hook(id="h", leaf=Leaf(id="", path="", prompt="learn")),))
    ended(here, "development/login/implement", summary="Login works.")
    ended(here, "development/login/implement#hook.h", summary="I learnt a lot.")
    assert "Login works. (" in told(here, "qa")
    assert "learnt a lot" not in told(here, "qa")


def test_steps_side_by_side_are_told_of_those_that_they_need_and_of_no_other():
    def step(name: str, *needs: str) -> Group:
        leaf = Leaf(id="do", path=f"dev/{name}/do", prompt=name)
        return Group(id=name, path=f"dev/{name}", level="step", children=(leaf,), depends_on=needs)

    here = Sprint("r", lambda digest: "")
    start = Leaf(id="start", path="start", prompt="begin")
    dev = Group(id="dev", path="dev", level="phase", children=(step("a"), step("b"), step("c", "a")))
    here.plant(Plan(sprint_id="s", phases=(start, dev)))
    ended(here, "start", summary="began")
    ended(here, "dev/a/do", summary="did a")
    ended(here, "dev/b/do", summary="did b")
    assert "of dev/a/do: did a (" in told(here, "dev/c/do")
    assert "of start: began (" in told(here, "dev/b/do")


def test_an_agent_that_prints_its_prompt_has_not_answered_with_the_examples_in_it():
    prompt = told(sprint(), "qa")
    assert result(prompt) is None
    done = '{"status": "completed", "summary": "all of it"}'
    assert result(f"{prompt}\n{done}\n") == ("ok", {"summary": "all of it"})


def test_a_hook_is_told_its_own_prompt_and_of_the_task_before_it_alone():
    text = "$ITERATION_TRANSCRIPT, $ITERATION of $SPRINT_ID after $PHASE_ID; $HOME and {{phase.id}} stay"
    here = sprint(hooks=(Hook(id="learn", leaf=Leaf(id="learn", path="", prompt=text)),))
    path = "development/login/implement"
    moved(here, path, "spawn", "pending", "spawned", name="n", log="logs/n.log")

    assert told(here, f"{path}#hook.learn") == (
        "/s/logs/n.log, 1 of 2026-01-18_x after implement; $HOME and {{phase.id}} stay"
    )
    assert told(here, "qa#hook.learn").startswith("/s/logs/qa.log, 3 of 2026-01-18_x after qa;")


def test_hooks_count_among_no_phases():
    hook = Hook(id="learn", leaf=Leaf(id="learn", path="", run="true"))
    plain = [told(sprint(**more), "qa") for more in ({}, {"hooks": (hook,)})]

    assert plain[0] == plain[1]
    inside = [told(sprint(**more), "development/login/implement") for more in ({}, {"hooks": (hook,)})]
    assert inside[0] == inside[1]
