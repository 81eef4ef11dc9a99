"""A run as somebody sees it who only looks on: the tree, and what is told line by line."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fsm.plan import Gate, Group, Hook
from fsm.transition import SPRINT_UNIT
from fsm_sprint.report.board import Board
from fsm_sprint.report.branches import branches
from fsm_sprint.report.doing import Doings
from fsm_sprint.report.feed import Lines, Objects
from fsm_sprint.report.outlet import Outlet
from fsm_sprint.report.spent import Spent, spent
from fsm_sprint.report.terminal import cells
from fsm_sprint.report.watching import View, Watcher
from journal.reader import open_reader
from tests.report.scene import NOON, Clock, Scene, leaf
from tests.report.test_console import Terminal


def ask(path: str, **more: Any) -> Any:
    return leaf(path, run=None, prompt="do it", **more)


def steps(number: int) -> Group:
    """A phase of steps, each of a prompt and a background task."""
    made = tuple(
        Group(
            id=f"s{n}",
            path=f"p/s{n}",
            level="step",
            children=(ask(f"p/s{n}/work"), leaf(f"p/s{n}/docs", parallel=True)),
        )
        for n in range(number)
    )
    return Group(id="p", path="p", level="phase", children=made)


def shown(scene: Scene, room: int = 50) -> list[str]:
    found = branches(scene.sprint, Doings(scene.sprint, scene.paths.directory), scene.at, room)
    return [f"{'  ' * one.depth}{one.name}: {one.said}".rstrip(": ") for one in found]


def test_what_moves_is_shown_and_what_does_not_is_folded(tmp_path: Path) -> None:
    with Scene(tmp_path, steps(9), leaf("qa", gate=Gate(script="true"))).begin() as scene:
        scene.move("p", "start")
        for n in (0, 1):
            scene.move(f"p/s{n}", "start")
            scene.spawn(f"p/s{n}/work", "first\nsecond\n")
            if n == 0:
                scene.succeed("p/s0/work")
                scene.spawn("p/s0/docs", task="s0-docs-1")
                scene.succeed("p/s0/docs")
                scene.move("p/s0", "complete")
        assert shown(scene) == [
            "p: in-progress, 2 of 18 done",
            "  s0: completed",
            "  s1: in-progress, 0 of 2 done",
            "    work: 0:00  second",
            "    docs &: pending",
            "  s2 … s8: 7 pending",
            "qa: pending",
        ]


def test_a_check_and_what_waits_and_what_has_failed_say_why(tmp_path: Path) -> None:
    gated = leaf("a", gate=Gate(script="true"))
    beside = [leaf(name, parallel=True) for name in ("b", "c", "d")]
    with Scene(tmp_path, gated, *beside).begin() as scene:
        scene.spawn("a", "working")
        scene.move("a", "verify", attempt=1)
        scene.spawn("a#gate", "checking")
        for name in "bcd":
            scene.spawn(name, task=f"{name}-1")
            scene.fail(name)
        until = scene.at + 60_000
        scene.move("b", "delay", {"delay": 60_000, "until": until, "why": "limit", "after": "limit"})
        scene.move("c", "delay", {"why": "approval", "message": "go on?"})
        told = shown(scene)

    assert told[0] == "a: 0:13  verifying  checking"
    assert told[1].startswith("b &: waits until ")
    assert ", in 58 s: " in told[1]
    assert told[2].startswith("c &: waits until somebody answers: ")
    assert told[3] == "d &: failed: exit code 3"


def test_hooks_are_shown_while_they_run_and_count_as_no_task(tmp_path: Path) -> None:
    hook = Hook(id="learn", parallel=True, leaf=leaf(""))
    with Scene(tmp_path, steps(1), hooks=(hook,)).begin() as scene:
        scene.move("p", "start")
        scene.move("p/s0", "start")
        scene.spawn("p/s0/work", "busy\n")
        assert shown(scene) == [
            "p: in-progress, 0 of 2 done",
            "  s0: in-progress, 0 of 2 done",
            "    work: 0:00  busy",
            "    docs &: pending",
        ]
        scene.succeed("p/s0/work")
        scene.spawn("p/s0/work#hook.learn", "learning\n", task="learn-1")
        assert "    work#hook.learn &: 0:00  learning" in shown(scene)
        assert "  s0: in-progress, 1 of 2 done" in shown(scene)


def test_where_there_is_little_room_what_moves_comes_first(tmp_path: Path) -> None:
    with Scene(tmp_path, *(leaf(name) for name in "abcd"), steps(2), leaf("z")).begin() as scene:
        for number, name in enumerate("abcd"):
            scene.spawn(name)
            scene.succeed(name)
            if number == 1:
                scene.move("c", "skip")
                scene.move("c", "retry")
        scene.move("p", "start")
        scene.move("p/s0", "start")
        scene.spawn("p/s0/work", "busy")
        whole, small = shown(scene), shown(scene, 4)

    assert len(whole) > 4
    assert small == [
        "p: in-progress, 0 of 4 done",
        "  s0: in-progress, 0 of 2 done",
        "    work: 0:00  busy",
        f": and {len(whole) - 3} lines more",
    ]


def test_what_an_agent_did_says_more_than_what_its_tools_print(tmp_path: Path) -> None:
    tool = {"type": "tool_use", "name": "Bash", "input": {"command": "make"}}
    events = [
        {"type": "assistant", "session_id": "s", "message": {"content": [tool]}},
        {
            "type": "user",
            "session_id": "s",
            "message": {"content": [{"type": "tool_result", "content": "cc -c x.c"}]},
        },
    ]
    with Scene(tmp_path, ask("a")).begin() as scene:
        log = scene.spawn("a", "".join(f"{json.dumps(event)}\n" for event in events))
        log.with_name(f"{log.name}.err").touch()
        assert shown(scene) == ["a: 0:00  > Bash make"]


def test_what_is_spent_counts_what_runs_and_says_what_nobody_has_told(tmp_path: Path) -> None:
    with Scene(tmp_path, ask("a"), ask("b"), ask("c")).begin() as scene:
        assert spent(scene.sprint) == Spent(None, None, 0)
        scene.spawn("a")
        told: Any = {"cost-usd": 1.5, "tokens": {"input": 10, "output": 5}}
        scene.succeed("a", **told)
        scene.spawn("b")
        scene.succeed("b")
        scene.spawn("c")
        scene.move("c", "report", {"cost-usd": 0.5, "tokens": {"input": 1}}, attempt=1)
        whole = spent(scene.sprint)

    assert whole == Spent(2.0, 16, 1)
    assert str(whole) == "$2.00 and 1 attempt without a price, 16 tokens"
    assert str(Spent(0.0125, None)) == "$0.0125"


class Script:
    """What happens while somebody looks: one thing at each look; after the last one nobody looks any more."""

    def __init__(self, scene: Scene, clock: Clock, *moves: Callable[[], object]) -> None:
        self._scene = scene
        self._clock = clock
        self._moves: Iterator[Callable[[], object]] = iter(moves)

    def __call__(self) -> bool:
        move = next(self._moves, None)
        if move is None:
            return False
        move()
        self._scene.commit()
        self._clock.at = self._scene.at
        return True


def watched(
    scene: Scene, make: Callable[[Watcher, Clock], View], moves: Sequence[Callable[[], object]]
) -> None:
    scene.commit()
    clock = Clock(scene.at)
    with open_reader(scene.paths.journal) as reader:
        watcher = Watcher(scene.paths, reader, scene.sprint.run)
        watcher.watch(make(watcher, clock), Script(scene, clock, *moves))


def run_of_a(scene: Scene) -> list[Callable[[], object]]:
    log = scene.paths.directory / "logs" / "a.log"
    return [
        lambda: scene.spawn("a", "one\n"),
        lambda: (log.write_text("one\ntwo\n"), scene.move("a", "report", {"session": "s"}, attempt=1)),
        lambda: (
            log.write_text("one\ntwo\nthree\n"),
            scene.move("a", "report", {"session": "t"}, attempt=1, after=9000),
        ),
        lambda: scene.succeed("a"),
        lambda: scene.move(SPRINT_UNIT, "complete"),
    ]


def test_on_a_pipe_each_change_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with Scene(tmp_path, leaf("a")).begin() as scene, scene.supervise():
        watched(scene, lambda watcher, clock: Lines(watcher, clock, tmp_path, out.write), run_of_a(scene))

    assert out.getvalue().splitlines() == [
        "   0:00  boat  in-progress",
        "   0:02  a  started",
        "   0:02  a  one",
        "   0:12  a  three",
        "   0:13  a  completed after 1.0 s",
        "   0:14  boat  completed: every phase ended well",
        "boat completed in 14 s",
        "  1 of 1 task done",
        "next:  fsm-sprint replay  tells what happened",
    ]


def test_as_json_each_change_is_an_object(tmp_path: Path) -> None:
    out = io.StringIO()
    with Scene(tmp_path, leaf("a")).begin() as scene, scene.supervise():
        watched(scene, lambda watcher, clock: Objects(watcher, clock, tmp_path, out.write), run_of_a(scene))
    told = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [one["kind"] for one in told if one["kind"] != "row"] == ["state", "doing", "doing", "end"]
    assert [one["trigger"] for one in told if one["kind"] == "row"] == [
        "spawn", "start", "report", "report", "succeed", "complete",
    ]  # fmt: skip
    assert (told[0]["state"], told[0]["supervisor"]) == ("in-progress", 4711)
    assert (told[-1]["state"], told[-1]["why"]) == ("completed", None)


def test_a_supervisor_that_is_dead_with_all_its_tasks_is_waited_for_by_nobody(tmp_path: Path) -> None:
    out = io.StringIO()
    with Scene(tmp_path, leaf("a")).begin() as scene:
        scene.spawn("a")
        watched(scene, lambda watcher, clock: Lines(watcher, clock, tmp_path, out.write), [])

    assert "its supervisor is dead, and nothing of it runs\n" in out.getvalue()


def test_tasks_that_live_on_without_a_supervisor_are_looked_at(tmp_path: Path) -> None:
    out = io.StringIO()
    with Scene(tmp_path, leaf("a")).begin() as scene:
        log = scene.spawn("a")
        scene.live("a")
        watched(
            scene,
            lambda watcher, clock: Lines(watcher, clock, tmp_path, out.write),
            [lambda: log.write_text("still here\n")],
        )

    assert "a  still here\n" in out.getvalue()
    assert "nothing of it runs" not in out.getvalue()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal(60, 12)
    yield made
    made.close()


def test_a_terminal_shows_the_tree_and_then_how_it_ended(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frames: list[list[str]] = []
    with Scene(tmp_path, leaf("a"), leaf("b")).begin() as scene, scene.supervise():
        watched(
            scene,
            lambda watcher, clock: Board(watcher, clock, tmp_path, Outlet(terminal.stream)),
            [
                lambda: scene.spawn("a", "at work\n"),
                lambda: (frames.append(terminal.frame()), scene.fail("a")),
                lambda: scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 3"}),
            ],
        )
        last = terminal.frame()

    assert frames[0][-5:-1] == [
        "boat  in-progress  2.0 s  supervisor pid 4711",
        "a  0:00  at work",
        "b  pending",
        f"{'░' * 29}  0 of 2 tasks done, 1 running",
    ]
    assert last[-5:] == [
        "boat is blocked after 4.0 s: a: exit code 3",
        "  0 of 2 tasks done, 1 failed",
        "  failed: a: exit code 3; see logs/a.log",
        "next:  fsm-sprint logs a  shows what it printed",
        "       fsm-sprint run     tries again what has failed",
    ]
    assert all(cells(text) < 60 for text in frames[0])
    assert terminal.said.rfind(b"\x1b[?25h") > terminal.said.rfind(b"\x1b[?25l")


def test_no_frame_is_higher_or_wider_than_the_terminal(tmp_path: Path, terminal: Terminal) -> None:
    names = [f"task-{n}-with-a-name-that-is-longer-than-half-of-the-screen" for n in range(30)]
    with Scene(tmp_path, *(leaf(name, parallel=True) for name in names)).begin() as scene:
        for name in names:
            scene.spawn(name, "x" * 300, task=f"{name[:8]}-1")
        scene.commit()
        with open_reader(scene.paths.journal) as reader:
            watcher = Watcher(scene.paths, reader, scene.sprint.run)
            board = Board(watcher, Clock(NOON), tmp_path, Outlet(terminal.stream))
            for columns, lines in ((60, 12), (20, 6), (1, 1)):
                terminal.resize(columns, lines)
                frame = board.frame(scene.at, columns, lines)
                widths = [cells(str(text)) for text in frame.renderables]
                assert max(widths) <= max(1, columns - 1), (columns, list(map(str, frame.renderables)))
                if lines > 5:
                    assert len(frame.renderables) <= lines
