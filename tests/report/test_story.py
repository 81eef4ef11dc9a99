"""What happened, in words."""

import pytest

from fsm.plan import Gate, Group
from fsm.tables import TABLES
from fsm.transition import SPRINT_UNIT, Transition
from fsm_sprint.report.ending import ending, took
from fsm_sprint.report.history import History
from fsm_sprint.report.sentences import SENTENCES
from fsm_sprint.report.story import Narrator
from journal.reader import open_reader
from tests.report.scene import Scene, leaf

ROWS = [(machine, row) for machine, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(("machine", "row"), ROWS, ids=lambda value: getattr(value, "trigger", value))
def test_every_row_of_every_table_has_a_sentence_without_facts_and_with_strange_ones(machine, row):
    assert (machine, row.trigger) in SENTENCES
    for facts in (
        "",
        '{"why":"a\\u001b[2Jb","until":5,"verdict":"odd","failed":["x"],"n":[1,{}],"elapsed-ms":3}',
    ):
        move = Transition(2, "r", 1, 1000, "a#gate", machine, row.trigger, row.source, row.dest, 1, facts)
        text = Narrator().tell(move).text

        assert text
        assert text.isprintable()
        assert "None" not in text


def test_no_sentence_is_for_a_trigger_that_does_not_exist():
    assert set(SENTENCES) == {(str(machine), row.trigger) for machine, row in ROWS}


def test_a_move_of_a_later_version_is_told_plainly():
    row = Transition(1, "r", 1, 0, "a", "task", "teleport", "pending", "mars", 1, '{"why":"fun"}')

    assert Narrator().tell(row).text == "teleport: pending → mars (why fun)"


def told(scene: Scene) -> list[str]:
    with open_reader(scene.paths.journal) as reader:
        return [f"{one.unit}: {one.text}" for one in History(reader, scene.sprint.run).tell()]


def test_a_task_is_told_from_its_first_attempt_to_its_end(tmp_path):
    with Scene(tmp_path, leaf("build")).begin() as scene:
        scene.spawn("build")
        scene.fail("build")
        scene.move(
            "build",
            "delay",
            {"delay": 30_000, "until": scene.at + 30_000, "why": "back-off", "after": "failed"},
        )
        scene.move("build", "wake")
        scene.spawn("build", attempt=2)
        scene.succeed("build", attempt=2, summary="all is built")
        scene.move(SPRINT_UNIT, "complete")
        scene.commit()
        story = told(scene)

    assert story[3:6] == [
        "build: attempt 1 prepared, output in logs/build.log",
        "build: started",
        "build: failed after 1.0 s: exit code 3",
    ]
    assert story[6].startswith("build: waits 30 s, until ")
    assert story[6].endswith(": back-off after failed")
    assert story[-3:] == [
        "build: attempt 2 started",
        "build: completed after 1.0 s: all is built",
        "boat: completed: every phase ended well",
    ]


def test_a_crash_and_what_survived_it_are_told(tmp_path):
    with Scene(tmp_path, leaf("a"), leaf("b")).begin(pid=100) as scene:
        scene.spawn("a")
        scene.at += 30_000
        scene.lease(pid=200)
        scene.move("a", "adopt", attempt=1)
        scene.succeed("a")
        scene.commit()
        story = told(scene)
        with open_reader(scene.paths.journal) as reader:
            history = History(reader, "run-1")
            list(history.tell())
            summary = history.summary()

    assert story[1] == "boat: supervisor 1 (pid 100 on here) began"
    assert story[5] == (
        "boat: supervisor 2 (pid 200 on here) took over (epoch 2), 31 s after the last row of supervisor 1,"
        " which had ended while 1 task ran; adopted 1 task"
    )
    assert story[6] == "a: attempt 1 was found alive by supervisor 2 and goes on"
    assert (summary["crashes"], summary["supervisors"], summary["adopted"]) == (1, 2, 1)


def test_who_came_to_do_what_was_asked_and_left_is_no_crash(tmp_path):
    with Scene(tmp_path, leaf("a")).begin(pid=100) as scene:
        scene.move(SPRINT_UNIT, "block", {"why": "spent", "kind": "budget"})
        scene.lease(pid=200, passing=True)
        scene.move(SPRINT_UNIT, "retry", {"budget": {"cost-usd": 2}})
        scene.lease(pid=300)
        scene.commit()
        with open_reader(scene.paths.journal) as reader:
            history = History(reader, "run-1")
            list(history.tell())
            assert (history.summary()["crashes"], history.summary()["supervisors"]) == (0, 3)


def test_work_that_is_not_done_again_is_not_said_to_have_ended_again(tmp_path):
    gate = Gate(script="make check", prompt="mend it", tries=1)
    with Scene(tmp_path, leaf("a", gate=gate)).begin() as scene:
        scene.spawn("a")
        scene.move("a", "verify", {"code": 0, "elapsed-ms": 400}, attempt=1)
        scene.spawn("a#gate")
        scene.fail("a#gate")
        scene.move("a", "fail", {"verdict": "gate"}, attempt=1)
        scene.move("a", "retry", {}, attempt=1)
        scene.move("a", "verify", {}, attempt=1)
        scene.commit()
        assert told(scene)[-1] == "a: its gate is tried again; the work stays as it is"


def test_the_rounds_of_a_gate_are_counted(tmp_path):
    gate = Gate(script="make check", prompt="mend it", tries=2)
    with Scene(tmp_path, leaf("a", gate=gate)).begin() as scene:
        scene.spawn("a")
        scene.move("a", "verify", {"code": 0, "elapsed-ms": 400}, attempt=1)
        scene.spawn("a#gate")
        scene.fail("a#gate")
        scene.spawn("a#fix")
        scene.succeed("a#fix")
        scene.move("a#gate", "retry", {"by": "gate"}, attempt=1)
        scene.spawn("a#gate", attempt=2)
        scene.fail("a#gate", attempt=2)
        scene.move("a", "fail", {"verdict": "gate", "error": "gate failed after 2 of 2 tries"}, attempt=1)
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "gate failed after 2 of 2 tries"})
        scene.commit()
        story = told(scene)

    assert "a: ended well after 0.4 s; now its gate has to pass" in story
    assert "a#gate: check failed after 1.0 s, for the 1st time: exit code 3" in story
    assert "a#gate: check failed after 1.0 s, for the 2nd time: exit code 3" in story
    assert "a: failed: gate failed after 2 of 2 tries" in story
    assert story[-1] == "boat: blocked: a: gate failed after 2 of 2 tries"


