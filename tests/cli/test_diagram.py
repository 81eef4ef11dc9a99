"""`diagram`: what can be drawn, as what, and where to."""

import shutil
from pathlib import Path

import pytest

from diagrams.dot import dot
from diagrams.gallery import NAMES, picture
from fsm.plan import Group
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"


@pytest.mark.parametrize("name", NAMES)
def test_every_machine_is_drawn_as_the_documentation_shows_it(fsm_sprint: Command, name: str) -> None:
    assert fsm_sprint("diagram", name).out == dot(picture(name))


def test_a_plan_is_drawn_from_its_files_without_a_run(home: Path, fsm_sprint: Command) -> None:
    shutil.copytree(EXAMPLE, home, dirs_exist_ok=True)
    drawn = fsm_sprint("diagram", "plan", "--format", "mermaid").out

    assert drawn.startswith("flowchart TB\n")
    assert "hull" in drawn
    assert not (home / ".fsm-sprint").exists()


def test_a_run_is_drawn_with_its_states_and_a_recorded_plan_without(home: Path, fsm_sprint: Command) -> None:
    group = Group(id="g", path="g", level="phase", children=(leaf("g/a"), leaf("g/b")))
    with Scene(home, group).begin() as scene:
        scene.move("g", "start")
        scene.spawn("g/a")
        scene.fail("g/a")
    run = fsm_sprint("diagram", "run", "--format", "mermaid").out
    plan = fsm_sprint("diagram", "plan", scene.paths.journal, "--format", "mermaid").out

    assert "failed" in run
    assert ":::badly" in run
    assert ":::badly" not in plan


def test_the_name_of_the_file_says_the_format(home: Path, fsm_sprint: Command) -> None:
    done = fsm_sprint("diagram", "group", "-o", "group.mmd")

    assert (done.out, done.err) == ("", "wrote group.mmd\n")
    assert (home / "group.mmd").read_text().startswith("flowchart")
    fsm_sprint("diagram", "group", "-o", "group.dot")
    assert (home / "group.dot").read_text() == dot(picture("group"))


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_a_picture_is_drawn_where_graphviz_is(fsm_sprint: Command) -> None:
    assert "<svg" in fsm_sprint("diagram", "group", "--format", "svg").out


def test_what_cannot_be_drawn_is_said(home: Path, fsm_sprint: Command) -> None:
    (home / "SPRINT.yaml").write_text("workflow: none\n")

    assert fsm_sprint("diagram", "run", check=2).err.startswith("error: nothing was ever run here")
    assert "is the same in every sprint" in fsm_sprint("diagram", "task", ".", check=2).err
    assert "'tsk' is not one of 'task'" in fsm_sprint("diagram", "tsk", check=2).err
    assert "MAIN_WORKFLOW_NOT_FOUND" in fsm_sprint("diagram", "plan", check=3).err
