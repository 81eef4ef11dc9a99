"""`replay`: the story of a run, its state at any moment, and PROGRESS.yaml from the journal alone."""

import json
import shutil
from pathlib import Path

import pytest

from fsm.plan import Group
from fsm.simulate import RUN, Mortal, Simulation
from fsm.sprint import fold
from fsm.transition import SPRINT_UNIT
from journal.backup import backup
from journal.memory import MemoryJournal, Rows
from journal.progress import render
from journal.store import SqliteJournal
from tests.cli.command import Command
from tests.report.scene import NOON, Scene, leaf


def crashed_and_completed(home: Path, *, run: str = "run-1") -> None:
    group = Group(id="dev", path="dev", level="phase", children=(leaf("dev/a"), leaf("dev/b")))
    with Scene(home, group, run=run) as scene:
        if scene.journal.head[0]:
            scene.epoch, scene.at = 2, NOON + 3_600_000
        scene.begin(pid=1)
        scene.move("dev", "start")
        scene.spawn("dev/a", "x")
        scene.at += 30_000
        scene.lease(pid=2)
        scene.move("dev/a", "adopt", attempt=1)
        scene.succeed("dev/a")
        scene.spawn("dev/b", "y")
        scene.succeed("dev/b")
        scene.move("dev", "complete")
        scene.move(SPRINT_UNIT, "complete")
        scene.publish()


def test_the_story_is_told_from_beginning_to_end(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home)
    shown = fsm_sprint("replay").out.splitlines()

    assert shown[0] == "run run-1, from row 1 on"
    texts = [line[17:].split(None, 1) for line in shown[2:16]]
    assert ["boat", "supervisor 1 (pid 1 on here) began"] in texts
    assert any(
        text.endswith(
            "31 s after the last row of supervisor 1, which had ended while 1 task ran; adopted 1 task"
        )
        for _, text in texts
    )
    assert shown[-2:] == [
        "2 of 2 tasks done; 43 s in all",
        "2 attempts, 0 failed, 1 adopted, 2 supervisors, 1 crash survived",
    ]


def test_the_state_at_an_earlier_row(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home)
    shown = fsm_sprint("replay", "--at", "6").out.splitlines()

    assert shown[-4].startswith("after row 6, ")
    assert shown[-4].endswith(": the sprint is in-progress")
    assert shown[-3] == "  running: dev/a, attempt 1, for 0 ms"
    assert shown[-2] == "0 of 2 tasks done, 1 running; 5.0 s in all"
    state = json.loads(fsm_sprint("replay", "--at", "6", "--json").out)["state"]
    assert {unit["unit"]: unit["state"] for unit in state["units"]} == {
        "dev": "in-progress",
        "dev/a": "running",
        "dev/b": "pending",
    }


def test_a_moment_may_be_a_time(home: Path, fsm_sprint: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed_and_completed(home)
    for time in ("2024-01-18T12:00:06Z", "2024-01-18T13:00:06.999+01:00"):
        assert json.loads(fsm_sprint("replay", "--json", "--at", time).out)["rows"][-1]["seq"] == 6
    monkeypatch.setenv("TZ", "UTC")
    import time as clock

    clock.tzset()
    assert json.loads(fsm_sprint("replay", "--json", "--at", "12:00:06").out)["rows"][-1]["seq"] == 6
    assert json.loads(fsm_sprint("replay", "--json", "--at", "12:01").out)["rows"][-1]["seq"] == 14
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("99", "there is no row 99 in this run"),
        ("0", "there is no row 0 in this run"),
        ("noon", "'noon' is neither a row nor a time"),
        ("2024-01-18T11:00:00Z", "nothing of this run had happened then"),
    ],
)
def test_a_moment_that_never_was_is_refused(home: Path, fsm_sprint: Command, at: str, said: str) -> None:
    crashed_and_completed(home)
    done = fsm_sprint("replay", "--at", at, check=2)

    assert done.err.startswith(f"error: {said}\nhint: ")
    assert done.out == ""


def test_an_earlier_run_is_named_by_the_beginning_of_its_id(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home, run="20240118-a")
    crashed_and_completed(home, run="20240119-b")

    assert fsm_sprint("replay").out.startswith("run 20240119-b, from row 15 on")
    assert fsm_sprint("replay", "--run", "20240118").out.startswith("run 20240118-a, from row 1 on")
    assert "there are 20240118-a, 20240119-b" in fsm_sprint("replay", "--run", "2024", check=2).err
    assert "is no run" in fsm_sprint("replay", "--run", "x", check=2).err
    assert fsm_sprint("replay", "--at", "3", check=2).err.endswith("hint: it has rows from 15 to 28\n")


def test_the_document_holds_every_row_the_state_and_the_sum(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home)
    document = fsm_sprint("replay", "--json").document

    assert [row["seq"] for row in document["rows"]] == list(range(1, 15))
    assert document["rows"][0]["at"] == "2024-01-18T12:00:01.000Z"
    assert document["head"]["hash"] == document["rows"][-1]["hash"]
    assert (document["state"]["sprint"], document["state"]["tasks"]["completed"]) == ("completed", 2)
    assert document["summary"]["crashes"] == 1
    assert document["error"] is None


