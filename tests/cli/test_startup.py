"""The budget of the quick commands: what they must not import, and that they still do what they are for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsm.transition import SPRINT_UNIT
from tests.report.scene import Scene, leaf

ROOT = Path(__file__).parents[2]
HEAVY = ("pydantic", "ruamel", "sqlite_utils", "transitions", "rich", "hypothesis", "jinja2", "asyncio")
"""Packages that cost more than a quick command may. `compiler` and the fold bring them along."""


@pytest.fixture(scope="module")
def sprint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sprint in which something failed, something waits and something runs."""
    home = tmp_path_factory.mktemp("sprint")
    with Scene(home, leaf("a"), leaf("b"), leaf("c")).begin() as scene:
        scene.spawn("a", "output\n")
        scene.fail("a")
        scene.spawn("b")
        scene.fail("b")
        scene.move("b", "delay", {"delay": 1, "until": scene.at, "why": "back-off", "after": "failed"})
        scene.spawn("c")
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 3"})
    return home


def imported(*words: str, **environ: str) -> tuple[set[str], "subprocess.CompletedProcess[str]"]:
    """The top-level packages that a command imports, and what came of it."""
    script = "import sys; sys.argv[0] = 'fsm-sprint'; from fsm_sprint.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script, *words],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **environ},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().partition(".")[0] for line in lines[1:]}, done


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--help"], "Usage: fsm-sprint"),
        (["--version"], ""),
        (["status", "--help"], "Usage: fsm-sprint status"),
        (["watch", "--help"], "Usage: fsm-sprint watch"),
        (["status", "SPRINT"], "boat blocked"),
        (["status", "SPRINT", "--json"], '"version": 1'),
        (["status", "SPRINT", "--all"], "units"),
        (["logs", "SPRINT"], ""),
        (["logs", "SPRINT", "a"], "output"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_quick_commands_import_nothing_heavy(sprint: Path, words: list[str], expected: str) -> None:
    packages, done = imported(*[str(sprint) if word == "SPRINT" else word for word in words])

    assert "typer" in packages, "the list of imports was understood"
    assert packages.isdisjoint(HEAVY)
    assert expected in done.stdout


def test_status_does_without_the_plan(sprint: Path) -> None:
    _, done = imported("status", str(sprint))

    assert "fsm.transition" in done.stderr
    assert "fsm.plan" not in done.stderr


def test_completion_imports_nothing_heavy() -> None:
    packages, done = imported(
        _FSM_SPRINT_COMPLETE="complete_bash", COMP_WORDS="fsm-sprint st", COMP_CWORD="1"
    )

    assert packages.isdisjoint(HEAVY)
    assert done.stdout.split() == ["status", "stop"]


def test_the_doctor_imports_the_standard_library_and_us_alone(sprint: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-X", "importtime", "-m", "fsm_sprint.doctor", str(sprint)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    names = {line.rsplit("|", 1)[1].strip().partition(".")[0] for line in done.stderr.splitlines()[1:]}
    ours = {"fsm", "journal", "fsm_sprint"}
    jython = {"org"}  # `copy` looks for it

    assert done.stdout
    assert {
        name
        for name in names - ours - jython
        if name not in sys.stdlib_module_names and not name.startswith("_")
    } == set()
