"""`logs`: which output is shown, and how."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsm.plan import Gate, Group
from fsm.transition import SPRINT_UNIT
from fsm_sprint.paths import errors_of
from fsm_sprint.report.attempts import chosen
from fsm_sprint.report.follow import Follower
from fsm_sprint.report.log import Shown
from journal.reader import open_reader
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

GROUP = Group(
    id="dev", path="dev", level="phase", children=(leaf("dev/make", gate=Gate(script="x")), leaf("dev/test"))
)


def two_tasks(home: Path) -> None:
    with Scene(home, GROUP, leaf("last")).begin() as scene:
        scene.move("dev", "start")
        scene.spawn("dev/make", "made\n")
        scene.move("dev/make", "verify", attempt=1)
        scene.spawn("dev/make#gate", "checked\n")
        scene.succeed("dev/make#gate")
        scene.move("dev/make", "succeed", attempt=1)
        scene.spawn("dev/test", "tested badly\n")
        scene.fail("dev/test")
        scene.move("dev/test", "retry", {"by": "run"}, attempt=1)
        scene.spawn("dev/test", "tested\nwell\n", attempt=2)
        scene.succeed("dev/test", attempt=2)
        scene.move(SPRINT_UNIT, "pause", {})


def test_without_a_unit_what_ran_last_is_shown(home: Path, fsm_sprint: Command) -> None:
    two_tasks(home)

    assert fsm_sprint("logs").out == "tested\nwell\n"
    assert fsm_sprint("logs", home, cwd=home.parent).out == "tested\nwell\n"


def test_without_a_unit_what_runs_is_shown_each_under_its_name(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), leaf("b"), leaf("c")).begin() as scene:
        scene.spawn("c", "over\n")
        scene.succeed("c")
        scene.spawn("a", "one\n")
        scene.spawn("b", "two, unfinished")

    assert fsm_sprint("logs").out == "==> a <==\none\n\n==> b <==\ntwo, unfinished\n"


@pytest.mark.parametrize("name", ["dev/test", "test", "/dev/test/", "dev/test/"])
def test_a_unit_is_named_by_its_path_or_its_end(home: Path, fsm_sprint: Command, name: str) -> None:
    two_tasks(home)

    assert fsm_sprint("logs", name).out == "tested\nwell\n"
    assert fsm_sprint("logs", home, name, cwd=home.parent).out == "tested\nwell\n"


def test_earlier_attempts_and_last_lines(home: Path, fsm_sprint: Command) -> None:
    two_tasks(home)

    assert fsm_sprint("logs", "test", "--attempt", "1").out == "tested badly\n"
    assert fsm_sprint("logs", "test", "-n", "1").out == "well\n"
    assert fsm_sprint("logs", "test", "-n", "0").out == ""
    done = fsm_sprint("logs", "test", "--attempt", "3", check=2)
    assert done.err == "error: dev/test had no attempt 3\nhint: it has had 1, 2\n"
    assert fsm_sprint("logs", "--attempt", "1", check=2).err.startswith("error: --attempt needs a UNIT")


def test_a_task_is_shown_with_its_gate_and_a_phase_with_all_in_it(home: Path, fsm_sprint: Command) -> None:
    two_tasks(home)

    assert fsm_sprint("logs", "make").out == "==> dev/make <==\nmade\n\n==> dev/make#gate <==\nchecked\n"
    assert fsm_sprint("logs", "make#gate").out == "checked\n"
    assert fsm_sprint("logs", "dev").out.count("==>") == 3
    assert fsm_sprint("logs", "last").err == "nothing of last was started yet\n"


def test_a_parallel_task_is_found_by_its_id(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("docs", parallel=True), leaf("b")).begin() as scene:
        scene.spawn("docs", "written\n", task="docs-1705579205")

    assert fsm_sprint("logs", "docs-1705579205").out == "written\n"


def test_a_name_that_is_nearly_right_is_answered_with_what_was_meant(home: Path, fsm_sprint: Command) -> None:
    two_tasks(home)
    done = fsm_sprint("logs", "tset", check=2)

    assert done.err == "error: no unit of this run is called 'tset'\nhint: did you mean dev/test?\n"
    assert "`fsm-sprint status --all` lists them" in fsm_sprint("logs", "xyzzy", check=2).err


def test_a_name_that_may_be_several_is_refused(home: Path, fsm_sprint: Command) -> None:
    groups = [Group(id=g, path=g, level="phase", children=(leaf(f"{g}/test"),)) for g in "ab"]
    with Scene(home, *groups).begin():
        pass

    assert "say which: a/test, b/test" in fsm_sprint("logs", "test", check=2).err


def test_output_is_made_harmless_unless_raw(home: Path, fsm_sprint: Command) -> None:
    token = "ghp" + "_" + "Ab1" * 12
    raw = f"\x1b[31mred\x1b[0m \x1b]52;c;cGF3\x07 {token}\n".encode() + b"\xff\n"
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a", raw)

    assert fsm_sprint("logs").out == "red  [redacted]\n\ufffd\n"
    done = subprocess.run(
        [sys.executable, "-m", "fsm_sprint", "logs", "--raw", str(home)],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout == raw


def test_what_an_agent_printed_on_stderr_is_beside(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        log = scene.spawn("a", "out\n")
        errors_of(log).write_text("err\n")

    assert fsm_sprint("logs", "--stderr").out == "err\n"


def test_a_log_that_was_removed_is_said(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a").unlink()

    done = fsm_sprint("logs")
    assert (done.out, done.err) == ("", "logs/a.log is not there (any more)\n")


def test_before_the_first_run_there_is_nothing(home: Path, fsm_sprint: Command) -> None:
    (home / "SPRINT.yaml").write_text("workflow: x\n")

    assert (
        fsm_sprint("logs", check=2).err == "error: nothing was ever run here\nhint: `fsm-sprint run` begins\n"
    )


class Script:
    """What happens while somebody follows: a step at each pause."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.shown: list[tuple[str, int, str]] = []
        self._texts: dict[tuple[str, int], Shown] = {}

    def show(self, output: object, block: bytes) -> None:
        key = output.unit, output.attempt  # type: ignore[attr-defined]
        text = self._texts.setdefault(key, Shown())
        said = text.feed(block) if block else text.close() + "(end)"
        self.shown.append((*key, said))

    def wait(self) -> bool:
        if not self.steps:
            return False
        self.steps.pop(0)()  # type: ignore[operator]
        return True


