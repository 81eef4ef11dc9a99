"""`journal`: copies, the way into text and back, and going on from what is whole of a damaged one."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fsm import attempt
from fsm.engine import seeds
from fsm.plan import dump
from fsm.states import TaskState
from fsm.transition import SPRINT_UNIT
from fsm_sprint.cli import journal as module
from journal.reader import open_reader
from journal.watch import identity
from tests.cli.command import Command
from tests.report.scene import Scene, leaf


@pytest.fixture
def scene(home: Path) -> Scene:
    """`a` has ended in row 6, `b` failed in row 9 and runs again since row 12, `c` and `d` have not begun."""
    with begun(Scene(home, leaf("a"), leaf("b"), leaf("c"), leaf("d", parallel=True))) as made:
        made.spawn("a")
        made.succeed("a")
        made.spawn("b")
        made.fail("b")
        made.move("b", "retry", {"by": "run"}, attempt=1)
        made.spawn("b", attempt=2)
        made.publish()
    return made


def begun(scene: Scene) -> Scene:
    """As `Scene.begin`, under a lease that knows the file, as those of supervisors do."""
    scene.move(SPRINT_UNIT, "amend", {"plan": scene.journal.keep(dump(scene.plan))})
    scene.journal.seed(scene.sprint.run, seeds(scene.sprint))
    scene.epoch += 1
    scene.move(SPRINT_UNIT, "lease", {"pid": 4711, "host": "here", **identity(scene.paths.journal)})
    scene.move(SPRINT_UNIT, "start")
    return scene


def record(scene: Scene, unit: str, number: int, **exit_: Any) -> None:
    """What a shim has written down of an attempt: that it started and, with fields, how it ended."""
    folder = scene.paths.attempt(unit, number)
    folder.mkdir(exist_ok=True)
    end = attempt.sector("exit", exit_) if exit_ else b"\0" * attempt.SECTOR
    (folder / "attempt").write_bytes(end + attempt.sector("started", {"pid": 7, "start": "1"}))


def damage(scene: Scene, statement: str) -> None:
    """Does to the rows what nobody should."""
    with closing(sqlite3.connect(scene.paths.journal, isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


def states(journal: Path) -> dict[str, tuple[str, int]]:
    with open_reader(journal) as reader:
        return {unit.path: (unit.state, unit.attempt) for unit in reader.units("run-1")}


def whole(fsm_sprint: Command, *words: str | Path) -> None:
    assert fsm_sprint("verify", *words).out.startswith("all of it is whole")


# -- backup, export, import


def test_a_backup_is_whole_and_named_by_its_head(scene: Scene, fsm_sprint: Command, tmp_path: Path) -> None:
    done = fsm_sprint("journal", "backup", "-o", tmp_path / "copy.db")

    seq, head = scene.journal.head
    assert done.out.splitlines() == [f"wrote {tmp_path / 'copy.db'}, {seq} rows", f"head: row {seq}, {head}"]
    whole(fsm_sprint, tmp_path / "copy.db")
    assert "exists already" in fsm_sprint("journal", "backup", "-o", tmp_path / "copy.db", check=4).err


def test_a_backup_of_a_damaged_journal_says_so(scene: Scene, fsm_sprint: Command, tmp_path: Path) -> None:
    damage(scene, "UPDATE transitions SET at = 7 WHERE seq = 6")

    done = fsm_sprint("journal", "backup", "-o", tmp_path / "copy.db", check=5)

    assert "is as damaged as" in done.err
    assert "journal recover" in done.err


def test_an_export_comes_back_as_a_journal_that_tells_the_same(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    lines, again = tmp_path / "export.jsonl", tmp_path / "again.db"
    fsm_sprint("journal", "export", "-o", lines)
    assert fsm_sprint("journal", "export").out == lines.read_text()

    done = fsm_sprint("journal", "import", lines, "-o", again)

    assert done.out.splitlines()[1] == "head: row {}, {}".format(*scene.journal.head)
    whole(fsm_sprint, again)
    for words in (["replay"], ["replay", "--json"], ["status", "--json"], ["replay", "--rebuild", "-o", "-"]):
        if words[0] != "status":
            assert fsm_sprint(*words, again).out == fsm_sprint(*words).out, words
    shutil.rmtree(scene.paths.state)
    scene.paths.state.mkdir()
    shutil.copyfile(again, scene.paths.journal)
    assert "1 of 4 tasks done" in fsm_sprint("status").out
    published = scene.paths.progress.read_bytes()
    fsm_sprint("replay", "--rebuild")
    assert scene.paths.progress.read_bytes() == published


def test_what_is_no_export_is_refused_with_its_line(fsm_sprint: Command, tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"a": 1}\n')

    done = fsm_sprint("journal", "import", tmp_path / "x", "-o", tmp_path / "x.db", check=3)

    assert done.err.startswith(f"error: {tmp_path / 'x'}, line 1: no export of a journal\nhint: ")
    assert "No such file" in fsm_sprint("journal", "import", "gone", "-o", tmp_path / "x.db", check=4).err


def test_an_export_that_was_changed_is_refused_as_damaged(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    lines = tmp_path / "export.jsonl"
    fsm_sprint("journal", "export", "-o", lines)
    lines.write_text(lines.read_text().replace('"trigger":"succeed"', '"trigger":"fail"'))

    done = fsm_sprint("journal", "import", lines, "-o", tmp_path / "x.db", check=5)

    assert "line 8: row 6: the chain is broken" in done.err


def test_a_failed_export_leaves_no_file(scene: Scene, fsm_sprint: Command, tmp_path: Path) -> None:
    damage(scene, "UPDATE transitions SET at = 7 WHERE seq = 6")

    fsm_sprint("journal", "export", "-o", tmp_path / "x", check=5)

    assert not (tmp_path / "x").exists()


# -- recover


def test_nothing_is_made_of_a_journal_that_is_whole(scene: Scene, fsm_sprint: Command) -> None:
    record(scene, "a", 1)
    record(scene, "b", 1)
    record(scene, "b", 2)

    assert fsm_sprint("journal", "recover").out == f"nothing is wrong with {scene.paths.journal}\n"

    assert not list(scene.paths.state.glob("*recovered*"))


def test_the_longest_whole_beginning_is_written_and_how_to_use_it_is_told(
    scene: Scene, fsm_sprint: Command
) -> None:
    before = rows(scene.paths.journal)
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 9")
    bad = scene.paths.journal.read_bytes()
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number)

    done = fsm_sprint("journal", "recover")

    new = scene.paths.state / "journal.recovered.db"
    assert rows(new)[:8] == before[:8]
    whole(fsm_sprint, new)
    assert f"wrote {new}: rows 1 to 8 of it; 4 after them are left behind" in done.out
    assert "mv -n .fsm-sprint/journal.recovered.db .fsm-sprint/journal.db" in done.out
    assert scene.paths.journal.read_bytes() == bad
    lease = rows(new)[8]
    assert (lease.trigger, lease.epoch) == ("lease", 2)
    said = lease.decoded()["recovered"]
    assert (said["rows"], said["left-behind"]) == (8, 4)
    assert len(said["digests"]["journal.db"]) == 64
    assert states(new)["b"] == ("running", 2)


def rows(journal: Path) -> list[Any]:
    with open_reader(journal) as reader:
        return list(reader.stored())


def test_what_is_not_known_of_is_lost_and_what_left_a_record_is_not(
    scene: Scene, fsm_sprint: Command
) -> None:
    """`a` succeeded unknown to what is left, `b` ran and left nothing."""
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 6")
    record(scene, "a", 1, why="exit", status=0, ended=1)
    for number in (1, 2):
        scene.paths.attempt("b", number).rmdir()

    fsm_sprint("journal", "recover", "--in-place", "--yes")

    found = states(scene.paths.journal)
    assert found["a"] == ("running", 1), "the next run reads its record"
    assert found["b"] == ("pending", 0)


def test_an_attempt_whose_directory_is_gone_is_lost(scene: Scene, fsm_sprint: Command) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 9")
    record(scene, "a", 1)
    for number in (1, 2):
        scene.paths.attempt("b", number).rmdir()

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert "lost, nothing tells what became of it: b" in done.out
    assert states(scene.paths.journal)["b"][0] == TaskState.FAILED
    assert rows(scene.paths.journal)[-1].trigger == "block"


def test_put_in_place_the_damaged_one_is_kept_and_every_command_goes_on(
    scene: Scene, fsm_sprint: Command
) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 9")
    bad = scene.paths.journal.read_bytes()
    record(scene, "a", 1)
    record(scene, "b", 1)
    record(scene, "b", 2)

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    kept = scene.paths.state / "journal.db.damaged-1"
    assert f"the damaged journal is kept as {kept}" in done.out
    assert kept.read_bytes() == bad
    whole(fsm_sprint)
    assert "b" in fsm_sprint("status").out
    assert "goes on from a damaged journal" in fsm_sprint("replay").out
    fsm_sprint("replay", "--rebuild")
    whole(fsm_sprint)
    assert fsm_sprint("journal", "recover").out.startswith("nothing is wrong")


def test_a_header_that_is_gone_costs_no_row(scene: Scene, fsm_sprint: Command) -> None:
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number)
    before = rows(scene.paths.journal)
    for end in ("-wal", "-shm"):
        Path(f"{scene.paths.journal}{end}").unlink(missing_ok=True)
    with scene.paths.journal.open("r+b") as file:
        file.write(b"\0" * 4096)

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert f"rows 1 to {len(before)} of it\n" in done.out
    assert rows(scene.paths.journal)[: len(before)] == before


def test_a_plan_that_cannot_be_read_leaves_nothing_to_go_on_with(scene: Scene, fsm_sprint: Command) -> None:
    damage(scene, "UPDATE texts SET text = '{}'")

    done = fsm_sprint("journal", "recover", check=5)

    assert "nothing of" in done.err
    assert "a text that it needs cannot be read" in done.err
    assert not list(scene.paths.state.glob("*recovered*"))


def test_a_tail_that_progress_yaml_knows_of_is_missed(scene: Scene, fsm_sprint: Command) -> None:
    """Such a journal is whole; that it is an earlier one shows by what stands beside it."""
    damage(scene, "DELETE FROM transitions WHERE seq > 10")
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number)

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert "rows 1 to 10 of it; 2 after them are left behind" in done.out
    assert "taken up by what lies in attempts/: b" in done.out
    assert states(scene.paths.journal)["b"] == ("running", 2)


def test_a_background_task_is_taken_up_with_the_log_that_bears_its_time(
    scene: Scene, fsm_sprint: Command
) -> None:
    record(scene, "d", 1, why="exit", status=0, ended=1)
    made = int(scene.paths.attempt("d", 1).stat().st_mtime)
    for at in (made - 100, made, made + 50):
        (scene.paths.logs / f"d-{at}.log").touch()
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number)

    fsm_sprint("journal", "recover", "--in-place", "--yes")

    spawned = next(row for row in rows(scene.paths.journal) if (row.unit, row.trigger) == ("d", "spawn"))
    assert spawned.decoded()["task"] == f"d-{made}"
    assert spawned.decoded()["log"] == f"logs/d-{made}.log"


def test_a_backup_that_was_put_back_goes_on_with_what_is_there(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number)
    fsm_sprint("journal", "backup", "-o", tmp_path / "copy.db")
    put = scene.paths.state / "put-back.db"
    shutil.copyfile(
        tmp_path / "copy.db", put
    )  # beside the old one: a file that is gone may leave its inode to it
    for file in scene.paths.state.glob("journal.db*"):
        file.unlink()
    put.rename(scene.paths.journal)

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert "it is another file than the one that its last supervisor had" in done.out
    assert states(scene.paths.journal)["b"] == ("running", 2)
    assert fsm_sprint("journal", "recover").out.startswith("nothing is wrong")


def test_a_copy_of_a_sprint_does_not_own_what_ran_in_the_original(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    shutil.copytree(scene.paths.directory, tmp_path / "copy")

    done = fsm_sprint("journal", "recover", tmp_path / "copy", "--in-place", "--yes")

    assert "lost, nothing tells what became of it: b" in done.out
    assert states(tmp_path / "copy" / ".fsm-sprint" / "journal.db")["b"] == ("failed", 2)


def test_a_damaged_copy_makes_room_for_what_runs_again_in_it(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    """Its attempts were the original's; the new journal of the copy gives their numbers again."""
    for unit, number in (("a", 1), ("b", 1), ("b", 2)):
        record(scene, unit, number, why="exit", status=0, ended=1)
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 7")
    shutil.copytree(scene.paths.directory, tmp_path / "copy")
    state = tmp_path / "copy" / ".fsm-sprint"

    done = fsm_sprint("journal", "recover", tmp_path / "copy", "--in-place", "--yes")

    assert "of nothing that is left, set aside when it is put in place: b.1" in done.out
    assert sorted(folder.name for folder in (state / "attempts").iterdir()) == ["a.1"]
    assert (state / "journal.db.damaged-1-b.2").is_dir()
    assert states(state / "journal.db")["b"] == ("pending", 0)
    assert scene.paths.attempt("b", 2).is_dir(), "the original keeps its own"


