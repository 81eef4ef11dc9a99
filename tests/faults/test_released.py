"""Upgrades: what a released version has left behind is gone on with, its journal and also its shims that still run."""

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sprints import wait_until
from tests.faults import released
from tests.faults.campaign import Campaign
from tests.faults.judge import rows_of, states_of
from tests.faults.plans import BEGIN, LEAVE, Generated
from tests.faults.processes import LAUNCHER, SHIM
from tests.faults.released.make import unpacked
from tests.faults.stage import ROOT, Stage

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(released.__file__).parent
VERSIONS = sorted(path.stem for path in HERE.glob("*.sql"))


def about(version: str) -> dict[str, Any]:
    found = json.loads((HERE / f"{version}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sprint_that_a_released_version_has_left_at_rest_is_gone_on_with(
    tmp_path: Path, campaign: Campaign, version: str
) -> None:
    known = about(version)
    stage = Stage(tmp_path / "home", Generated(sprint=known["sprint"], workflows=known["workflows"], seed=0))
    try:
        stage.write()
        stage.journal.parent.mkdir()
        with closing(sqlite3.connect(stage.journal)) as connection:
            connection.executescript((HERE / f"{version}.sql").read_text(encoding="utf-8"))
        before = rows_of(stage.journal)
        for words in (("status", "--all"), ("replay",), ("explain", ".", "last"), ("verify",)):
            stage.run(*words)
        while stage.run("run", codes=(0, 1)):
            pass
        assert rows_of(stage.journal)[: len(before)] == before
        assert set(states_of(stage.journal).values()) <= {"completed", "pending"}
        stage.run("verify")
        campaign.ran(f"journals of {version}")
    finally:
        stage.clear()


def two_at_a_time() -> Generated:
    """Six tasks that wait for a word and leave with codes of their own."""
    phases: list[dict[str, object]] = []
    for number in range(6):
        text = BEGIN.format(key=f"t{number}") + 'until [ -e "$LEDGER.go" ]; do sleep 0.02; done; '
        leave = LEAVE.format(code=number % 3)
        phases.append({"id": f"t{number}", "run": text + leave, "parallel": True})
    workflow = {"name": "w", "schema-version": "2.0", "phases": phases}
    return Generated(sprint={"workflow": "w", "sprint-id": "upgrade"}, workflows={"w.yaml": workflow}, seed=0)


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("version", VERSIONS)
def test_tasks_that_run_when_the_version_changes_are_adopted_with_their_true_codes(
    tmp_path: Path, campaign: Campaign, version: str, way: str
) -> None:
    """Down as well: the older one takes over, or says that the journal is too new and touches nothing."""
    code = tmp_path / "code"
    if why := unpacked(about(version)["commit"], code):
        campaign.skipped(f"{version}: {why}")
        pytest.skip(why)
    stage = Stage(tmp_path / "home", two_at_a_time())
    older, newer = str(code), str(ROOT)
    try:
        stage.write()
        stage.environment["PYTHONPATH"] = older if way == "up" else newer
        process = stage.start("run", "-j", "6")
        wait_until(lambda: stage.ledger.exists() and stage.ledger.read_text().count("begin") == 6, 30)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not stage.victims(LAUNCHER))
        assert len(stage.victims(SHIM)) == 6
        stage.environment["PYTHONPATH"] = newer if way == "up" else older
        process = stage.start("run", "-j", "6")
        if way == "up":
            wait_until(lambda: [row.trigger for row in rows_of(stage.journal)].count("adopt") == 6, 30)
        Path(f"{stage.ledger}.go").touch()
        found = stage.ended(process, ("run",), (1,) if way == "up" else (1, 5))
        campaign.note(f"{way}: {found}")
        if found == 5:
            stage.environment["PYTHONPATH"] = newer
            stage.run("run", codes=(1,))
        stage.judge()
        codes = {
            row.unit: row.facts["code"]
            for row in rows_of(stage.journal)
            if row.trigger in ("succeed", "fail")
        }
        assert codes == {f"t{number}": number % 3 for number in range(6)}
        stage.environment["PYTHONPATH"] = newer
        stage.run("verify")
        assert not stage.left()
        campaign.ran(f"{way} from {version}")
    finally:
        stage.clear()
