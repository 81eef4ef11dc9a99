"""PROGRESS.yaml on disk: when it is written, and that nobody ever reads half of it or loses an edit to it.

Rule: the file is a view. It is replaced whole or not at all, it is read only to find out whether somebody has changed
it, and no trouble with it ends a run.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from io import BytesIO
from itertools import count
from pathlib import Path
from stat import S_IMODE, S_ISREG

from fsm.errors import SprintError
from fsm.transition import Transition
from journal import heading
from journal.progress import Progress

Tell = Callable[[str], None]
"""Shows a person one message."""

LEAST_PAUSE = 0.2
"""Seconds between two publications, at least."""
SHARE = 50
"""The pause is at least as many times as long as the last publication took: about 2 % of the time goes into it."""

_Signature = tuple[int, int, int, int, int]


class PublishedFile:
    """One file that is only ever replaced whole."""

    def __init__(self, path: Path, tell: Tell) -> None:
        """`tell` hears of edits that were kept aside."""
        self.path = path
        self._tell = tell
        self._ours: _Signature | None = None
        """What the file looked like after our last write, so that it need not be read while nobody touches it."""

    def prepare(self) -> None:
        """Removes what writers that died have left, and raises SprintError where the file must not be replaced."""
        for stray in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            with suppress(OSError):
                _remove_stray(stray)
        self._found()

    def write(self, content: bytes, *, durable: bool) -> None:
        """Replaces the file; when `durable`, it outlives a power cut from here on. `content` begins with its heading.

        A file that is not as it was written is renamed first and reported. Raises OSError or SprintError.
        """
        with self._temporary() as (temporary, descriptor):
            _pour(descriptor, content)
            if durable:
                os.fsync(descriptor)
            found = self._found()
            if found is not None and _signature(found) != self._ours and self._touched():
                self._keep_aside(content)
            temporary.replace(self.path)
            self._ours = _signature(os.fstat(descriptor))
        if durable:
            _sync(self.path.parent)

    def _found(self) -> os.stat_result | None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        if S_ISREG(found.st_mode) and found.st_nlink == 1:
            return found
        what = "is another name of a file" if S_ISREG(found.st_mode) else "is not a plain file"
        raise SprintError(
            f"{self.path} {what}, and is not replaced",
            hint=f"remove or rename {self.path.name}; it is made anew from the journal",
        )

    def _touched(self) -> bool:
        """Whether the file holds something that was never published; an empty one holds nothing."""
        try:
            with self.path.open("rb") as file:
                return os.fstat(file.fileno()).st_size > 0 and not heading.intact(file)
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _keep_aside(self, content: bytes) -> None:
        shown = heading.read(BytesIO(content))
        stem = f"{self.path.name}.edited-{shown.seq if shown is not None else 0}"
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        kept = next(path for path in map(self.path.with_name, names) if not os.path.lexists(path))
        self.path.rename(kept)
        self._tell(
            f"{self.path.name} is not as it was written: what was found is kept as {kept.name}."
            " It is made from the journal and never read; commands change a sprint, edits do not"
        )

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, int]]:
        """A new file beside the target, locked while it is in use; gone afterwards unless it was renamed."""
        path, descriptor = _created(self.path)
        try:
            with suppress(
                OSError
            ):  # without locks, whoever cleans up can take it away, and the write is tried again
                flock(descriptor, LOCK_EX | LOCK_NB)
            yield path, descriptor
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)


class Publisher:
    """`ports.Publisher` over one run's PROGRESS.yaml. Trouble is told once and tried again after the pause."""

    def __init__(
        self, progress: Progress, file: PublishedFile, monotonic: Callable[[], float], tell: Tell
    ) -> None:
        self._progress = progress
        self._file = file
        self._monotonic = monotonic
        self._tell = tell
        self._pending = self._durable = False
        self._next: float | None = None
        """When the pause after the last try is over."""
        self._trouble = ""

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Writes the file when it is due, or when the sprint rests, then durably; gives the seconds until it is due."""
        self._progress.touch(changed)
        self._pending |= bool(changed)
        now = self._monotonic()
        if resting:
            if self._pending or not self._durable:
                self._write(now, durable=True)
        elif self._pending and (self._next is None or now >= self._next):
            self._write(now, durable=False)
        if not self._pending or self._next is None:
            return None
        return max(0.0, self._next - self._monotonic())

    def _write(self, began: float, *, durable: bool) -> None:
        try:
            self._file.write(self._progress.content(), durable=durable)
        except (OSError, SprintError) as error:
            trouble = str(error)
            if trouble != self._trouble:
                self._tell(
                    f"{self._file.path.name} cannot be written: {trouble}. The run goes on; it is tried again"
                )
            self._trouble = trouble
            self._pending, self._durable = True, False
        else:
            self._trouble = ""
            self._pending, self._durable = False, durable
        now = self._monotonic()
        self._next = now + max(LEAST_PAUSE, SHARE * (now - began))


def _created(target: Path) -> tuple[Path, int]:
    """A new file beside the target, with the mode that the umask leaves, its owner's in any case; its descriptor."""
    number = 0
    while True:
        path = target.with_name(f".{target.name}.{os.getpid()}-{number}.tmp")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            number += 1
            continue
        mode = S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o600 != 0o600:
            os.fchmod(descriptor, mode | 0o600)
        return path, descriptor


def _pour(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stray(path: Path) -> None:
    """Removes a temporary file that nobody holds locked; OSError when somebody does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _signature(found: os.stat_result) -> _Signature:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