def test_what_still_runs_and_is_known_is_said_and_left_to_the_next_run(
    scene: Scene, fsm_sprint: Command
) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 12")
    record(scene, "a", 1)
    record(scene, "b", 1)
    record(scene, "b", 2)
    scene.live("b", attempt=2)

    done = fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert "still runs, the next `run` goes on with it: b" in done.out


def test_what_still_runs_and_nothing_knows_of_is_refused(scene: Scene, fsm_sprint: Command) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 12")
    record(scene, "a", 1)
    record(scene, "stranger", 1)
    scene.live("stranger")
    bad = scene.paths.journal.read_bytes()

    done = fsm_sprint("journal", "recover", "--in-place", "--yes", check=4)

    assert "still runs, and is unknown to the new journal: stranger.1" in done.out
    assert scene.paths.journal.read_bytes() == bad
    assert not list(scene.paths.state.glob("*recovered*"))


def test_directories_of_rows_that_are_gone_make_room_for_new_ones(scene: Scene, fsm_sprint: Command) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 12")
    record(scene, "a~2", 1)
    (scene.paths.logs / "a~2.log").write_text("of a run that nothing knows of")

    fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert not scene.paths.attempt("a~2", 1).exists()
    assert (scene.paths.state / "journal.db.damaged-1-a~2.log").exists()