def follow(scene: Scene, script: Script, target: str | None = None, lines: int | None = None) -> str:
    scene.commit()
    with open_reader(scene.paths.journal) as reader:
        unit = reader.unit("run-1", target) if target else None
        known = chosen(reader, "run-1", unit, None)
        return Follower(scene.paths, reader, "run-1", target).follow(known, lines, script.show, script.wait)


def test_a_task_is_followed_across_its_attempts_to_its_end(home: Path) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene, scene.supervise():
        log = scene.spawn("a", "old\nnew\n")

        def fails() -> None:
            with log.open("a") as file:
                file.write("last\n")
            scene.fail("a")
            scene.move("a", "delay", {"delay": 1, "until": scene.at, "why": "back-off"})
            scene.commit()

        def again() -> None:
            scene.move("a", "wake")
            scene.spawn("a", "second\n", attempt=2)
            scene.spawn("b", "another's\n")
            scene.commit()

        def done() -> None:
            scene.succeed("a", attempt=2)
            scene.commit()

        script = Script(fails, again, done)
        assert follow(scene, script, "a", lines=1) == ""

    assert script.shown == [
        ("a", 1, "new\n"),
        ("a", 1, "last\n"),
        ("a", 1, "(end)"),
        ("a", 2, "second\n"),
        ("a", 2, "(end)"),
    ]


def test_a_task_that_lasts_less_than_a_look_is_not_missed(home: Path) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene, scene.supervise():

        def everything() -> None:
            for name in "ab":
                scene.spawn(name, f"{name}!\n")
                scene.succeed(name)
            scene.move(SPRINT_UNIT, "complete")
            scene.commit()

        script = Script(everything)
        assert follow(scene, script) == ""

    assert [said for *_, said in script.shown] == ["a!\n", "(end)", "b!\n", "(end)"]


def test_following_ends_when_nobody_is_left_who_could_go_on(home: Path) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a", "half\n")
        script = Script(*[lambda: None] * 50)

        assert follow(scene, script, "a") == "its supervisor is dead, and nothing of it runs"
    assert script.shown == [("a", 1, "half\n"), ("a", 1, "(end)")]


def test_an_orphan_is_followed_as_long_as_it_lives(home: Path) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        log = scene.spawn("a", "half\n")
        scene.live("a")

        def prints() -> None:
            log.write_text("half\nwhole\n")

        def dies() -> None:
            while scene.held:
                os.close(scene.held.pop())

        script = Script(*[prints] * 30, dies, *[lambda: None] * 30)
        assert follow(scene, script, "a") != ""

    assert ("a", 1, "whole\n") in script.shown


def test_what_is_over_is_shown_and_not_waited_for(home: Path, fsm_sprint: Command) -> None:
    two_tasks(home)

    assert fsm_sprint("logs", "-f", "test").out == "tested\nwell\n"
    assert fsm_sprint("logs", "-f").out == "==> dev/test (attempt 2) <==\ntested\nwell\n"


def test_a_reader_that_leaves_ends_the_following(home: Path) -> None:
    with Scene(home, leaf("a")).begin() as scene, scene.supervise():
        scene.spawn("a", "here\n")
        scene.commit()
        command = [sys.executable, "-m", "fsm_sprint", "logs", "-f", str(home)]
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"==> a <==\n"
        process.stdout.close()
        process.wait(timeout=20)
        said = process.stderr.read()
        process.stderr.close()

    assert (process.returncode, said) == (0, b"")


def test_the_stream_of_an_agent_is_told_in_words_and_its_events_with_raw(
    home: Path, fsm_sprint: Command
) -> None:
    token = "ghp" + "_" + "Ab1" * 12
    text = {"type": "text", "text": f"\x1b[31mRed {token}\x1b[0m\nTwo"}
    events = [
        {"type": "system", "subtype": "init", "session_id": "s1", "model": "m1"},
        {"type": "assistant", "session_id": "s1", "message": {"content": [text]}},
    ]
    raw = "".join(json.dumps(event) + "\n" for event in events)
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a", raw)
        errors_of(scene.paths.logs / "a.log").write_text("complaints\n")
        scene.succeed("a")
        scene.spawn("b", raw)

    assert fsm_sprint("logs", "a").out == "* session s1, m1\nRed [redacted]\nTwo\n"
    assert fsm_sprint("logs", "a", "-n", "2").out == "Red [redacted]\nTwo\n"
    assert fsm_sprint("logs", "a", "--raw").out == raw
    assert fsm_sprint("logs", "a", "--stderr").out == "complaints\n"
    assert fsm_sprint("logs", "b").out.startswith('{"type": "system"')
