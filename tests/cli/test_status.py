"""`status`: where a sprint stands, whoever lives and whatever was left."""

from pathlib import Path
from typing import Any

import pytest

from fsm.plan import Gate, Group, Orchestration
from fsm.transition import SPRINT_UNIT
from fsm_sprint.clock import SystemClock
from fsm_sprint.report.glance import lines
from fsm_sprint.report.queue import queued
from fsm_sprint.report.status import status
from fsm_sprint.report.terminal import Ink, cells
from journal.reader import open_reader
from tests.cli.command import Command
from tests.report.scene import NOON, Clock, Scene, leaf


def test_a_sprint_that_was_never_run_says_so(home: Path, fsm_sprint: Command) -> None:
    (home / "SPRINT.yaml").write_text("workflow: x\n")

    assert fsm_sprint("status").out == "this sprint was never run\nnext:  fsm-sprint run  begins\n"
    document = fsm_sprint("status", "--json").document
    assert (document["version"], document["state"], document["run"]) == (1, "not-started", None)
    assert fsm_sprint("status", "--exit-status", check=10)


def test_what_is_no_sprint_is_a_mistake_of_the_command_line(home: Path, fsm_sprint: Command) -> None:
    done = fsm_sprint("status", "elsewhere", check=2)

    assert done.err.startswith("error: there is no directory elsewhere\nhint: ")
    assert fsm_sprint("status", check=2).err.startswith("error: . holds no SPRINT.yaml")


