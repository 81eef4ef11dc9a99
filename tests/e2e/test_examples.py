"""The examples run as their pages say."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.sprints import ROOT, Sandbox

pytestmark = pytest.mark.process


def example(tmp_path: Path, name: str) -> Sandbox:
    """A copy of an example, as its page advises."""
    here = Sandbox(tmp_path / "unused" / "s", "", {})
    here.directory = tmp_path / name
    shutil.copytree(ROOT / "examples" / name, here.directory)
    return here


def test_the_quickstart_needs_no_agent_and_no_patience(tmp_path: Path) -> None:
    here = example(tmp_path, "quickstart")
    here.run("run", check=0)
    times = [datetime.fromisoformat(str(row["at"])) for row in here.rows()]
    assert (times[-1] - times[0]).total_seconds() < 10
    assert (here.directory / "logs" / "summary.log").read_text() == (
        "The boat is ready:\nhull unpainted\nmast unpainted\nsail red\n"
    )
    gates = [
        row["unit"]
        for row in here.rows()
        if str(row["unit"]).endswith("#gate") and row["trigger"] == "succeed"
    ]
    assert len(gates) == 3
    here.run("verify", check=0)


def test_the_agents_example_runs_with_a_stand_in_under_the_agents_name(tmp_path: Path) -> None:
    here = example(tmp_path, "agent-feature")
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(here.directory / "stand-in.sh", folder / "claude")
    (folder / "claude").chmod(0o755)
    here.env["PATH"] = f"{folder}:{here.env['PATH']}"
    here.run("run", check=0)
    done = {row["unit"] for row in here.rows() if row["trigger"] == "succeed"}
    assert {
        f"features/{name}/{phase}" for name in ("greet", "shout") for phase in ("plan", "implement", "test")
    } <= done
    assert "status: completed" in (here.directory / "PROGRESS.yaml").read_text()


def test_without_its_agent_the_example_says_which_and_begins_nothing(tmp_path: Path) -> None:
    here = example(tmp_path, "agent-feature")
    here.env["PATH"] = "/usr/bin:/bin"
    assert "claude" in here.run("run", check=4).stderr
    assert not (here.directory / "logs").exists() or not list((here.directory / "logs").glob("*.log"))
