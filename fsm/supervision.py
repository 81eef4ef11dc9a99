"""What one simulated supervisor holds: its lease, its connection to the journal, its view of both.

Rule: every call of the journal is a place to die or to fail, and every commit is looked at before the supervisor is
told of it.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from fsm.errors import SprintError
from fsm.handles import Trouble
from fsm.ports import Journal, Seed
from fsm.transition import Transition


class Mortal(Journal, Protocol):
    """A journal whose process can be killed: what was not committed is gone."""

    def kill(self) -> None:
        """The connection's process is over."""
        ...


class Watcher(Protocol):
    """Who looks at what a supervisor does with its journal."""

    def point(self, where: str) -> None:
        """Others go on, and something may break."""
        ...

    def durable(self, rows: list[Transition], by: object) -> None:
        """Rows of one commit are on disk."""
        ...

    def acknowledge(self, head: tuple[int, str]) -> None:
        """A supervisor knows that so much is durable."""
        ...

    def commit_fails(self) -> bool | None:
        """Whether this commit reports an error: True if it happened all the same, False if not; None if it does not."""
        ...

    def busy(self) -> bool:
        """Whether the database stays locked by somebody for longer than one waits."""
        ...

    def files(self) -> tuple[int, int]:
        """Which lock file and which journal are to be found now."""
        ...

    def taken_away(self) -> None:
        """Rows have become durable in a journal that was taken away before."""
        ...


class Watched:
    """A journal as the supervisor sees it."""

    def __init__(self, inner: Mortal, watch: Watcher) -> None:
        self._inner, self._watch = inner, watch
        self._batch: list[Transition] = []
        self._open = False
        self._files = watch.files()
        self.trouble = False
        """It has failed: the process is to end."""

    @property
    def head(self) -> tuple[int, str]:
        return self._inner.head

    def append(self, transition: Transition) -> Transition:
        self._begin()
        self._watch.point("append")
        try:
            row = self._inner.append(transition)
        except SprintError:
            self.trouble = True  # busy, or another supervisor has written
            raise
        self._batch.append(row)
        return row

    def keep(self, text: str) -> str:
        self._begin()
        try:
            return self._inner.keep(text)
        except SprintError:
            self.trouble = True
            raise

    def text(self, digest: str) -> str:
        return self._inner.text(digest)

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        self._inner.seed(run, units)

    def commit(self) -> None:
        if not self._open:
            return
        watch = self._watch
        watch.point("before commit")
        gone = watch.files() != self._files
        self.look()
        watch.point("between look and commit")
        happened = watch.commit_fails()
        if happened is None or happened:
            self._inner.commit()
            batch, self._batch, self._open = self._batch, [], False
            if gone:
                watch.taken_away()
            if batch:
                watch.durable(batch, self if happened is None else None)
        if happened is not None:
            self._fail("the commit failed; what it held is in doubt")
        watch.point("after commit, not acknowledged")
        watch.acknowledge(self._inner.head)

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        return self._inner.read(run, after)

    def look(self) -> None:
        """Trouble when the lock file or the journal is no longer the one it was."""
        if self._watch.files() != self._files:
            self._fail("the journal or the lock file was taken away")

    def _begin(self) -> None:
        if not self._open:
            if self._watch.busy():
                self._fail("the database is locked by another process")
            self._open = True

    def _fail(self, why: str) -> None:
        self._inner.kill()
        self.trouble = True
        raise Trouble(why)


class Silent:
    """A publisher for nobody."""

    def publish(self, changed: object, *, resting: bool) -> float | None:  # noqa: ARG002  # the port's names
        return None
