"""`check`: what a plan can come to, beside what is wrong with its files."""

from pathlib import Path

import pytest

from compiler import pipeline
from fsm.plan import Leaf, Plan
from tests.cli.command import Command

IMPOSSIBLE = Plan(sprint_id="boat", phases=(Leaf(id="a", path="a", run="true", timeout=30.0),), concurrency=0)
"""What no file can say as things are."""

SPRINT = "sprint-id: boat\nworkflow: boat\n"


@pytest.fixture
def boat(home: Path):
    """Writes the sprint's workflow."""
    (home / "SPRINT.yaml").write_text(SPRINT)
    folder = home / ".claude" / "workflows"
    folder.mkdir(parents=True)

    def write(phases: str) -> None:
        (folder / "boat.yaml").write_text(f'name: boat\nschema-version: "2.0"\nphases:\n{phases}')

    return write


def test_a_good_plan_is_told_in_few_lines(boat, fsm_sprint: Command) -> None:
    boat("  - {id: a, run: 'true', timeout: 30s}\n  - {id: b, run: 'true', timeout: 60}\n")

    assert fsm_sprint("check").out.splitlines() == [
        "ok, 2 phases, 2 units, 2 tasks",
        "at most: 2 attempts, 1m 30s one after the other",
        "played: all going well, and each task failing and tried again: the sprint comes to its end",
        "not covered: what tasks do, how long people and usage limits are waited for, what a person sets going again",
    ]


def test_few_findings_are_told_one_by_one_with_how_to_mend_them(boat, fsm_sprint: Command) -> None:
    boat("  - {id: a, run: 'true'}\n  - {id: b, run: 'true', idle-timeout: 60}\n")
    said = fsm_sprint("check").out

    assert "note: a: no timeout: it may run for ever; set `timeout: 30m`\n" in said
    assert "note: b: no timeout: it may run for as long as it prints something; set `timeout: 30m`\n" in said
    assert "no bound on time" in said


def test_many_findings_of_a_kind_are_counted(boat, fsm_sprint: Command) -> None:
    boat(
        "".join(f"  - {{id: p{number}, run: 'true'}}\n" for number in range(12))
        + "  - {id: z, run: x, timeout: 5}\n"
    )
    said = fsm_sprint("check").out

    assert "note: 12 of 13 tasks have no timeout and may run for ever: p0, p1, p2 and 9 more; set" in said
    assert said.count("note:") == 1
    assert len(fsm_sprint("check", "--json").document["findings"]) == 12


def test_prompts_are_counted_and_their_cost_is_unknown_without_a_budget(boat, fsm_sprint: Command) -> None:
    boat("  - {id: a, prompt: do it, timeout: 1h, retry: {max-attempts: 2}}\n")
    document = fsm_sprint("check", "--json").document

    assert (
        "at most: 2 attempts (2 of an agent), 2h 00m one after the other, no bound on cost\n"
        in fsm_sprint("check").out
    )
    assert document["at_most"]["cost_usd"] is None
    assert document["at_most"]["units"] == [
        {"unit": "a", "attempts": 2, "prompts": 2, "time_ms": 7_200_000, "cost_usd": None, "tokens": None}
    ]


def test_a_plan_that_can_never_be_completed_is_an_error(
    boat, fsm_sprint: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    boat("  - {id: a, run: 'true', timeout: 30s}\n")
    monkeypatch.setattr(pipeline, "compile_sprint", lambda *_, **__: pipeline.Compiled(plan=IMPOSSIBLE))
    said = fsm_sprint("check", check=3)

    assert said.out == ""
    assert "error: no task may run: concurrency is 0\nhint: set `concurrency: 1` or more\n" in said.err
    document = fsm_sprint("check", "--json", check=3).document
    assert (document["valid"], document["played"]["unreached"]) == (False, ["a"])


def test_what_is_wrong_with_the_files_comes_first_and_alone(boat, fsm_sprint: Command) -> None:
    boat("  - {id: a}\n")
    done = fsm_sprint("check", "--json", check=3).document

    assert done["diagnostics"]
    assert "findings" not in done


def test_check_executes_nothing(boat, home: Path, fsm_sprint: Command) -> None:
    boat("  - id: a\n    run: touch ran\n    gate: {script: touch ran}\n")
    before = sorted(path.name for path in home.rglob("*"))
    fsm_sprint("check")

    assert sorted(path.name for path in home.rglob("*")) == before
