"""Which file a journal is: told apart from a copy, and watched for being deleted or replaced under a running sprint.

Rule: files are looked at, never opened. Closing any descriptor of a database drops every lock this process has on it.
"""

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from journal.errors import JournalReplaced


class Watch:
    """Files that have to stay what they are from now on: same device, same inode, as many links."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known: list[tuple[Path, tuple[int, int, int]]] = []
        for path in paths:
            try:
                self._known.append((path, _mark(path)))
            except OSError as error:
                raise JournalReplaced(f"{path} is gone: {error.strerror}", hint=_HINT) from error

    def check(self) -> None:
        """Raises `JournalReplaced` when one of the files is gone or another one."""
        for path, mark in self._known:
            try:
                found = _mark(path)
            except OSError as error:
                raise JournalReplaced(f"{path} was deleted under this run", hint=_HINT) from error
            if found != mark:
                raise JournalReplaced(f"{path} was replaced under this run", hint=_HINT)


_HINT = "what was recorded is kept aside; see what cleaned the sprint's directory (`git clean -fdx` does)"


def _mark(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)  # noqa: PTH116 — three of these stand before every commit, and Path.stat costs twice as much
    return found.st_dev, found.st_ino, found.st_nlink


def identity(path: Path) -> dict[str, Any]:
    """`device`, `inode` and real `path` of the journal, as the facts of a `lease` row carry them."""
    found = path.stat()
    return {"device": found.st_dev, "inode": found.st_ino, "path": os.path.realpath(path)}


class Place(StrEnum):
    """What became of a journal since its last `lease` row."""

    SAME = "same"
    MOVED = "moved"
    """The same file under another path."""
    COPIED = "copied"
    """Another file: what ran when the copy was made belongs to the original."""


def place(lease: Mapping[str, Any], path: Path) -> Place:
    """How the journal at `path` stands to the one that the facts of its last lease describe.

    An inode number says little on another device, and a device may be numbered anew by a reboot: so the same inode
    counts as the same file when either the device or the path is still the same.
    """
    now = identity(path)
    if lease.get("inode") != now["inode"]:
        return Place.COPIED
    if lease.get("path") == now["path"]:
        return Place.SAME
    return Place.MOVED if lease.get("device") == now["device"] else Place.COPIED
