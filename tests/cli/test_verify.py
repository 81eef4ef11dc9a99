"""`verify`: what is checked, and what is found."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fsm.transition import SPRINT_UNIT
from tests.cli.command import Command
from tests.report.scene import Scene, leaf


@pytest.fixture
def scene(home: Path) -> Scene:
    """A completed run with its PROGRESS.yaml."""
    with Scene(home, leaf("a"), leaf("b")).begin() as made:
        for name in "ab":
            made.spawn(name)
            made.succeed(name)
        made.move(SPRINT_UNIT, "complete")
        made.publish()
    return made


def change(scene: Scene, *statements: str) -> None:
    """Does to the database what nobody should."""
    with closing(sqlite3.connect(scene.paths.journal, isolation_level=None)) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%never%'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)


def test_a_whole_record_is_called_whole_and_says_what_was_looked_at(
    scene: Scene, fsm_sprint: Command
) -> None:
    seq, last = scene.journal.head
    shown = fsm_sprint("verify").out.splitlines()

    assert shown[0].startswith(
        "all of it is whole: 10 rows chained, legal and folded in 1 run, 3 units, 1 texts, PROGRESS.yaml at row 10; "
    )
    assert shown[1] == f"head: row {seq}, {last}"
    document = fsm_sprint("verify", "--json").document
    assert (document["ok"], document["problems"], document["checked"]["progress"]) == (True, [], 10)


@pytest.mark.parametrize(
    ("statement", "seq", "said"),
    [
        ("UPDATE transitions SET at = at + 1 WHERE seq = 5", 5, "the chain is broken"),
        ("UPDATE transitions SET facts = '{}' WHERE seq = 4", 4, "the chain is broken"),
        ("DELETE FROM transitions WHERE seq = 6", 7, "row 7 follows row 5"),
        ("UPDATE units SET state = 'failed' WHERE path = 'a'", 6, "`units` has a as"),
        ("UPDATE totals SET n = n + 1 WHERE machine = 'task'", 0, "`totals` says"),
        ("UPDATE texts SET text = text || ' '", 0, "is not what was stored"),
        ("DELETE FROM units WHERE path = 'b'", 9, "`units` lacks b"),
    ],
)
def test_whatever_was_changed_is_found_with_its_row(
    scene: Scene, fsm_sprint: Command, statement: str, seq: int, said: str
) -> None:
    change(scene, statement)
    problems = fsm_sprint("verify", "--json", check=5).document["problems"]

    assert any(one["seq"] == seq and said in one["message"] for one in problems), problems
    shown = fsm_sprint("verify", check=5)
    assert shown.out.startswith("problem: ")
    assert "hint: " in shown.err


def test_a_row_that_is_chained_but_could_not_happen_is_found(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        row = scene.move("a", "spawn", {"name": "a", "log": "l"}, attempt=1)
        scene.journal.append(
            row._replace(seq=row.seq + 1, trigger="succeed", dest="completed", source="running")
        )
    messages = [one["message"] for one in fsm_sprint("verify", "--json", check=5).document["problems"]]

    assert any("a was the task in state spawned" in message for message in messages)
    assert any("the fold of run run-1 stops here" in message for message in messages)


def test_a_hand_edit_of_progress_is_called_one(scene: Scene, fsm_sprint: Command) -> None:
    text = scene.paths.progress.read_text()
    scene.paths.progress.write_text(text.replace("status: completed", "status: failed"))
    done = fsm_sprint("verify", check=5)

    assert "problem: row 10: PROGRESS.yaml was edited by hand" in done.out
    assert "replay --rebuild" in done.err
    fsm_sprint("replay", "--rebuild")
    fsm_sprint("verify")


def test_progress_with_a_true_checksum_that_says_something_else_is_found(
    scene: Scene, home: Path, tmp_path: Path, fsm_sprint: Command
) -> None:
    with Scene(tmp_path / "other", leaf("a"), leaf("b"), sprint_id="goat").begin() as other:
        for name in "ab":
            other.spawn(name)
            other.succeed(name)
        other.move(SPRINT_UNIT, "complete")
        other.publish()
    shutil.copy(other.paths.progress, scene.paths.progress)
    problems = fsm_sprint("verify", "--json", check=5).document["problems"]

    assert [(one["seq"], "differs from the fold" in one["message"]) for one in problems] == [(10, True)]


def test_progress_that_lags_behind_is_compared_with_the_row_that_it_shows(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.publish()
        scene.succeed("a")
    done = fsm_sprint("verify")

    assert "PROGRESS.yaml at row 5" in done.out
    assert "note: PROGRESS.yaml shows row 5 of 6" in done.err


def test_progress_that_knows_more_than_the_journal_shows_that_its_end_is_gone(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.commit()
        kept = home / "kept.db"
        with (
            closing(sqlite3.connect(scene.paths.journal)) as source,
            closing(sqlite3.connect(kept)) as target,
        ):
            source.backup(target)
        scene.succeed("a")
        scene.commit()
        scene.publish()
    for file in scene.paths.state.glob("journal.db*"):
        file.unlink()
    kept.rename(scene.paths.journal)

    done = fsm_sprint("verify", check=5)

    assert "but the journal ends at row 5" in done.out
    assert "journal recover" in done.err, "to write PROGRESS.yaml anew would take away what tells of the rows"


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
@pytest.mark.parametrize("words", [["verify"], ["status"], ["replay"], ["logs"]], ids=" ".join)
def test_a_journal_that_is_gone_is_not_taken_for_one_that_never_was(
    scene: Scene, fsm_sprint: Command, words: list[str], left: str
) -> None:
    scene.paths.attempt("a", 1).mkdir(exist_ok=True)
    for file in scene.paths.state.glob("journal.db*"):
        file.unlink()
    if left == "an empty file":
        scene.paths.journal.touch()

    assert "shows that there was one" in fsm_sprint(*words, check=5).err


def test_a_missing_progress_is_only_noted(scene: Scene, fsm_sprint: Command) -> None:
    scene.paths.progress.unlink()

    assert "note: there is no PROGRESS.yaml to compare with" in fsm_sprint("verify").err
    scene.paths.progress.write_text("status: completed\n")
    assert "was not written by fsm-sprint" in fsm_sprint("verify", check=5).out


def test_a_lost_end_is_found_by_who_kept_the_head(scene: Scene, fsm_sprint: Command) -> None:
    last = scene.journal.head[1]
    scene.paths.progress.unlink()

    fsm_sprint("verify", "--head", last[:12], "--min-seq", "10")
    change(
        scene,
        "DELETE FROM transitions WHERE seq = 10",
        "UPDATE units SET state = 'in-progress', seq = 3, since = since - 7000 WHERE path = '#sprint'",
    )
    assert "no row has the hash" in fsm_sprint("verify", "--head", last, check=5).out
    assert "there are 9 rows where there were 10" in fsm_sprint("verify", "--min-seq", "10", check=5).out
    assert "8 hex digits" in fsm_sprint("verify", "--head", "xyz", check=2).err


def test_a_journal_may_be_named_by_its_file(scene: Scene, fsm_sprint: Command) -> None:
    done = fsm_sprint("verify", scene.paths.journal)

    assert "PROGRESS.yaml" not in done.out


def test_torn_pages_are_a_finding_and_not_a_traceback(scene: Scene, fsm_sprint: Command) -> None:
    raw = bytearray(scene.paths.journal.read_bytes())
    raw[4096 * 2 : 4096 * 4] = b"\xa5" * 8192
    scene.paths.journal.write_bytes(raw)
    done = fsm_sprint("verify", check=5)

    assert "problem" in done.out + done.err or "error" in done.err


def test_a_truncated_journal_is_refused(scene: Scene, fsm_sprint: Command) -> None:
    scene.paths.journal.write_bytes(scene.paths.journal.read_bytes()[:300])

    assert fsm_sprint("verify", check=5)
