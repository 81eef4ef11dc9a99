"""`simulate`: a rehearsal is told like a run, kept like a run, and touches nothing."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.compiler.sprints import write

SPRINT = """\
workflow: main
sprint-id: boat
collections:
  part:
    - {id: one, prompt: The first}
    - {id: two, prompt: The second}
"""
MAIN = """\
name: main
schema-version: "2.0"
phases:
  - id: parts
    for-each: part
    workflow: part
  - id: report
    run: touch reported
"""
PART = """\
name: part
schema-version: "2.0"
phases:
  - id: make
    prompt: "{{item.prompt}}"
    gate: {script: touch checked, on-fail: {prompt: mend}}
  - id: test
    run: touch tested
"""


@pytest.fixture
def sprint(home: Path) -> Path:
    return write(home, SPRINT, main=MAIN, part=PART)


@pytest.fixture
def script(tmp_path: Path):
    def made(text: str) -> Path:
        file = tmp_path / "outcomes.yaml"
        file.write_text(text)
        return file

    return made


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def test_a_rehearsal_is_told_like_a_run_and_says_what_it_was(sprint, fsm_sprint: Command, script):
    rules = script("- {unit: '**/make', takes: 10m}\n- {unit: '**#gate', takes: 5}\n- {takes: 1m}\n")
    done = fsm_sprint("simulate", "--script", rules)

    assert done.out.splitlines() == [
        "   0:00  boat  supervisor 1 began",
        "   0:00  parts/one/make  started",
        "  10:00  parts/one/make  ended well after 10m 00s; now its gate has to pass",
        "  10:05  parts/one/make  completed: its gate has passed",
        "  10:05  parts/one/test  started",
        "  11:05  parts/one/test  completed after 1m 00s",
        "  11:05  parts/two/make  started",
        "  21:05  parts/two/make  ended well after 10m 00s; now its gate has to pass",
        "  21:10  parts/two/make  completed: its gate has passed",
        "  21:10  parts/two/test  started",
        "  22:10  parts/two/test  completed after 1m 00s",
        "  22:10  report  started",
        "  23:10  report  completed after 1m 00s",
        "  23:10  boat  completed: every phase ended well",
        "boat completed in 23m 10s",
        "  5 of 5 tasks done",
        "  rehearsed: 7 attempts; nothing was executed",
    ]
    assert done.err == ""


def test_nothing_is_executed_and_nothing_written(sprint, fsm_sprint: Command, monkeypatch):
    before = everything(sprint)

    def refused(*_: object) -> None:
        raise AssertionError("a rehearsal starts nothing")

    for name in ("fork", "posix_spawn", "execve", "system"):
        monkeypatch.setattr(os, name, refused)
    fsm_sprint("simulate", "--crash-every-row")

    assert everything(sprint) == before


def test_the_exit_code_is_the_one_that_run_would_give(sprint, fsm_sprint: Command, script):
    fsm_sprint("simulate", "--script", script("- {unit: report, ends: failed}\n"), check=1)
    fsm_sprint("simulate", "--script", script("- {unit: '**/make', ends: needs-human}\n"), check=10)
    fsm_sprint("simulate", "--script", script("- {ask: pause, at: 1}\n"), check=10)
    fsm_sprint("simulate", "--script", script("- {ask: cancel, at: 1}\n"), check=11)
    fsm_sprint("simulate", "--script", script("- {unit: nobody}\n"), check=3)
    assert "Cannot read .: it is a directory" in fsm_sprint("simulate", "--script", ".", check=3).err


def test_many_rehearsals_end_with_the_code_of_the_first_that_was_not_completed(
    sprint, fsm_sprint: Command, script
):
    done = fsm_sprint(
        "simulate",
        "--runs",
        "40",
        "--script",
        script("- {unit: report, chance: 0.2, ends: code 3}\n"),
        check=1,
    )

    assert done.out.startswith("40 rehearsals, seeds 0 to 39\n  completed ")
    assert "  blocked: report " in done.out
    assert "  failed: report: in " in done.out


def test_many_rehearsals_are_summed_up(sprint, fsm_sprint: Command, script):
    rules = script("- {unit: '**/make', takes: [1m, 2m], cost-usd: 0.5, tokens: 10}\n- takes: 1m\n")
    found = fsm_sprint("simulate", "--runs", "20", "--seed", "5", "--script", rules, "--json").document

    assert found["runs"] == 20
    assert [one["seed"] for one in found["each"]] == list(range(5, 25))
    assert found["ends"] == {"completed": 20}
    assert found["cost_usd"] == {"least": 1.0, "median": 1.0, "p90": 1.0, "most": 1.0}
    assert found["tokens"]["median"] == 20
    walls = sorted(one["wall_ms"] for one in found["each"])
    assert found["wall_ms"] == {"least": walls[0], "median": walls[9], "p90": walls[17], "most": walls[-1]}
    assert found["rows"] is None


def test_crashes_at_every_row_come_to_the_same_end(sprint, fsm_sprint: Command):
    done = fsm_sprint("simulate", "--crash-every-row")
    found = fsm_sprint("simulate", "--crash-every-row", "--json").document

    assert found["crashes"] > 40
    assert done.out.endswith(f"  {found['crashes']} crashes, same end\n")


def test_another_end_for_no_reason_is_a_fault_with_its_story(sprint, fsm_sprint: Command, monkeypatch):
    monkeypatch.setattr("fsm_sprint.rehearsals.differences", lambda calm, crashed: ["report is failed"])
    done = fsm_sprint("simulate", "--crash-every-row", check=1)

    assert "error: seed 0: with crashes it came to another end: report is failed" in done.err
    assert "row " in done.err
    assert "hint: this is a fault of fsm-sprint" in done.err


def test_another_end_because_of_another_order_is_told_as_that(home, fsm_sprint: Command, script):
    """The mutex goes to the one in the background when a crash takes it from the other before it began."""
    beside = """\
