"""A journal that rots, is cut off, loses its WAL or gets another's: `run` refuses with 5 and starts nothing.

The bytes of a journal by itself are flipped in tests/journal/test_damage.py, every one of them; here it is the command
that meets the damage, with a plan that still has work in it, and what counts is whether anything was begun.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults.campaign import Campaign
from tests.faults.judge import lines_of
from tests.faults.plans import Generated, script
from tests.faults.stage import Stage, Violated
from tests.journal.harm import tampered

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]

DONE, FAULT, DAMAGED = 0, 4, 5
Record = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]


def sprint(tasks: int) -> Generated:
    phases: list[dict[str, object]] = [{"id": f"p{n}", "run": script(f"p{n}", 0)} for n in range(tasks)]
    phases[tasks * 3 // 4]["break"] = True
    workflow = {"name": "w", "schema-version": "2.0", "phases": phases}
    return Generated(sprint={"workflow": "w", "sprint-id": "rot"}, workflows={"w.yaml": workflow}, seed=0)


class Rotten:
    """A sprint at its breakpoint, with all its files kept aside so that it can be damaged again and again."""

    def __init__(self, home: Path, tasks: int = 16) -> None:
        self.stage = Stage(home, sprint(tasks))
        self.stage.write()
        self.stage.run("run", codes=(10,))
        self.keep()

    def keep(self) -> None:
        self.aside = self.stage.home / "aside"
        shutil.rmtree(self.aside, ignore_errors=True)
        shutil.copytree(self.stage.directory, self.aside)
        self.whole = self.stage.journal.read_bytes()
        self.ledger = self.stage.ledger.read_bytes()
        self.true = record(self.stage.journal)
        assert self.true is not None

    def restore(self, content: bytes | None = None) -> None:
        """Everything as it was; the journal, the same file, with this content."""
        for name in ("attempts", "logs"):
            aside, place = self.aside / ".fsm-sprint" / name, self.stage.directory / ".fsm-sprint" / name
            if name == "logs":
                aside, place = self.aside / name, self.stage.directory / name
            shutil.rmtree(place)
            shutil.copytree(aside, place)
        shutil.copyfile(self.aside / "PROGRESS.yaml", self.stage.directory / "PROGRESS.yaml")
        for suffix in ("-wal", "-shm"):
            self.beside(suffix).unlink(missing_ok=True)
            kept = self.aside / ".fsm-sprint" / f"journal.db{suffix}"
            if kept.exists():
                shutil.copyfile(kept, self.beside(suffix))
        self.stage.journal.write_bytes(self.whole if content is None else content)
        self.stage.ledger.write_bytes(self.ledger)
        for lock in self.stage.home.joinpath("ledger.locks").iterdir():
            lock.unlink()

    def beside(self, suffix: str) -> Path:
        return self.stage.journal.with_name(f"journal.db{suffix}")

    def run(self) -> int:
        """What `run` says. Violated when it began something although the record is not what it was."""
        same = record(self.stage.journal) == self.true
        code = self.stage.run("run", codes=(DONE, DAMAGED, FAULT))
        began = self.stage.ledger.read_bytes() != self.ledger
        if not same and began:
            raise Violated(f"it began something on a journal that is damaged: {self.stage.said()}")
        if not same and code != DAMAGED:
            raise Violated(f"it ended with {code}: {self.stage.said()}")
        if same and code == DONE and not began:
            raise Violated(f"it did nothing: {self.stage.said()}")
        return code

    def clear(self) -> None:
        self.stage.clear()


def record(journal: Path) -> Record | None:
    """Rows and texts, for whoever can read them at all. The file is not touched by looking."""
    copy = journal.with_name("copy.db")
    shutil.copyfile(journal, copy)
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as reader:
            rows = reader.execute("SELECT * FROM transitions ORDER BY seq").fetchall()
            texts = reader.execute("SELECT * FROM texts ORDER BY digest").fetchall()
            (mode,) = reader.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'transitions'"
            ).fetchone()
            return (rows, texts) if mode else None
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    finally:
        copy.unlink()


@pytest.fixture
def rotten(tmp_path: Path) -> Iterator[Rotten]:
    made = Rotten(tmp_path / "home")
    yield made
    made.clear()


def test_no_run_begins_anything_on_a_journal_with_a_flipped_bit(rotten: Rotten, campaign: Campaign) -> None:
    whole = rotten.whole
    known = range(3, len(whole), 37)
    places = campaign.share(known, lambda _: "flipped bits", quick=8, normal=12)
    # Of these no start is tried at any level; tests/journal/test_damage.py flips every byte for who reads and writes.
    campaign.skipped("bytes that are never flipped", len(whole) - len(known))
    for place in places:
        rotten.restore(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            campaign.note(f"exit code {rotten.run()}")
        except Violated as violated:
            raise Violated(f"byte {place}: {violated}") from None
        campaign.ran("flipped bits")


def test_no_run_begins_anything_on_a_journal_that_was_cut_off(rotten: Rotten, campaign: Campaign) -> None:
    sizes = range(0, len(rotten.whole), 512)
    for size in campaign.share(sizes, lambda _: "sizes", quick=4, normal=6):
        rotten.restore(rotten.whole[:size])
        assert rotten.run() == DAMAGED, f"cut off at {size}: {rotten.stage.said()}"
        campaign.ran("sizes")


SWAP = (
    "UPDATE transitions SET seq = CASE seq WHEN {a} THEN -{b} ELSE -{a} END WHERE seq IN ({a}, {b})",
    "UPDATE transitions SET seq = -seq WHERE seq < 0",
)


def test_no_run_begins_anything_on_rows_that_were_swapped_or_taken_out(
    rotten: Rotten, campaign: Campaign
) -> None:
    last = len(rotten.true[0]) if rotten.true else 0
    for at in campaign.share(range(1, last), lambda _: "rows", quick=2, normal=4):
        for statements in (
            [text.format(a=at, b=at + 1) for text in SWAP],
            [f"DELETE FROM transitions WHERE seq = {at}"],
            [f"UPDATE transitions SET facts = facts || ' ' WHERE seq = {at}"],
        ):
            rotten.restore()
            tampered(rotten.stage.journal, *statements)
            assert rotten.run() == DAMAGED, f"{statements}: {rotten.stage.said()}"
            campaign.ran("rows")


def test_a_tail_that_was_dropped_is_found_against_a_head_that_was_kept(
    rotten: Rotten, campaign: Campaign
) -> None:
    assert rotten.true is not None
    last = len(rotten.true[0])
    head = str(rotten.true[0][-1][-1])
    for seq in campaign.share(range(2, last + 1), lambda _: "tails", quick=2, normal=4):
        rotten.restore()
        tampered(rotten.stage.journal, f"DELETE FROM transitions WHERE seq >= {seq}")
        rotten.stage.run("verify", "--head", head[:12], codes=(DAMAGED,))
        campaign.ran("tails")


def test_a_lost_or_foreign_wal_lets_nothing_run_twice(tmp_path: Path, campaign: Campaign) -> None:
    """What the WAL held is lost, and the directories of its attempts tell: an attempt is never begun again."""
    rotten = Rotten(tmp_path / "home")
    other = Rotten(tmp_path / "other", tasks=8)
    try:
        for one in (rotten, other):
            killed(one)
            one.keep()
        foreign = other.beside("-wal").read_bytes()
        for name, content in (("missing", None), ("empty", b""), ("foreign", foreign), ("half", b"half")):
            rotten.restore()
            wal = rotten.beside("-wal")
            whole = wal.read_bytes()
            wal.unlink()
            rotten.beside("-shm").unlink(missing_ok=True)
            if content is not None:
                wal.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
            code = rotten.stage.run("run", codes=(DONE, DAMAGED))
            campaign.note(f"{name} -wal: {code}")
            campaign.ran("WALs")
            began = [line[1] for line in lines_of(rotten.stage.ledger) if line[0] == "begin"]
            twice = {task for task in began if began.count(task) > 1}
            assert not twice, f"{name}: {twice} ran again; {rotten.stage.said()}"
    finally:
        rotten.clear()
        other.clear()


def killed(rotten: Rotten) -> None:
    """Goes on from the breakpoint, and is killed with its last commits in the WAL."""
    stage = rotten.stage
    before = stage.ledger.read_text().count("end")
    process = stage.start("run")
    wait_until(lambda: stage.ledger.read_text().count("end") > before)
    process.kill()
    process.wait()
    wait_until(lambda: not stage.victims())
