"""Every journal against the one contract."""

from tests.journal.contract import JournalContract
from tests.journal.worlds import MemoryWorld, SqliteWorld


class TestMemoryJournal(JournalContract):
    def make_world(self) -> MemoryWorld:
        return MemoryWorld()


class TestSqliteJournal(JournalContract):
    def make_world(self) -> SqliteWorld:
        return SqliteWorld(rollback=False)


class TestSqliteJournalWithoutSharedMemory(JournalContract):
    def make_world(self) -> SqliteWorld:
        return SqliteWorld(rollback=True)