name: main
schema-version: "2.0"
phases:
  - id: parts
    for-each: part
    parallel: true
    workflow: part
"""
    part = """\
name: part
schema-version: "2.0"
phases:
  - {id: make, run: make, exclusive: tree}
  - {id: docs, run: docs, parallel: true}
"""
    other = part.replace("make, exclusive: tree", "make").replace("true}", "true, exclusive: tree}")
    text = SPRINT.replace("prompt: The second}", "prompt: The second, workflow: other}")
    write(home, text, main=beside, part=part, other=other.replace("  - {id: make, run: make}\n", ""))
    rules = script("- {takes: 1m}\n- {ask: cancel, at: 30}\n")

    done = fsm_sprint("simulate", "--script", rules, "--crash-every-row", check=1)

    assert "with crashes it came to another end" in done.err
    assert "hint: the tasks were started in another order" in done.err


def test_what_is_kept_is_a_journal_like_any_other(sprint, fsm_sprint: Command, tmp_path: Path):
    kept = tmp_path / "kept"
    fsm_sprint("simulate", "--keep", kept)

    assert fsm_sprint("status", kept, "--json").document["state"] == "completed"
    assert "completed: every phase ended well" in fsm_sprint("replay", kept).out
    assert "all of it is whole" in fsm_sprint("verify", kept).out
    assert "the sprint is completed" in fsm_sprint("explain", kept).out
    assert "parts.one.make" in fsm_sprint("diagram", "run", kept).out
    assert "is not there" in fsm_sprint("logs", kept).err
    rebuilt = fsm_sprint("replay", kept, "--rebuild", "-o", "-").out
    assert rebuilt == (kept / "PROGRESS.yaml").read_text()


def test_what_is_kept_and_what_is_not_are_the_same_rows(sprint, fsm_sprint: Command, tmp_path: Path):
    kept, again = tmp_path / "kept", tmp_path / "again"
    told = fsm_sprint("simulate", "--json", "--seed", "3").document["rows"]
    fsm_sprint("simulate", "--keep", kept, "--seed", "3")
    fsm_sprint("simulate", "--keep", again, "--seed", "3")
    rows = [fsm_sprint("replay", place, "--json").document["rows"] for place in (kept, again)]

    assert rows[0] == rows[1]
    assert [{key: row[key] for key in told[0]} for row in rows[0]] == told


def test_crashes_are_kept_too(sprint, fsm_sprint: Command, tmp_path: Path):
    kept = tmp_path / "kept"
    fsm_sprint("simulate", "--crash-every-row", "--keep", kept)

    assert "all of it is whole" in fsm_sprint("verify", kept).out
    assert fsm_sprint("replay", kept, "--json").document["summary"]["supervisors"] > 40


@pytest.mark.parametrize("words", [["run"], ["stop"], ["skip", "report"]])
def test_nobody_goes_on_with_a_rehearsal(sprint, fsm_sprint: Command, script, tmp_path: Path, words):
    kept = tmp_path / "kept"
    fsm_sprint("simulate", "--keep", kept, "--script", script("- {unit: report, ends: failed}\n"), check=1)
    done = fsm_sprint(*words[:1], kept, *words[1:], check=4)

    assert "holds a rehearsal: nothing of it was ever run" in done.err


def test_a_rehearsal_is_kept_in_a_directory_of_its_own(sprint, fsm_sprint: Command, tmp_path: Path):
    fsm_sprint("simulate", "--keep", tmp_path / "new" / "one")
    (tmp_path / "file").touch()

    for place in (sprint, tmp_path / "new" / "one", tmp_path / "file"):
        assert "is no empty directory" in fsm_sprint("simulate", "--keep", place, check=2).err
    assert "--keep keeps one" in fsm_sprint("simulate", "--keep", "x", "--runs", "2", check=2).err


def test_what_nothing_came_of_is_said(sprint, fsm_sprint: Command, script):
    rules = script(
        "- {unit: report, try: 2, ends: failed}\n- {ask: stop, at: 30d}\n- {unit: report, chance: 0.001}\n"
    )
    done = fsm_sprint("simulate", "--script", rules)

    assert done.err.splitlines() == [
        "note: line 1: the rule about report never counted",
        "note: the stop at 720:00:00 never came: the sprint had come to its end",
    ]


def test_a_mistake_in_the_sprint_is_told_as_ever(home, fsm_sprint: Command):
    (home / "SPRINT.yaml").write_text("workflow: nothing\n")

    assert "MAIN_WORKFLOW_NOT_FOUND" in fsm_sprint("simulate", check=3).err


def test_a_sprint_without_a_date_is_the_same_on_any_day(home, fsm_sprint: Command):
    write(home, SPRINT.replace("sprint-id: boat\n", ""), main=MAIN, part=PART)

    assert fsm_sprint("simulate", "--json").document["sprint"] == "2000-01-01_sprint"


def test_the_examples_script_holds_for_its_example(fsm_sprint: Command):
    example = Path(__file__).parents[2] / "examples" / "agent-feature"
    done = fsm_sprint("simulate", example, "--script", example / "outcomes.yaml", "--runs", "20", check=None)

    assert done.code in (0, 1)
    assert done.err == ""
    assert json.loads(fsm_sprint("simulate", example, "--json").out)["ends"] == {"completed": 1}