def test_groups_requests_and_stops_are_told(tmp_path):
    group = Group(id="g", path="g", level="phase", children=(leaf("g/a"),))
    with Scene(tmp_path, group).begin() as scene:
        scene.move("g", "start")
        scene.spawn("g/a")
        scene.move(
            SPRINT_UNIT,
            "request",
            {"id": "1", "verb": "stop", "who": "eve", "why": "lunch", "answer": "stopping 1 tasks"},
        )
        scene.move(SPRINT_UNIT, "pause", {"who": "eve", "why": "lunch"})
        scene.move("g/a", "stop", {"verb": "stop", "who": "eve", "why": "lunch", "kill-at": 1}, attempt=1)
        scene.fail("g/a", verdict="interrupted", signal="SIGTERM")
        scene.commit()
        story = told(scene)

    assert story[-4:] == [
        "boat: asked to stop by eve: lunch; answer: stopping 1 tasks",
        "boat: paused by eve: lunch",
        "g/a: attempt 1 is being stopped by eve: lunch",
        "g/a: interrupted after 4.0 s; it costs no try, and the next run starts it again",
    ]


def test_an_end_says_what_is_known_and_nothing_else():
    assert ending({"code": 3, "error": "exit code 3"}) == "exit code 3"
    assert ending({"code": 3, "error": "no such file"}) == "exit 3: no such file"
    assert ending({"signal": "SIGKILL", "error": "killed by SIGKILL"}) == "killed by SIGKILL"
    assert ending({"verdict": "lost"}) == "lost: nobody can know how it ended"
    assert ending({"verdict": "odd"}) == "odd"
    assert ending({"verdict": "failed", "code": 2}) == "exit 2"
    assert ending({}) == ""
    assert took({}, None, 5) == ""
    assert took({}, 1_000, 3_000) == "2.0 s"
