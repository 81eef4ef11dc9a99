"""The journal on disk against a plain list, whatever comes in whatever order: F11 of the acceptance suite."""

import io
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fsm.plan import digest
from fsm.transition import Transition
from journal.audit import audit
from journal.backup import backup
from journal.errors import JournalDamaged, JournalError, JournalFault, JournalFenced
from journal.exchange import export, import_
from journal.reader import Reader, open_reader
from journal.replay import verify
from journal.salvage import Salvage
from journal.store import SqliteJournal
from tests.journal.harm import tampered
from tests.journal.rows import LIFE, row

MEMORY = Path("/dev/shm")
"""Where a sync costs nothing: what is on disk after a power cut is another test's question."""


class Doubtful:
    """A cursor whose COMMIT reports an error, after having been done or not."""

    def __init__(self, cursor: sqlite3.Cursor, *, done: bool) -> None:
        self._cursor = cursor
        self._done = done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql != "COMMIT":
            return self._cursor.execute(sql, *parameters)
        if self._done:
            self._cursor.execute(sql)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error


class Journals(RuleBasedStateMachine):
    """One file; writers that come and go; and what a list says should be in it."""

    fresh: Path | None = None
    """An empty journal, made once: making its tables takes longer than all the rest."""

    def __init__(self) -> None:
        super().__init__()
        where = MEMORY if os.access(MEMORY, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(dir=where))
        self.path = self.folder / "journal.db"
        if Journals.fresh is None:
            Journals.fresh = Path(tempfile.mkdtemp(dir=where)) / "fresh.db"
            SqliteJournal.open(Journals.fresh, primed=0).close()
        shutil.copyfile(Journals.fresh, self.path)
        self.durable: list[Transition] = []
        self.open: list[Transition] = []
        self.texts: set[str] = set()
        self.open_texts: set[str] = set()
        self.states: dict[str, int] = {}
        """How far in its life each unit is, with what is open."""
        self.epoch = 0
        self.copies = 0
        self.readers: list[Reader] = []
        self.journal = self._opened()

    def _opened(self) -> SqliteJournal:
        self.epoch += 1
        return SqliteJournal.open(self.path, primed=0, patience=0)

    def _killed(self) -> None:
        self.journal._watch.close()
        self.journal._cursor.close()
        self.journal._connection.close()

    def _forgotten(self) -> None:
        self.open, self.open_texts = [], set()
        self.states = {}
        for one in self.durable:
            if one.machine == "task":
                self.states[one.unit] = self.states.get(one.unit, 0) + 1

    def _acknowledged(self) -> None:
        self.durable += self.open
        self.texts |= self.open_texts
        self.open, self.open_texts = [], set()

    # What a supervisor does

    @rule(facts=st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
    def it_records_its_lease(self, facts: dict[str, int]) -> None:
        seq = len(self.durable) + len(self.open) + 1
        self.open.append(self.journal.append(row(seq, facts=facts, epoch=self.epoch)))

    @rule(unit=st.sampled_from("abc"))
    def it_moves_a_unit(self, unit: str) -> None:
        step = self.states.get(unit, 0)
        trigger, source, dest = [*LIFE, ("retry", "completed", "pending")][step % 4]
        seq = len(self.durable) + len(self.open) + 1
        attempt = step // 4 + 1
        made = row(seq, trigger, source, dest, unit=unit, machine="task", attempt=attempt, epoch=self.epoch)
        self.open.append(self.journal.append(made))
        self.states[unit] = step + 1

    @rule(text=st.text(st.characters(codec=None), max_size=4))
    def it_keeps_a_text(self, text: str) -> None:
        assert self.journal.keep(text) == digest(text)
        self.open_texts.add(text)

    @rule()
    def it_commits(self) -> None:
        self.journal.commit()
        self._acknowledged()

    @rule()
    def it_reads_back(self) -> None:
        assert list(self.journal.read()) == self.durable
        assert self.journal.head[0] == len(self.durable) + len(self.open)

    # What happens to it

    @rule()
    def it_dies_and_another_starts(self) -> None:
        self._killed()
        self._forgotten()
        self.journal = self._opened()
        assert list(self.journal.latest()) == self.durable

    @rule()
    def it_leaves_in_order_and_another_starts(self) -> None:
        self.journal.close()
        self._forgotten()
        self.journal = self._opened()

    @precondition(lambda self: self.open or self.open_texts)
    @rule(done=st.booleans())
    def its_commit_is_in_doubt(self, done: bool) -> None:
        self.journal._cursor = Doubtful(self.journal._cursor, done=done)  # type: ignore[assignment]
        with pytest.raises(JournalFault):
            self.journal.commit()
        with pytest.raises(JournalFault):
            self.journal.append(row(len(self.durable) + 1))
        self.journal.close()
        if done:
            self._acknowledged()
        self._forgotten()
        self.journal = self._opened()
        assert list(self.journal.read()) == self.durable

    @precondition(lambda self: not self.open and not self.open_texts)
    @rule()
    def it_is_overtaken(self) -> None:
        overtaken = self.journal
        self.journal = self._opened()
        self.it_records_its_lease({})
        self.it_commits()
        with pytest.raises(JournalFenced):
            overtaken.append(row(len(self.durable)))
        with pytest.raises(JournalFault):
            overtaken.commit()
        overtaken.close()

    # Who looks on

    @precondition(lambda self: len(self.readers) < 2)
    @rule()
    def somebody_begins_to_look_on(self) -> None:
        self.readers.append(open_reader(self.path))

    @precondition(lambda self: self.readers)
    @rule()
    def somebody_looks(self) -> None:
        reader = self.readers[-1]
        assert reader.stored() == self.durable
        expected: dict[str, tuple[str, int]] = {}
        for one in self.durable:
            expected[one.unit] = (one.dest, max(one.attempt, expected.get(one.unit, ("", 0))[1]))
        assert {unit.path: (unit.state, unit.attempt) for unit in reader.units("run-1")} == expected

    @precondition(lambda self: self.readers)
    @rule()
    def somebody_stops_looking(self) -> None:
        self.readers.pop(0).close()

    # What is made of it; once, because it copies the whole

    @precondition(lambda self: self.copies < 1)
    @rule()
    def it_is_backed_up(self) -> None:
        target = self._copy()
        backup(self.path, target)
        with open_reader(target) as reader:
            assert reader.stored() == self.durable
            assert not list(audit(reader))

    @precondition(lambda self: self.copies < 1)
    @rule()
    def it_is_exported_and_imported(self) -> None:
        lines, target = io.BytesIO(), self._copy()
        with open_reader(self.path) as reader:
            export(reader, lines)
        import_(io.BytesIO(lines.getvalue()), "export", target)
        again = io.BytesIO()
        with open_reader(target) as reader:
            assert reader.stored() == self.durable
            export(reader, again)
        assert again.getvalue() == lines.getvalue()

    @precondition(lambda self: self.copies < 1 and self.durable)
    @rule(
        part=st.floats(0, 1, exclude_max=True),
        harm=st.sampled_from(["at = at + 1", "facts = x'80'", "seq = -seq"]),
    )
    def a_copy_of_it_is_damaged_and_salvaged(self, part: float, harm: str) -> None:
        target = self._copy()
        backup(self.path, target)
        seq = 1 + int(part * len(self.durable))
        tampered(target, f"UPDATE transitions SET {harm} WHERE seq = {seq}")
        with pytest.raises(JournalDamaged):
            SqliteJournal.open(target, primed=0, whole=True)
        with Salvage(target, self.folder) as salvage:
            found = [one for one in salvage.rows() if one.seq > 0]
            assert set(salvage.texts()) == self.texts
        assert found[: seq - 1] == self.durable[: seq - 1]
        assert next(verify(found)).seq in (seq, seq + 1) if len(found) >= seq else True

    def _copy(self) -> Path:
        self.copies += 1
        return self.folder / f"copy-{self.copies}.db"

    @invariant()
    def what_is_open_is_known_to_the_writer(self) -> None:
        last = (self.open or self.durable or [None])[-1]
        assert self.journal.head == ((last.seq, last.hash) if last is not None else (0, ""))

    def teardown(self) -> None:
        try:
            for text in self.texts:
                assert self.journal.text(digest(text)) == text
            self.journal.close()
            with open_reader(self.path) as reader:
                assert not list(audit(reader))
        except JournalError as error:  # pragma: no cover  # told apart from what the rules found
            raise AssertionError(f"the journal cannot be read at the end: {error}") from error
        finally:
            for reader in self.readers:
                reader.close()
            shutil.rmtree(self.folder)


TestJournals = Journals.TestCase
TestJournals.settings = settings(max_examples=120, stateful_step_count=40)


class Longer(Journals):
    """The same, for a night."""


TestJournalsForLong = pytest.mark.faults(pytest.mark.timeout(7200)(Longer.TestCase))
TestJournalsForLong.settings = settings(max_examples=20_000, stateful_step_count=80)
