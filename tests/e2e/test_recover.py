"""A journal damaged in the middle of a real run: what the tool says is done, and the sprint comes to its end."""

import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.sprints import TEN_PHASES, Sandbox, task, wait_until, workflows
from tests.journal.harm import tampered

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = 4096


def spoiled(journal: Path, part: float) -> None:
    """Noise over the page of a row so far into the journal as `part` says; it is not that of the first row."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (seq,) = connection.execute("SELECT max(seq) FROM transitions").fetchone()
        (head,) = connection.execute(
            "SELECT hash FROM transitions WHERE seq = ?", [max(25, int(part * seq))]
        ).fetchone()
    place = journal.read_bytes().index(head.encode()) // PAGE * PAGE
    with journal.open("r+b") as file:
        file.seek(place)
        file.write(b"\xa5" * PAGE)


def held_to_the_ledger(sandbox: Sandbox) -> None:
    """No attempt was made twice, and every code that is recorded is the true one."""
    entries = sandbox.entries()
    begun = Counter((name, number) for what, name, number, *_ in entries if what == "begin")
    assert max(begun.values()) == 1, begun
    codes = {(name, int(number)): int(code[0]) for what, name, number, *code in entries if what == "end"}
    for row in sandbox.rows():
        facts = row["facts"]
        if isinstance(facts, dict) and "code" in facts and row["trigger"] != "spawn":
            assert codes[str(row["unit"]), int(str(row["attempt"]))] == facts["code"]


OFTEN = [(15, 0.95), (22, 0.5)]
SELDOM = [pytest.param(begun, part, marks=pytest.mark.faults) for begun, part in ((19, 0.7), (25, 0.8))]


@pytest.mark.parametrize(("begun", "part"), [*OFTEN, *SELDOM])
def test_a_run_that_was_killed_and_whose_journal_was_damaged_is_completed(
    tmp_path: Path, begun: int, part: float
) -> None:
    sandbox = Sandbox(tmp_path / "sprint", TEN_PHASES, workflows(0.2))
    journal = sandbox.directory / ".fsm-sprint" / "journal.db"
    process = sandbox.start("run", "-j", "3")
    wait_until(lambda: len(sandbox.entries()) >= begun)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    spoiled(journal, part)
    done_before = {name for what, name, _, *code in sandbox.entries() if what == "end" and code == ["0"]}

    found = sandbox.run("journal", "recover", "--in-place", "--yes")
    assert found.returncode == 0, (found.stdout, found.stderr)
    assert "cannot be read" in found.stdout
    assert "taken up by what lies in attempts/" in found.stdout

    for _ in range(3):
        if (last := sandbox.run("run", "-j", "3")).returncode == 0:
            break
    assert last.returncode == 0, (found.stdout, last.stderr)
    held_to_the_ledger(sandbox)
    assert sandbox.run("verify", check=0).stdout.startswith("all of it is whole")
    again = Counter(name for what, name, *_ in sandbox.entries() if what == "begin" and "#" not in name)
    assert {name for name in done_before if again[name] > 1} <= {"flaky"}


def test_what_runs_meanwhile_is_gone_on_with(tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = f'while ! [ -e "{go}" ]; do sleep 0.02; done'
    sandbox = Sandbox(
        tmp_path / "sprint",
        "workflow: main\nsprint-id: slow\n",
        {
            "main.yaml": {
                "name": "main",
                "schema-version": "2.0",
                "phases": [
                    {"id": "first", "run": task(0)},
                    {"id": "slow", "run": f"{task(0).replace('; exit 0', '')}; {wait}"},
                ],
            }
        },
    )
    journal = sandbox.directory / ".fsm-sprint" / "journal.db"
    process = sandbox.start("run")
    wait_until(lambda: any(words[:2] == ["begin", "slow"] for words in sandbox.entries()))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    tampered(
        journal, "DELETE FROM transitions WHERE seq >= (SELECT seq FROM transitions WHERE unit = 'slow')"
    )

    found = sandbox.run("journal", "recover", "--in-place", "--yes", check=0)
    go.touch()

    assert "still runs, the next `run` goes on with it: slow" in found.stdout
    sandbox.run("run", check=0)
    assert Counter(words[1] for words in sandbox.entries() if words[0] == "begin") == {"first": 1, "slow": 1}
