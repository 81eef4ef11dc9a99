"""A journal written anew from rows and texts that came from elsewhere: the same rows, under the same hashes.

Rule: it is made beside its place, whole and durable, and only then gets its name. What is computed from the rows
(`units`, `totals`) is computed again.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fsm.engine import seeds
from fsm.errors import SprintError
from fsm.plan import load
from fsm.sprint import Sprint
from fsm.transition import Transition
from journal.errors import JournalDamaged, JournalError
from journal.store import SqliteJournal

_BATCH = 5_000
"""Rows to a commit."""


@contextmanager
def anew(target: Path) -> Iterator[SqliteJournal]:
    """An empty journal that will be `target`, which must not exist; nothing is left of it when the body raises."""
    if target.exists() or target.is_symlink():
        raise JournalError(f"{target} exists already", hint="name a file that does not exist")
    part = target.with_name(f"{target.name}.part")
    _remove(part)
    try:
        with SqliteJournal.open(part, primed=0, allow_unsafe=True) as journal:
            yield journal
            journal.commit()
        synced(part)
        os.link(part, target)  # which, other than a rename, replaces nothing
        part.unlink()
        synced(target.parent)
    except FileExistsError:
        raise JournalError(f"{target} exists already", hint="name a file that does not exist") from None
    except OSError as error:
        raise JournalError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        _remove(part)


def copy(journal: SqliteJournal, rows: Iterable[Transition], texts: Iterable[str]) -> None:
    """Puts texts and rows into a journal and commits; every row has to get the hash that it has, else JournalDamaged.

    Units are seeded from each plan as it comes, so that the quick-read tables are those of a run.
    """
    for text in texts:
        journal.keep(text)
    for row in rows:
        made = journal.append(row)
        if made.hash != row.hash:
            raise JournalDamaged(
                f"row {row.seq}: the chain is broken: this row or the one before was changed"
            )
        if row.trigger == "amend":
            _seed(journal, row)
        if row.seq % _BATCH == 0:
            journal.commit()
    journal.commit()


def _seed(journal: SqliteJournal, row: Transition) -> None:
    """A plan that cannot be read is no business of a copy: the fold will say so."""
    try:
        sprint = Sprint(row.run, journal.text)
        sprint.plant(load(journal.text(row.decoded()["plan"])))
    except (SprintError, KeyError, ValueError, TypeError, AttributeError):
        return
    journal.seed(row.run, seeds(sprint))


def synced(path: Path) -> None:
    """Returns when a file or the entries of a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{part}{suffix}").unlink(missing_ok=True)
