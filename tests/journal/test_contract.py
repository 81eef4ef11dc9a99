"""Every journal against the one contract."""

from journal.memory import MemoryJournal, Rows
from tests.journal.contract import JournalContract


class MemoryWorld:
    def __init__(self) -> None:
        self.rows = Rows()

    def open(self) -> MemoryJournal:
        return MemoryJournal(self.rows)

    def kill(self, journal: MemoryJournal) -> None:
        journal.kill()

    def close(self) -> None:
        """Nothing is held."""


class TestMemoryJournal(JournalContract):
    def make_world(self) -> MemoryWorld:
        return MemoryWorld()