def test_a_living_supervisor_is_not_recovered_from(scene: Scene, fsm_sprint: Command) -> None:
    with scene.supervise():
        done = fsm_sprint("journal", "recover", "--in-place", "--yes", check=6)

    assert "another supervisor" in done.err


def test_a_journal_named_by_itself_goes_on_with_what_had_not_ended_lost(
    scene: Scene, fsm_sprint: Command, tmp_path: Path
) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 12")
    shutil.copyfile(scene.paths.journal, tmp_path / "theirs.db")

    done = fsm_sprint("journal", "recover", tmp_path / "theirs.db")

    assert "lost, nothing tells what became of it" not in done.out
    assert states(tmp_path / "theirs.recovered.db")["b"] == ("pending", 2), "it was only spawned"
    whole(fsm_sprint, tmp_path / "theirs.recovered.db")


@pytest.mark.parametrize(("answer", "replaced"), [(True, True), (False, False)], ids=["yes", "no"])
def test_a_person_at_a_terminal_is_asked(
    scene: Scene,
    fsm_sprint: Command,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
    replaced: bool,
) -> None:
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 12")
    monkeypatch.setattr(module, "_asked", lambda: True)
    monkeypatch.setattr(module, "_wanted", lambda paths: answer)

    done = fsm_sprint("journal", "recover")

    assert (scene.paths.state / "journal.db.damaged-1").exists() is replaced
    assert ("to put it in place" in done.out) is not replaced


@pytest.mark.parametrize(
    "words", [["--in-place", "-o", "x"], ["--yes"], ["theirs.db", "--in-place"], ["--in-place"]], ids=" ".join
)
def test_contradictions_are_refused(scene: Scene, fsm_sprint: Command, words: list[str]) -> None:
    shutil.copyfile(scene.paths.journal, scene.paths.directory / "theirs.db")

    fsm_sprint("journal", "recover", *words, check=2)


def test_a_sprint_that_only_had_its_plan_begins(home: Path, fsm_sprint: Command) -> None:
    with begun(Scene(home, leaf("a"))) as scene:
        pass
    damage(scene, "UPDATE transitions SET facts = '{}' WHERE seq = 3")

    fsm_sprint("journal", "recover", "--in-place", "--yes")

    assert states(scene.paths.journal)[SPRINT_UNIT][0] == "in-progress"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to read it")
def test_a_path_that_a_terminal_would_obey_is_told_by_its_bytes() -> None:
    name = "a\x1b]52;c\x07b'\\ü\u202e x"
    typed = module._typed(Path(name))

    assert typed.isascii()
    assert typed.isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {typed}"], capture_output=True, check=True)
    assert read.stdout == os.fsencode(name)
