"""Which file a journal is: told apart from a copy, and watched for being deleted or replaced under a running sprint.

Rule: files are looked at, never opened. Closing any descriptor of a database drops every lock this process has on it;
only one that was opened as a mere place in the tree (O_PATH) does not.
"""

import errno
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from journal.errors import JournalFault, JournalReplaced


class Watch:
    """Files that have to stay what they are from now on: same device, same inode, as many links."""

    def __init__(self, paths: Iterable[Path], written: Iterable[Path] = ()) -> None:
        """`written` are files that every commit writes to. They need only be where they are."""
        self._known: list[tuple[Path, tuple[int, int, int]]] = []
        self._places: list[_Place] = []
        for path in paths:
            self._known.append((path, _first(path)))
        for path in written:
            mark = _first(path)
            found = _Place.of(path, mark)
            if found is None:
                self._known.append((path, mark))
            else:
                self._places.append(found)

    def check(self) -> None:
        """`JournalReplaced` when one of the files is gone or another one, `JournalFault` when nobody can tell."""
        for path, mark in self._known:
            try:
                found = _mark(path)
            except OSError as error:
                if error.errno not in _GONE:
                    raise _unseen(path, error) from error
                raise JournalReplaced(f"{path} was deleted under this run", hint=_HINT) from error
            if found != mark:
                raise JournalReplaced(f"{path} was replaced under this run", hint=_HINT)
        for place in self._places:
            if os.readlink(place.link) != place.name:  # noqa: PTH115 — as above
                raise JournalReplaced(f"{place.path} was replaced under this run", hint=_HINT)

    def close(self) -> None:
        """Lets go of what is watched."""
        for place in self._places:
            os.close(place.descriptor)
        self._places = []


@dataclass(frozen=True, slots=True)
class _Place:
    """A file whose name the kernel is asked for, where asking for its times would cost the next write to it.

    Linux from 6.13 on keeps finer times of a file that somebody has looked at since it was written: 30 to 50 µs in
    each commit, when it is the WAL.
    """

    path: Path
    descriptor: int
    link: str
    name: str

    @classmethod
    def of(cls, path: Path, mark: tuple[int, int, int]) -> "_Place | None":
        """None where the kernel tells no names: then the file is looked at like the others."""
        if not hasattr(os, "O_PATH"):
            return None
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            link = f"/proc/self/fd/{descriptor}"
            name = os.readlink(link)  # noqa: PTH115 — a Path would not be compared as fast
            if _mark(name) == mark and _mark(link) == mark:
                return cls(path, descriptor, link, name)
        except OSError:
            pass
        os.close(descriptor)
        return None


_GONE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))
"""Errors by which a file is certainly no longer where it was; after any other nobody can tell."""

_HINT = "what was recorded is kept aside; see what cleaned the sprint's directory (`git clean -fdx` does)"


def _first(path: Path) -> tuple[int, int, int]:
    try:
        return _mark(path)
    except OSError as error:
        if error.errno not in _GONE:
            raise _unseen(path, error) from error
        raise JournalReplaced(f"{path} is gone: {error.strerror}", hint=_HINT) from error


def _unseen(path: Path, error: OSError) -> JournalFault:
    return JournalFault(
        f"{path} cannot be looked at: {error.strerror}",
        hint="nothing that was recorded is lost; run again when the cause is gone",
    )


def _mark(path: Path | str) -> tuple[int, int, int]:
    found = os.stat(path)  # noqa: PTH116 — two of these stand before every commit, and Path.stat costs twice as much
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
