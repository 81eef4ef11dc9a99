"""A run shown while it goes on: on pipes, on terminals, and on terminals that break."""

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm.plan import Gate
from fsm.transition import SPRINT_UNIT
from fsm_sprint.report.console import Console
from fsm_sprint.report.publishers import Publishers
from fsm_sprint.report.screen import screen
from fsm_sprint.report.terminal import plain
from tests.report.scene import NOON, Clock, Scene, leaf


class Terminal:
    """Both ends of a terminal of a given size."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.ours, theirs = pty.openpty()
        self.resize(columns, lines)
        self.stream = os.fdopen(theirs, "w", encoding="utf-8")
        self.said = b""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self) -> str:
        """What was written since the last time, as it came."""
        os.set_blocking(self.ours, False)
        found = b""
        try:
            while block := os.read(self.ours, 65536):
                found += block
        except BlockingIOError:
            pass
        self.said += found
        return found.decode()

    def frame(self) -> list[str]:
        """The lines of what was written since the last time, without what moves the cursor."""
        return [line for line in plain(self.read()).split("\n") if line.strip()]

    def hang_up(self) -> None:
        os.close(self.ours)
        self.ours = -1

    def close(self) -> None:
        if self.ours >= 0:
            self.hang_up()
        self.stream.close()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def publish(console: Console, scene: Scene, *, resting: bool = False) -> float | None:
    return console.publish(scene.commit(), resting=resting)


def test_on_a_pipe_each_thing_that_matters_is_one_line(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path_factory.mktemp("elsewhere") / "and" / "further"
    far.mkdir(parents=True)
    monkeypatch.chdir(far)  # from afar, a sprint is named by its whole path
    stream = io.StringIO()
    with Scene(tmp_path, leaf("build"), leaf("test")) as scene:
        console = Console(scene.sprint, Clock(), tmp_path, stream, live=False)
        scene.begin()
        publish(console, scene)
        scene.spawn("build")
        publish(console, scene)
        scene.succeed("build")
        scene.spawn("test", "some output\n")
        publish(console, scene)
        scene.fail("test")
        scene.move(SPRINT_UNIT, "block", {"unit": "test", "why": "exit code 3", "kind": "failed"})
        again = publish(console, scene, resting=True)

    lines = stream.getvalue().splitlines()
    assert again is None
    assert lines[:-2] == [
        "   0:00  boat  supervisor 1 (pid 4711 on here) began",
        "   0:02  build  started",
        "   0:03  build  completed after 1.0 s",
        "   0:05  test  started",
        "   0:06  test  failed after 1.0 s: exit code 3",
        "   0:07  boat  blocked: test: exit code 3",
        "boat is blocked after 7.0 s: test: exit code 3",
        "  1 of 2 tasks done, 1 failed",
        "  failed: test: exit code 3; see logs/test.log",
    ]
    assert [" ".join(line.split()) for line in lines[-2:]] == [
        f"next: fsm-sprint logs {tmp_path} test shows what it printed",
        f"fsm-sprint run {tmp_path} tries again what has failed",
    ]
    assert "\x1b" not in stream.getvalue()


def test_who_wants_quiet_hears_of_failures_and_of_the_end(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Scene(tmp_path, leaf("a"), leaf("b")) as scene:
        console = Console(scene.sprint, Clock(), tmp_path, stream, live=False, quiet=True)
        scene.begin()
        scene.spawn("a")
        scene.fail("a")
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 3"})
        publish(console, scene, resting=True)

    assert stream.getvalue().splitlines()[:3] == [
        "   0:03  a  failed after 1.0 s: exit code 3",
        "   0:04  boat  blocked: a: exit code 3",
        "boat is blocked after 4.0 s: a: exit code 3",
    ]


def test_a_run_that_goes_on_is_not_told_its_old_end(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Scene(tmp_path, leaf("a", breaks=True), leaf("b")).begin() as scene:
        scene.spawn("a")
        scene.succeed("a")
        scene.move(SPRINT_UNIT, "break", {"unit": "a"})
        scene.commit()
        console = Console(scene.sprint, Clock(), tmp_path, stream, live=False)
        scene.lease(pid=5)
        publish(console, scene, resting=True)
        scene.move(SPRINT_UNIT, "resume", {"who": "eve", "why": "run again"})
        publish(console, scene)

    assert stream.getvalue().splitlines() == [
        "   0:05  boat  supervisor 2 (pid 5 on here) took over (epoch 2), 1.0 s after the last row of supervisor 1",
        "   0:06  boat  goes on from paused-at-breakpoint by eve: run again",
    ]


def test_who_takes_over_from_a_dead_supervisor_says_so(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Scene(tmp_path, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.commit()
        scene.at += 59_000
        console = Console(scene.sprint, Clock(), tmp_path, stream, live=False)
        scene.lease(pid=5)
        scene.move("a", "adopt", attempt=1)
        scene.move("a", "succeed", {}, attempt=1)
        publish(console, scene)

    took, *rest = stream.getvalue().splitlines()
    assert took.startswith(
        "   1:02  boat  supervisor 2 (pid 5 on here) took over (epoch 2), 1m 00s after the last"
    )
    assert took.endswith(" row of supervisor 1, which had ended while 1 task ran")
    assert rest == [
        "   1:03  a  attempt 1 was found alive by supervisor 2 and goes on",
        "   1:04  a  completed after 1m 02s",
    ]


def test_on_a_terminal_each_running_task_has_a_line_with_its_last_output(
    tmp_path: Path, terminal: Terminal
) -> None:
    clock = Clock()
    with Scene(tmp_path, leaf("a"), leaf("b"), leaf("c")) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=True)
        scene.begin()
        scene.spawn("a", "compiling\n\x1b[31mlinking\x1b[0m\n")
        scene.spawn("b")
        clock.at = scene.at + 5_000
        again = publish(console, scene)
        frame = terminal.frame()
        clock.at += 1_000
        scene.at = clock.at
        scene.succeed("a")
        publish(console, scene)
        later = terminal.frame()

    assert console.fault is None
    assert again is not None
    assert 0.1 <= again <= 0.25
    assert frame == [
        "   0:00  boat  supervisor 1 (pid 4711 on here) began",
        "   0:02  a  started",
        "   0:04  b  started",
        "a     0:07  linking",
        "b     0:05",
        f"{'░' * 40}  0 of 3 tasks done, 2 running  0:09",
    ]
    assert "   0:11  a  completed after 1.0 s" in later
    assert terminal.said.endswith(b"\n"), (
        "a supervisor that is killed leaves the cursor at the begin of a line"
    )
    assert later[-2:] == [
        "b     0:06",
        f"{'█' * 13}{'░' * 27}  1 of 3 tasks done, 1 running  0:10",
    ]


def test_the_last_screen_stays_and_the_cursor_is_never_hidden(tmp_path: Path, terminal: Terminal) -> None:
    with Scene(tmp_path, leaf("a")) as scene:
        console = Console(scene.sprint, Clock(), tmp_path, terminal.stream, live=True)
        scene.begin()
        scene.spawn("a")
        publish(console, scene)
        terminal.read()
        scene.succeed("a")
        scene.move(SPRINT_UNIT, "complete")
        assert publish(console, scene, resting=True) is None
        last = terminal.read()

    assert "completed after 1.0 s" in last
    assert plain(last).rstrip().endswith("tells what happened")
    assert terminal.said.count(b"\x1b[?25l") <= terminal.said.count(b"\x1b[?25h")
    assert console.fault is None


def test_a_gate_stands_in_the_line_of_its_owner_and_waiting_tasks_say_for_what(
    tmp_path: Path, terminal: Terminal
) -> None:
    clock = Clock()
    with Scene(tmp_path, leaf("a", gate=Gate(script="x")), leaf("b")) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=True)
        scene.begin()
        scene.spawn("a", "worked\n")
        scene.move("a", "verify", attempt=1)
        scene.spawn("a#gate", "checking\n")
        scene.spawn("b")
        scene.fail("b")
        scene.move(
            "b", "delay", {"delay": 60_000, "until": NOON + 60_000, "why": "back-off", "after": "failed"}
        )
        clock.at = scene.at
        publish(console, scene)
        frame = terminal.frame()

    assert "a     0:06  verifying  checking" in frame
    assert any(
        line.startswith("b  waits until ") and line.endswith("back-off after failed") for line in frame
    )
    assert not any(line.startswith("a#gate") for line in frame)


@pytest.mark.parametrize(("columns", "lines"), [(20, 6), (1, 1), (40, 3), (200, 50)])
def test_no_line_is_wider_and_no_frame_higher_than_the_terminal(
    tmp_path: Path, columns: int, lines: int
) -> None:
    terminal = Terminal(columns, lines)
    names = [f"a-very-long-phase-name-{'x' * 60}-{n:02}" for n in range(30)]
    clock = Clock()
    with Scene(tmp_path, *map(leaf, names)) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=True)
        scene.begin()
        publish(console, scene)
        terminal.read()
        for name in names:
            scene.spawn(name, "界" * 300)
        scene.commit()
        clock.at += 60_000
        console.publish([], resting=False)
        frame = terminal.frame()
    terminal.close()

    assert console.fault is None
    assert all(len(line.rstrip()) <= columns for line in frame), frame
    assert len(frame) <= max(3, lines)


def test_a_terminal_may_change_its_size(tmp_path: Path, terminal: Terminal) -> None:
    clock = Clock()
    with Scene(tmp_path, leaf("a")) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=True)
        scene.begin()
        scene.spawn("a", "words " * 50)
        publish(console, scene)
        terminal.read()
        terminal.resize(30, 10)
        clock.at += 1_000
        console.publish([], resting=False)
        frame = terminal.frame()

    assert console.fault is None
    assert max(map(len, frame)) <= 30


def test_a_sprint_without_a_task_is_shown_too(tmp_path: Path, terminal: Terminal) -> None:
    with Scene(tmp_path) as scene:
        console = Console(scene.sprint, Clock(), tmp_path, terminal.stream, live=True)
        scene.begin()
        publish(console, scene)
        scene.move(SPRINT_UNIT, "complete")
        publish(console, scene, resting=True)

    assert console.fault is None
    assert "0 of 0 tasks done" in terminal.read()


@pytest.mark.parametrize("live", [True, False])
def test_a_terminal_that_hangs_up_ends_the_talk_and_nothing_else(
    tmp_path: Path, terminal: Terminal, live: bool
) -> None:
    clock = Clock()
    with Scene(tmp_path, leaf("a")) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=live)
        scene.begin()
        publish(console, scene)
        terminal.hang_up()
        scene.spawn("a")
        clock.at += 1_000
        publish(console, scene)
        scene.succeed("a")
        clock.at += 1_000
        assert publish(console, scene) is None
        console.say("to nobody")
        console.close()

    assert console.outlet.gone


@pytest.mark.parametrize("live", [True, False])
def test_a_terminal_that_nobody_reads_does_not_hold_the_run_up(
    tmp_path: Path, terminal: Terminal, live: bool
) -> None:
    """As after Ctrl-S. That this test ends is what it is about."""
    clock = Clock()
    with Scene(tmp_path, *(leaf(f"task-{n}") for n in range(20))) as scene:
        console = Console(scene.sprint, clock, tmp_path, terminal.stream, live=live)
        scene.begin()
        termios.tcflow(terminal.stream.fileno(), termios.TCOOFF)
        for number in range(20):
            scene.spawn(f"task-{number}")
            clock.at += 1_000
            again = publish(console, scene)
        assert console.outlet.full
        assert again is not None
        termios.tcflow(terminal.stream.fileno(), termios.TCOON)
        console.outlet.flush()
        terminal.read()

    assert b"task-0" in terminal.said
    assert not console.outlet.gone


def test_drawing_that_fails_makes_the_console_silent(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Scene(tmp_path, leaf("a")) as scene:
        console = Console(scene.sprint, Clock(), tmp_path, stream, live=False)
        scene.begin()
        row = scene.commit()[0]
        assert console.publish([row._replace(facts="{")], resting=False) is None
        said = stream.getvalue()
        assert console.publish([row], resting=False) is None

    assert isinstance(console.fault, ValueError)
    assert stream.getvalue() == said


def test_several_publishers_are_one_that_wants_the_least_delay() -> None:
    class Waiting:
        def __init__(self, delay: float | None) -> None:
            self.delay = delay
            self.told = 0

        def publish(self, changed: object, *, resting: bool) -> float | None:
            self.told += 1
            return self.delay

    each = [Waiting(None), Waiting(2.0), Waiting(0.5)]

    assert Publishers(*each).publish([], resting=True) == 0.5
    assert Publishers(each[0]).publish([], resting=False) is None
    assert Publishers().publish([], resting=False) is None
    assert [one.told for one in each] == [2, 1, 1]


def test_the_screen_writes_progress_and_tells_of_edits_on_the_console(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Scene(tmp_path, leaf("a")) as scene:
        shown = screen(scene.paths, scene.sprint, Clock(), live=False)
        scene.begin()
        shown.publish(scene.commit(), resting=False)
        scene.paths.progress.write_text("mine\n")
        scene.spawn("a")
        scene.succeed("a")
        scene.move(SPRINT_UNIT, "complete")
        shown.publish(scene.commit(), resting=True)

    assert "status: completed" in scene.paths.progress.read_text()
    assert "PROGRESS.yaml is not as it was written: what was found is kept as" in capfd.readouterr().err


@pytest.mark.parametrize("live", [True, False])
def test_a_bell_rings_once_when_a_person_is_needed_and_only_on_a_terminal(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, *, live: bool
) -> None:
    for out, rings in ((terminal.stream, 1), (io.StringIO(), 0)):
        monkeypatch.setattr("sys.stdout", out)
        with Scene(tmp_path / str(rings), leaf("a")) as scene:
            console = Console(scene.sprint, Clock(), tmp_path, terminal.stream, live=live)
            scene.begin()
            scene.spawn("a")
            scene.fail("a")
            publish(console, scene)
            assert "\a" not in terminal.read()
            scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 3"})
            publish(console, scene, resting=True)
            publish(console, scene, resting=True)
            console.close()
        assert terminal.read().count("\a") == rings


def test_no_bell_rings_for_what_ends_well_or_was_asked_for(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", terminal.stream)
    for trigger in ("complete", "pause", "cancel"):
        with Scene(tmp_path / trigger, leaf("a")) as scene:
            console = Console(scene.sprint, Clock(), tmp_path, terminal.stream, live=False)
            scene.begin()
            scene.move(SPRINT_UNIT, trigger, {"why": "asked", "who": "eve"})
            publish(console, scene, resting=True)
            console.close()
    assert "\a" not in terminal.read()
