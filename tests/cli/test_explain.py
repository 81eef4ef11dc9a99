"""`explain`: what a unit waits for, told by the rules that make it wait."""

import json
from pathlib import Path

import pytest

from fsm.plan import Gate, Group, Leaf
from fsm.transition import SPRINT_UNIT
from tests.cli.command import Command
from tests.report.scene import Scene, leaf


def group(path: str, *children: Leaf | Group, **more: object) -> Group:
    level = "step" if "/" in path else "phase"
    return Group(id=path.rpartition("/")[2], path=path, level=level, children=children, **more)  # type: ignore[arg-type]


def reasons(command: Command, home: Path, unit: str) -> str:
    done = command("explain", str(home), unit)
    assert done.code == 0, done.err
    return str(done.out)


def test_what_comes_later_names_what_it_comes_after(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a")
    assert "it comes after a, which is running" in reasons(fsm_sprint, home, "b")
    assert "attempt 1 runs" in reasons(fsm_sprint, home, "a")


def test_a_sync_point_names_the_background_tasks_it_waits_for(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("beside", parallel=True), leaf("sync", wait=True)).begin() as scene:
        scene.spawn("beside", task="beside-1")
    assert "sync is a sync point and waits for beside, which is running" in reasons(fsm_sprint, home, "sync")


def test_a_step_names_what_it_depends_on(home: Path, fsm_sprint: Command) -> None:
    steps = group(
        "dev",
        group("dev/a", leaf("dev/a/x")),
        group("dev/b", leaf("dev/b/x"), depends_on=("a",)),
        parallel=True,
    )
    with Scene(home, steps).begin() as scene:
        scene.move("dev", "start")
    assert "dev/b depends on dev/a, which is pending" in reasons(fsm_sprint, home, "dev/b/x")


def test_a_mutex_names_who_holds_it(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a", parallel=True, exclusive="db"), leaf("b", exclusive="db")).begin() as scene:
        scene.spawn("a", task="a-1")
    assert "db is held by a" in reasons(fsm_sprint, home, "b")


def test_a_gate_says_whom_it_is_for(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a", gate=Gate(script="true"))).begin() as scene:
        scene.spawn("a")
    assert "it is needed when a has ended well; that is running" in reasons(fsm_sprint, home, "a#gate")


def test_a_resting_sprint_is_the_reason_for_everything(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.move(SPRINT_UNIT, "pause", {"who": "ann", "why": "lunch"})
    assert "the sprint is paused: lunch" in reasons(fsm_sprint, home, "a")


def test_without_a_unit_it_tells_what_runs_and_what_comes_next(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a")
    document = json.loads(fsm_sprint("explain", str(home), "--json").out)
    assert document["version"] == 1
    assert list(document["units"]) == [SPRINT_UNIT, "a", "b"]


@pytest.mark.parametrize("words", [["nothing"], []])
def test_where_nothing_was_run_there_is_nothing_to_explain(
    home: Path, fsm_sprint: Command, words: list[str]
) -> None:
    home.mkdir(exist_ok=True)
    (home / "SPRINT.yaml").write_text("workflow: none\n")
    done = fsm_sprint("explain", str(home), *words, check=2)
    assert "nothing was ever run here" in done.err
