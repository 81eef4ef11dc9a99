"""The ledger is a judge that can say no: what it is shown here never happened, and it notices each of it."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import copyfile, copytree

import pytest

from tests.e2e.sprints import Sandbox
from tests.faults.ledger import SECRET, lines, lost, moment, sandbox, torn, violations

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A tiny sprint that has been run, with nothing done to it."""
    box = sandbox(tmp_path_factory.mktemp("original") / "tiny")
    box.run("run", "-j", "2", check=0)
    return box


@pytest.fixture
def done(tmp_path: Path, original: Sandbox) -> Sandbox:
    """A copy of it: a forger may do what he likes."""
    box = sandbox(tmp_path / "tiny")
    copytree(original.directory, box.directory, dirs_exist_ok=True)
    copyfile(original.ledger, box.ledger)
    return box


def amend(box: Sandbox, old: str, new: str) -> None:
    """Forges the ledger."""
    text = box.ledger.read_text()
    assert old in text
    box.ledger.write_text(text.replace(old, new, 1))


def changed(box: Sandbox, sql: str, *values: object) -> None:
    """Forges the journal, which takes some breaking in."""
    with closing(sqlite3.connect(box.directory / ".fsm-sprint" / "journal.db")) as journal:
        for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            journal.execute(f"DROP TRIGGER {name}")
        journal.execute(sql, values)
        journal.commit()


def found(box: Sandbox, *, harmed: bool = False) -> set[str]:
    """Which invariants are said to be broken."""
    return {sentence.split(":")[0] for sentence in violations(box, harmed=harmed)}


def test_of_a_sprint_to_which_nothing_was_done_nothing_is_said(done: Sandbox) -> None:
    assert not list(violations(done))


def test_a_task_that_ran_twice_is_noticed(done: Sandbox) -> None:
    amend(done, "begin first 1 ", "begin first 1 4711 \nbegin first 1 ")
    assert "I7" in found(done, harmed=True)


def test_two_at_once_are_noticed(done: Sandbox) -> None:
    amend(done, "begin flaky 2 ", "overlap flaky 2 4711 \nbegin flaky 2 ")
    assert "I1" in found(done, harmed=True)


def test_a_task_that_ran_without_leave_is_noticed(done: Sandbox) -> None:
    amend(done, "begin flaky 2 ", "begin flaky 3 4711 \nbegin flaky 2 ")
    assert any(sentence.startswith("I4") for sentence in torn(moment(done)))


def test_an_attempt_that_writes_after_a_later_one_is_noticed(done: Sandbox) -> None:
    with done.ledger.open("a") as ledger:
        ledger.write("end flaky 1 4711 7\n")
    assert "I8" in found(done, harmed=True)


def test_a_code_that_is_not_the_true_one_is_noticed(done: Sandbox) -> None:
    amend(done, next(f" {line.pid} 7\n" for line in lines(done) if line.code == 7), " 4711 0\n")
    assert "I5" in found(done, harmed=True)


def test_a_code_of_a_task_that_never_came_to_its_end_is_noticed(done: Sandbox) -> None:
    end = next(line for line in lines(done) if line.kind == "end")
    amend(done, f"end {end.unit} {end.attempt} {end.pid} {end.code}\n", "")
    assert "I5" in found(done, harmed=True)


def test_a_try_too_many_is_noticed(done: Sandbox) -> None:
    amend(done, "begin first 1 ", "begin first 2 ")
    assert found(done) >= {"I4", "I5"}


def test_a_loss_that_need_not_have_been_is_noticed(done: Sandbox) -> None:
    changed(
        done,
        'UPDATE transitions SET facts = \'{"verdict":"lost","code":0}\''
        " WHERE unit = 'first' AND \"trigger\" = 'succeed'",
    )
    assert found(done, harmed=True) >= {"I17", "I18"}


def test_an_abort_of_what_ran_is_noticed(done: Sandbox) -> None:
    changed(
        done, "UPDATE transitions SET \"trigger\" = 'abort' WHERE unit = 'first' AND \"trigger\" = 'succeed'"
    )
    assert "I6" in found(done, harmed=True)


def test_rows_that_are_gone_are_noticed(done: Sandbox) -> None:
    before = moment(done)
    changed(done, "DELETE FROM transitions WHERE seq = (SELECT max(seq) FROM transitions)")
    assert any(sentence.startswith("I2") for sentence in lost(before, moment(done)))
    assert any(sentence.startswith("I2") for sentence in torn(moment(done)))


def test_a_progress_that_is_not_the_fold_is_noticed(done: Sandbox) -> None:
    with (done.directory / "PROGRESS.yaml").open("a") as progress:
        progress.write("more: true\n")
    assert "I3 I9 I12 I19" in found(done)


def test_a_secret_is_noticed(done: Sandbox) -> None:
    with (done.directory / "PROGRESS.yaml").open("a") as progress:
        progress.write(f"# {SECRET}\n")
    assert "I20" in found(done)


def test_what_is_left_running_is_noticed(done: Sandbox) -> None:
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, "LEDGER": str(done.ledger)}
    )
    try:
        assert any(sentence.startswith(f"I14: {left.pid}") for sentence in violations(done, patience=0.05))
    finally:
        left.kill()
        left.wait()


def test_a_sprint_that_has_not_come_to_its_end_is_noticed(tmp_path: Path) -> None:
    box = sandbox(tmp_path / "tiny")
    box.ledger.with_name(f"{box.ledger.name}.tried").mkdir()  # so that the flaky one succeeds at once
    (box.directory / ".claude" / "workflows" / "part.yaml").write_text(
        '{"name": "part", "schema-version": "2.0", "phases": [{"id": "build", "run": "exit 3"}]}'
    )
    box.run("run", check=1)
    assert "I10" in found(box)
