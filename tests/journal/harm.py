"""Journals as tests need them: written, tampered with, on a disk that is full."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.store import SqliteJournal
from tests.journal.rows import life


def written(path: Path, count: int = 10) -> None:
    """A journal of `count` rows with a text, closed as it should be."""
    with SqliteJournal.open(path, primed=0) as journal:
        journal.keep("the plan")
        for one in life(count):
            journal.append(one)
        journal.commit()


def tampered(path: Path, *statements: str) -> None:
    """Somebody at work with a database shell, who knows how to get around triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()


@contextmanager
def full_disk(limit: int = 0) -> Iterator[None]:
    """No file can be written beyond `limit` bytes: the nearest thing to a full disk that needs no privilege."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
