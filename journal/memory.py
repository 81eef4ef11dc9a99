"""The journal without a disk: the same contract over plain lists, for the simulator, dry runs and tests.

Rule: `Rows` is the disk, a `MemoryJournal` is one process's connection to it. What was not committed lives only in the
connection, so dropping the connection is a kill, and a second connection to the same rows is a second process.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from fsm.plan import digest
from fsm.ports import Seed
from fsm.transition import Transition
from journal.codec import NOTHING, seal
from journal.errors import JournalBusy, JournalFault, JournalFenced


class CommitFault(StrEnum):
    """What a COMMIT that raises an error may have done all the same."""

    LOST = "lost"
    """Nothing of it is on disk."""
    KEPT = "kept"
    """All of it is on disk, although the error says otherwise."""


class Rows:
    """What is durable. `at_commit` is asked at every commit whether, and how, it shall fail; None lets it succeed."""

    def __init__(self, at_commit: Callable[[], CommitFault | None] | None = None) -> None:
        self.committed: list[Transition] = []
        self.texts: dict[str, str] = {}
        self.seeds: dict[tuple[str, str], Seed] = {}
        self.at_commit = at_commit
        self.writer: MemoryJournal | None = None
        """The connection that has a transaction open."""

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last committed row."""
        return (self.committed[-1].seq, self.committed[-1].hash) if self.committed else NOTHING


class MemoryJournal:
    """A connection to `rows`, knowing as its head what is committed when it is made."""

    def __init__(self, rows: Rows | None = None) -> None:
        self.rows = Rows() if rows is None else rows
        self._seq, self._hash = self.rows.head
        self._pending: list[Transition] = []
        self._texts: dict[str, str] = {}
        self._seeds: dict[tuple[str, str], Seed] = {}
        self._broken: str | None = None

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last row appended, committed or not; (0, '') when there is none."""
        return self._seq, self._hash

    def append(self, transition: Transition) -> Transition:
        """Puts the row into the open transaction and returns it as stored. `JournalFenced` if the head has moved."""
        self._begin()
        if transition.seq != self._seq + 1:
            raise ValueError(f"row {transition.seq} cannot follow row {self._seq}")
        row = seal(self._hash, transition)
        self._pending.append(row)
        self._seq, self._hash = row.seq, row.hash
        return row

    def keep(self, text: str) -> str:
        """Stores a text in the open transaction; returns its digest."""
        self._begin()
        name = digest(text)
        if name not in self.rows.texts:
            self._texts[name] = text
        return name

    def text(self, digest: str) -> str:
        """A text by its digest, committed or about to be. KeyError when unknown."""
        self._guard()
        found = self._texts.get(digest)
        return self.rows.texts[digest] if found is None else found

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        """Remembers the units of a plan; nothing but `rows.seeds` shows them, since no quick reader looks here."""
        self._begin()
        self._seeds.update(((run, unit.path), unit) for unit in units)

    def commit(self) -> None:
        """Makes all since the last commit durable, or raises `JournalFault` as `rows.at_commit` says."""
        self._guard()
        rows = self.rows
        if rows.writer is not self:
            return
        fault = rows.at_commit() if rows.at_commit is not None else None
        if fault is not CommitFault.LOST:
            rows.committed += self._pending
            rows.texts.update(self._texts)
            rows.seeds.update(self._seeds)
        if fault is not None:
            self.kill()
            raise JournalFault("the commit failed; what it held is in doubt")
        rows.writer = None
        self._drop()

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        """Committed rows in order, of one run or of all, with seq > after."""
        self._guard()
        # Rows are numbered from 1 without a gap, so a row's place is its number less one.
        found = self.rows.committed[max(after, 0) :]
        return iter(found) if run is None else (row for row in found if row.run == run)

    def kill(self) -> None:
        """The process ends here: what was not committed is gone, the write lock is free, every later call fails."""
        if self.rows.writer is self:
            self.rows.writer = None
        self._drop()
        self._broken = "its process has ended"

    def _begin(self) -> None:
        self._guard()
        rows = self.rows
        if rows.writer is self:
            return
        if rows.writer is not None:
            raise JournalBusy("another process is writing to the journal")
        if rows.head != (self._seq, self._hash):
            self._broken = "another process has written to it"
            raise JournalFenced(
                f"the journal goes on after row {self._seq}: another supervisor has written to it"
            )
        rows.writer = self

    def _guard(self) -> None:
        if self._broken is not None:
            raise JournalFault(f"the journal cannot be used any more: {self._broken}")

    def _drop(self) -> None:
        self._pending = []
        self._texts = {}
        self._seeds = {}