def test_progress_is_rebuilt_to_the_same_bytes_twice_and_from_a_copy_elsewhere(
    home: Path, tmp_path: Path, fsm_sprint: Command
) -> None:
    crashed_and_completed(home)
    progress = home / "PROGRESS.yaml"
    published = progress.read_bytes()
    for _ in range(2):
        progress.unlink()
        assert fsm_sprint("replay", "--rebuild").err == "wrote PROGRESS.yaml\n"
        assert progress.read_bytes() == published
    copy = backup(home / ".fsm-sprint" / "journal.db", tmp_path / "copy.db")
    shutil.rmtree(home / ".fsm-sprint")
    assert fsm_sprint("replay", copy, "--rebuild", "-o", "-", cwd=tmp_path).out.encode() == published
    fsm_sprint("replay", copy, "--rebuild", "-o", "elsewhere.yaml", cwd=tmp_path)
    assert (tmp_path / "elsewhere.yaml").read_bytes() == published


def test_progress_that_was_edited_is_kept_aside_when_it_is_rebuilt(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home)
    published = (home / "PROGRESS.yaml").read_bytes()
    (home / "PROGRESS.yaml").write_text("status: mine\n")
    done = fsm_sprint("replay", "--rebuild")

    assert (home / "PROGRESS.yaml").read_bytes() == published
    assert "is kept as PROGRESS.yaml.edited-14" in done.err
    assert (home / "PROGRESS.yaml.edited-14").read_text() == "status: mine\n"


def test_rebuilding_is_refused_while_a_supervisor_lives_unless_it_goes_elsewhere(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.commit()
        with scene.supervise():
            for words in ([], ["-o", "PROGRESS.yaml"]):
                done = fsm_sprint("replay", "--rebuild", *words, check=6)
                assert done.err.startswith("error: another supervisor runs this sprint (pid 4711")
            assert not scene.paths.progress.exists()
            assert fsm_sprint("replay", "--rebuild", "-o", "-").out == render(scene.sprint)


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--rebuild"],
        ["-o", "x"],
        ["--rebuild", "--at", "3"],
    ],
)
def test_what_makes_no_sense_together_is_refused(home: Path, fsm_sprint: Command, words: list[str]) -> None:
    crashed_and_completed(home)
    before = (home / "PROGRESS.yaml").read_bytes()

    assert "hint: " in fsm_sprint("replay", *words, check=2).err
    assert (home / "PROGRESS.yaml").read_bytes() == before


def test_a_journal_by_itself_has_no_place_to_rebuild_in(home: Path, fsm_sprint: Command) -> None:
    crashed_and_completed(home)
    done = fsm_sprint("replay", home / ".fsm-sprint" / "journal.db", "--rebuild", check=2)

    assert "say where to with -o FILE" in done.err


def test_a_journal_that_breaks_off_is_told_as_far_as_it_goes(home: Path, fsm_sprint: Command) -> None:
    """A row that is chained and legal by itself, but is not what the unit did."""
    with Scene(home, leaf("a")).begin() as scene:
        row = scene.move("a", "spawn", {"name": "a", "log": "l"}, attempt=1)
        scene.journal.append(row._replace(seq=row.seq + 1))
    document = fsm_sprint("replay", "--json", check=5)

    assert "row 5: a is spawned, not pending" in document.document["error"]
    assert len(document.document["rows"]) == 4
    told = fsm_sprint("replay", check=5)
    assert "attempt 1 prepared" in told.out
    assert "hint: `fsm-sprint verify` says all that is wrong with it" in told.err


def test_whatever_is_no_journal_is_refused(home: Path, fsm_sprint: Command) -> None:
    (home / "text.txt").write_text("not a database, and long enough to be looked at" * 100)

    assert "error: " in fsm_sprint("replay", "text.txt", check=5).err


@pytest.mark.parametrize("seed", range(6))
def test_any_simulated_run_can_be_told_and_rebuilt(home: Path, fsm_sprint: Command, seed: int) -> None:
    rows = Rows()

    def connect() -> Mortal:
        return MemoryJournal(rows)

    Simulation(seed, connect).run()
    memory = MemoryJournal(rows)
    (home / ".fsm-sprint").mkdir()
    with SqliteJournal.open(home / ".fsm-sprint" / "journal.db", primed=0) as journal:
        for row in memory.read():
            if row.trigger == "amend":
                journal.keep(memory.text(row.decoded()["plan"]))
            journal.append(row)
        journal.commit()
    document = fsm_sprint("replay", "--json").document

    assert document["state"]["sprint"] == "completed"
    assert document["summary"]["done"] <= document["summary"]["tasks"]
    assert all(row["text"] for row in document["rows"])
    expected = render(fold(memory.read(), RUN, memory.text))
    assert fsm_sprint("replay", "--rebuild", "-o", "-").out == expected
