"""Disks for the contract: one in memory, one in a scratch directory."""

import shutil
import tempfile
from pathlib import Path

from journal.memory import MemoryJournal, Rows
from journal.store import SqliteJournal


class MemoryWorld:
    def __init__(self) -> None:
        self.rows = Rows()

    def open(self) -> MemoryJournal:
        return MemoryJournal(self.rows)

    def kill(self, journal: MemoryJournal) -> None:
        journal.kill()

    def close(self) -> None:
        """Nothing is held."""


class SqliteWorld:
    """Closing the bare connection leaves what a killed process leaves: nothing of what was not committed."""

    def __init__(self, *, rollback: bool) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.rollback = rollback
        self.opened: list[SqliteJournal] = []

    def open(self) -> SqliteJournal:
        path = self.directory / ".fsm-sprint" / "journal.db"
        journal = SqliteJournal.open(path, primed=0, patience=0, rollback=self.rollback)
        self.opened.append(journal)
        return journal

    def kill(self, journal: SqliteJournal) -> None:
        if journal not in self.opened:
            return
        self.opened.remove(journal)
        journal._cursor.close()
        journal._connection.close()

    def close(self) -> None:
        for journal in self.opened[:]:
            self.kill(journal)
        shutil.rmtree(self.directory)
