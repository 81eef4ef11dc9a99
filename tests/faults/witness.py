"""Somebody outside who reads a journal while it is written, and writes down each head that he was shown.

What a reader is shown has been committed, so it must never be lost again: that is what an acknowledgement is worth.
Run as a program of the standard library alone: `python -I -S witness.py JOURNAL NOTES`.
"""

import contextlib
import os
import sqlite3
import sys
import time
from pathlib import Path

_PAUSE = 0.004
_QUERY = "SELECT seq, hash FROM transitions ORDER BY seq DESC LIMIT 1"


def watch(journal: Path, notes: Path) -> None:
    """Appends `seq hash` lines to `notes`, each head that is new to him, until notes or parent are gone."""
    fd = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    seen, parent = None, os.getppid()

    def wanted() -> bool:
        return notes.exists() and os.getppid() == parent

    while wanted():
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=0)) as reader,
        ):
            inode = journal.stat().st_ino
            while wanted() and journal.stat().st_ino == inode:
                found = reader.execute(_QUERY).fetchone()
                if found is not None and found != seen:
                    seen = found
                    os.write(fd, f"{found[0]} {found[1]}\n".encode())
                time.sleep(_PAUSE)
        time.sleep(_PAUSE)


def noted(notes: Path) -> list[tuple[int, str]]:
    """The heads that were acknowledged. A last line that was cut off by a kill was no acknowledgement."""
    if not notes.exists():
        return []
    whole = notes.read_text(encoding="ascii").split("\n")[:-1]
    return [(int(seq), found) for seq, found in (line.split() for line in whole)]


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        watch(Path(sys.argv[1]), Path(sys.argv[2]))