def test_a_completed_sprint(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        for name in "ab":
            scene.spawn(name)
            scene.succeed(name)
        scene.move(SPRINT_UNIT, "complete")
    done = fsm_sprint("status", "--exit-status")

    seq, last = scene.journal.head
    assert done.out.splitlines() == [
        "boat completed after 9.0 s  run run-1",
        f"  {'█' * 30}  2 of 2 tasks done",
        f"  no supervisor  row {seq}, {last[:12]}",
        "next:  fsm-sprint replay  tells what happened",
    ]
    document = fsm_sprint("status", "--json").document
    assert document["head"] == {"seq": seq, "hash": last}
    assert document["tasks"] | {"all": 2, "completed": 2, "pending": 0} == document["tasks"]
    assert document["elapsed_ms"] == 9000


def test_failures_that_were_tolerated_make_the_code_one(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a", parallel=True)).begin() as scene:
        scene.spawn("a", task="a-1705579200")
        scene.fail("a")
        scene.move(SPRINT_UNIT, "complete", {"failed": ["a"]})
    done = fsm_sprint("status", "--exit-status", check=1)

    assert "tolerated failures: a" in done.out.splitlines()
    assert fsm_sprint("status").code == 0


def test_a_running_sprint_shows_its_supervisor_and_what_moves(home: Path, fsm_sprint: Command) -> None:
    group = Group(
        id="g", path="g", level="phase", children=(leaf("g/a"), leaf("g/b"), leaf("g/c")), parallel=True
    )
    with Scene(home, group).begin() as scene:
        scene.move("g", "start")
        scene.spawn("g/a", "working\n")
        scene.spawn("g/b")
        scene.fail("g/b")
        until = SystemClock().now() + 3_600_000
        scene.move("g/b", "delay", {"delay": 3_600_000, "until": until, "why": "back-off", "after": "failed"})
        scene.commit()
        with scene.supervise():
            shown = fsm_sprint("status").out
            document = fsm_sprint("status", "--json").document
            code = fsm_sprint("status", "--exit-status", check=None).code

    assert "  supervisor pid 4711 on here  row 10, " in shown
    assert "0 of 3 tasks done, 1 running, 1 waiting" in shown
    assert "g/a  " in shown
    assert "logs/g.a.log" in shown
    assert ": back-off after failed" in shown
    assert "next:  fsm-sprint logs -f  shows what is printed" in shown
    assert document["supervisor"]["pid"] == 4711
    assert document["alive"] is None
    assert [one["unit"] for one in document["moving"]] == ["g/a"]
    assert document["waiting"][0]["left_ms"] <= 3_600_000
    assert code == 10


def test_a_dead_supervisor_and_its_living_tasks_are_told_with_what_to_type(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, *(leaf(name) for name in "abc")).begin() as scene:
        for name in "abc":
            scene.spawn(name)
        scene.live("a")
        scene.live("b")
        scene.commit()
        shown = fsm_sprint("status").out
        document = fsm_sprint("status", "--json").document

    assert "  supervisor dead, 2 tasks alive  row " in shown
    assert "not alive" in next(line for line in shown.splitlines() if line.startswith("  c "))
    assert "next:  fsm-sprint run   takes over what runs, and goes on" in shown
    assert "       fsm-sprint stop  ends what runs" in shown
    assert document["alive"] == 2
    assert [one["alive"] for one in document["moving"]] == [True, True, False]


@pytest.mark.parametrize(
    ("trigger", "facts", "said", "code"),
    [
        ("block", {"unit": "a", "why": "exit code 3"}, "blocked after 5.0 s", 1),
        ("pause", {"who": "eve", "why": "lunch"}, "paused after 5.0 s", 10),
        ("break", {"unit": "a"}, "paused at a breakpoint after 5.0 s", 10),
        ("ask", {"unit": "a", "why": "which colour?"}, "needs a person after 5.0 s", 10),
        ("cancel", {"who": "eve", "why": "enough"}, "cancelled after 5.0 s", 11),
    ],
)
def test_why_a_sprint_rests(
    home: Path, fsm_sprint: Command, trigger: str, facts: dict[str, str], said: str, code: int
) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a")
        scene.fail("a")
        scene.move(SPRINT_UNIT, trigger, facts, after=0)
    done = fsm_sprint("status", "--exit-status", check=code)

    assert done.out.startswith(f"boat {said}  run run-1\n")
    if "why" in facts:
        assert facts["why"] in done.out.splitlines()[1]
    assert "  a  exit code 3  logs/a.log" in done.out.splitlines()


def test_a_gate_that_gave_up_points_to_the_output_of_its_script(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a", gate=Gate(script="x"))).begin() as scene:
        scene.spawn("a")
        scene.move("a", "verify", attempt=1)
        scene.spawn("a#gate")
        scene.fail("a#gate")
        scene.move("a", "fail", {"verdict": "gate", "error": "gate failed"}, attempt=1)
    document = fsm_sprint("status", "--json").document

    assert [(one["unit"], one["error"], one["log"]) for one in document["failed"]] == [
        ("a", "gate failed", "logs/a+gate.log")
    ]
    assert document["tasks"]["all"] == 1


def test_many_failures_are_counted_and_named_on_request(home: Path, fsm_sprint: Command) -> None:
    names = [f"t{n:02}" for n in range(12)]
    with Scene(home, *map(leaf, names)).begin() as scene:
        for name in names:
            scene.spawn(name)
            scene.fail(name)
    some, every = (fsm_sprint("status", "--json", *more).document for more in ([], ["--all"]))

    assert [one["unit"] for one in some["failed"]] == names[:-6:-1]
    assert "and 7 more; `--all` names them" in fsm_sprint("status").out
    assert len(every["failed"]) == 12
    assert [one["unit"] for one in every["units"]] == ["#sprint", *names]


def test_only_the_latest_of_several_runs_is_shown(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), run="run-1").begin() as scene:
        scene.spawn("a")
        scene.succeed("a")
        scene.move(SPRINT_UNIT, "complete")
    with Scene(home, leaf("b"), run="run-2") as scene:
        scene.at, scene.epoch = NOON + 60_000, 1
        scene.begin()
    document = fsm_sprint("status", "--json").document

    assert (document["run"], document["epoch"], document["tasks"]["pending"]) == ("run-2", 2, 1)
    assert document["began"] == "2024-01-18T12:01:01.000Z"


@pytest.mark.parametrize("width", [20, 30, 50, 100])
def test_no_line_of_lists_is_wider_than_the_terminal(home: Path, width: int) -> None:
    name = f"a-phase-with-a-name-of-{'many-words-' * 6}"
    with Scene(home, leaf(name), leaf("界" * 40)).begin() as scene:
        scene.spawn(name)
        scene.fail(name, error="e" * 300)
        scene.spawn("界" * 40)
        scene.commit()
        with open_reader(scene.paths.journal) as reader:
            document = status(scene.paths, reader, Clock(scene.at))
    shown = list(lines(document, scene.at, width, Ink(wanted=False)))
    listed = [
        line for line in shown if line.startswith("  ") and "row" not in line and "fsm-sprint" not in line
    ]

    assert listed
    assert max(map(cells, listed)) <= width


def test_a_unit_cannot_command_the_terminal_by_its_name(home: Path, fsm_sprint: Command) -> None:
    evil = "a\x1b]52;c;cGF3\x07\u202eb"
    with Scene(home, leaf(evil)).begin() as scene:
        scene.move(evil, "spawn", {"name": "a", "log": "logs/a.log"}, attempt=1)
    done = fsm_sprint("status", "--all")

    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_steps_that_are_proposed_are_shown_until_somebody_has_decided(
    home: Path, fsm_sprint: Command
) -> None:
    steps = [{"prompt": "Test it\nwell"}, {"prompt": "Tell them", "priority": "low", "reasoning": "they ask"}]
    with Scene(home, leaf("a"), orchestration=Orchestration(enabled=True)).begin() as scene:
        scene.spawn("a")
        facts: Any = {"proposed-steps": steps}
        scene.succeed("a", **facts)
        one, two = scene.sprint.proposed
        scene.commit()
        shown = fsm_sprint("status").out
        document = fsm_sprint("status", "--json").document
        scene.move(SPRINT_UNIT, "request", {"id": "q", "unit": one, "answer": f"{one} is rejected"})
        scene.commit()
        later = fsm_sprint("status", "--json").document
        quick = [found.id for found in queued(open_reader(scene.paths.journal), "run-1")]
        assert quick == list(scene.sprint.proposed) == [two]

    assert f"proposed\n  {one}  Test it well (by a)\n  {two}  Tell them (by a)\n" in shown
    assert f"fsm-sprint approve {one}  adds the step that was proposed" in shown
    assert [found["id"] for found in document["proposed"]] == [one, two]
    assert later["proposed"] == [
        {"id": two, "by": "a", "prompt": "Tell them", "reasoning": "they ask", "priority": "low"}
    ]


def test_where_steps_are_taken_in_without_asking_nothing_is_queued(home: Path, fsm_sprint: Command) -> None:
    with Scene(
        home, leaf("a"), orchestration=Orchestration(enabled=True, auto_approve=True)
    ).begin() as scene:
        scene.spawn("a")
        facts: Any = {"proposed-steps": [{"prompt": "Test it"}]}
        scene.succeed("a", **facts)

    assert fsm_sprint("status", "--json").document["proposed"] == []


def test_a_cancelled_sprint_in_which_something_still_runs_is_to_be_stopped(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.live("a")
        scene.move(SPRINT_UNIT, "cancel", {"who": "eve", "why": "enough"})
        scene.commit()
        shown = fsm_sprint("status").out

    assert shown.endswith("next:  fsm-sprint stop  ends what still runs\n")
