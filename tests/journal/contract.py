"""What every journal promises. `SqliteJournal` and `MemoryJournal` pass this one suite (test_contract.py).

A `World` is a disk: `open` is a process that connects to it, `kill` its death at that moment.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Protocol

import pytest

from fsm.plan import digest
from fsm.ports import Journal, Seed
from journal.errors import JournalBusy, JournalFault, JournalFenced
from journal.replay import verify
from tests.journal.rows import life, row

SEED = Seed("a/b", "task", "pending", "a", 1, "b", False)
AWKWARD = ["", "plain", "nul \0 inside", "ümlaut \U0001f600", "lone \ud800 surrogate", "x" * 1_000_000]


class World(Protocol):
    """One disk for several processes."""

    def open(self) -> Journal: ...

    def kill(self, journal: Any) -> None: ...

    def close(self) -> None: ...


class JournalContract:
    """Subclasses make the worlds."""

    def make_world(self) -> World:
        raise NotImplementedError

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with closing(self.make_world()) as made:
            yield made

    def test_an_empty_journal_has_no_head(self, world: World) -> None:
        journal = world.open()

        assert journal.head == (0, "")
        assert list(journal.read()) == []

    def test_a_row_is_returned_as_it_is_stored(self, world: World) -> None:
        journal = world.open()

        stored = journal.append(row())
        journal.commit()

        assert stored.hash
        assert stored._replace(hash="") == row()
        assert list(journal.read()) == [stored]

    def test_the_head_moves_with_each_append_but_only_committed_rows_are_read(self, world: World) -> None:
        journal = world.open()
        first = journal.append(row())
        journal.commit()

        second = journal.append(row(2, "start", "not-started", "in-progress"))

        assert journal.head == (2, second.hash)
        assert list(journal.read()) == [first]

    def test_the_next_process_reads_what_was_committed(self, world: World) -> None:
        journal = world.open()
        rows = [journal.append(one) for one in life(7)]
        name = journal.keep("the plan")
        journal.commit()
        world.kill(journal)

        after = world.open()

        assert list(after.read()) == rows
        assert after.head == (7, rows[-1].hash)
        assert after.text(name) == "the plan"

    def test_what_was_not_committed_dies_with_its_process(self, world: World) -> None:
        journal = world.open()
        first = journal.append(row())
        journal.commit()
        journal.append(row(2, "start", "not-started", "in-progress"))
        name = journal.keep("the plan")
        journal.seed("run-1", [SEED])
        world.kill(journal)

        after = world.open()

        assert after.head == (1, first.hash)
        with pytest.raises(KeyError):
            after.text(name)

    def test_rows_are_read_by_run_and_from_a_place(self, world: World) -> None:
        journal = world.open()
        first = [journal.append(one) for one in life(4)]
        second = [journal.append(one) for one in life(5, first=5, run="run-2")]
        journal.commit()

        assert list(journal.read("run-1")) == first
        assert list(journal.read("run-2")) == second
        assert list(journal.read("run-2", after=7)) == second[3:]
        assert list(journal.read(after=2)) == first[2:] + second
        assert list(journal.read(after=9)) == []
        assert list(journal.read("run-3")) == []

    def test_reading_may_go_on_while_rows_are_appended(self, world: World) -> None:
        journal = world.open()
        rows = [journal.append(one) for one in life(5)]
        journal.commit()

        reading = journal.read()
        seen = [next(reading)]
        journal.append(row(6, "note"))
        journal.commit()
        seen += reading

        assert seen == rows

    def test_a_row_out_of_turn_is_refused_and_changes_nothing(self, world: World) -> None:
        journal = world.open()
        first = journal.append(row())

        with pytest.raises(ValueError, match="cannot follow"):
            journal.append(row(3))

        assert journal.head == (1, first.hash)
        journal.append(row(2, "start", "not-started", "in-progress"))
        journal.commit()
        assert [one.seq for one in journal.read()] == [1, 2]

    def test_a_name_that_is_no_text_is_refused_and_changes_nothing(self, world: World) -> None:
        journal = world.open()

        with pytest.raises(UnicodeEncodeError):
            journal.append(row(unit="lone \udcff"))

        assert journal.head == (0, "")
        journal.append(row())
        journal.commit()
        assert len(list(journal.read())) == 1

    def test_facts_with_lone_surrogates_keep_their_meaning(self, world: World) -> None:
        journal = world.open()
        facts = {"path": "/home/\udcff/sprint", "\ud83d": '"\\\ud83d\ud83d"', "fine": "ä\U0001f600"}
        journal.append(row(facts=facts))
        journal.commit()
        world.kill(journal)

        (found,) = world.open().read()

        assert found.decoded() == facts
        assert not list(verify([found]))

    @pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:24])
    def test_any_text_is_kept_under_its_digest(self, world: World, text: str) -> None:
        journal = world.open()

        name = journal.keep(text)
        assert name == digest(text)
        assert journal.text(name) == text
        journal.commit()
        assert journal.keep(text) == name
        journal.commit()
        world.kill(journal)

        assert world.open().text(name) == text

    def test_an_unknown_text_is_a_key_error(self, world: World) -> None:
        with pytest.raises(KeyError):
            world.open().text("0" * 64)

    def test_committing_nothing_is_no_work(self, world: World) -> None:
        journal = world.open()
        journal.commit()
        journal.append(row())
        journal.commit()
        journal.commit()

        assert journal.head[0] == 1

    def test_units_may_be_seeded_before_and_after_they_move_and_again(self, world: World) -> None:
        journal = world.open()
        journal.seed("run-1", [SEED, SEED._replace(path="c", position=2)])
        for one in life(4):
            journal.append(one)
        journal.commit()
        journal.seed("run-1", iter([SEED]))
        journal.commit()

        assert len(list(journal.read())) == 4

    def test_a_process_that_was_overtaken_is_fenced_off(self, world: World) -> None:
        old, new = world.open(), world.open()
        stored = new.append(row(epoch=2))
        new.commit()

        with pytest.raises(JournalFenced):
            old.append(row(facts={"who": "the old one"}))

        for call in (lambda: old.append(row()), old.commit, lambda: old.keep("x"), lambda: list(old.read())):
            with pytest.raises(JournalFault):
                call()
        world.kill(old)
        assert list(new.read()) == [stored]
        new.append(row(2, epoch=2))
        new.commit()

    def test_only_one_process_at_a_time_has_a_transaction_open(self, world: World) -> None:
        first, second = world.open(), world.open()
        first.append(row())

        with pytest.raises(JournalBusy):
            second.append(row())

        world.kill(first)
        stored = second.append(row(facts={"who": "second"}))
        second.commit()
        assert list(world.open().read()) == [stored]
