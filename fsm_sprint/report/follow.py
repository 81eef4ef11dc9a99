"""The output of a run while it is written, across attempts and tasks, until what is followed has ended.

Rule: the journal's rows say what begins and ends, so an attempt that lasts a moment is not missed. Rows are read before
the output, because a row that ends an attempt is written after everything that it printed.
"""

from collections.abc import Callable, Iterable
from typing import BinaryIO

from fsm.states import AT_REST, ENDED
from fsm.transition import SPRINT_UNIT, Transition
from fsm_sprint.paths import SprintPaths, errors_of
from fsm_sprint.report.attempts import PRINTING, Output, output
from fsm_sprint.report.log import begin, blocks, opened
from fsm_sprint.report.lookup import within
from journal.lease import holder
from journal.reader import Reader

Show = Callable[[Output, bytes], None]
"""Takes the next bytes of an attempt's output; b'' when there are no more."""

_LOOK = 20
"""Rounds between two looks at whether anybody is left who could go on."""


class Follower:
    """Follows one unit and all in it, or a whole run."""

    def __init__(
        self, paths: SprintPaths, reader: Reader, run: str, target: str | None, *, errors: bool = False
    ) -> None:
        """`errors`: follow what is printed on stderr, where that goes to a file of its own."""
        self._paths = paths
        self._reader = reader
        self._run = run
        self._target = target
        self._errors = errors
        self._files: dict[tuple[str, int], tuple[Output, BinaryIO | None]] = {}
        self._over: set[tuple[str, int]] = set()
        self._seen = 0
        self._states: dict[str, str] = {}

    def follow(self, known: Iterable[Output], lines: int | None, show: Show, wait: Callable[[], bool]) -> str:
        """Shows the last `lines` lines of what is known, then all that comes. Returns why it ended, '' if for good.

        `wait` pauses for a moment, and says whether anybody still looks.
        """
        with self._reader.snapshot():
            self._begin(known)
        version, rounds, first = self._reader.version(), 0, True
        while True:
            self._pour(show, lines if first else None)
            first = False
            if not self._files and self._ended():
                return ""
            if rounds % _LOOK == 0 and self._abandoned():
                self._over.update(self._files)
                self._pour(show, None)
                return "its supervisor is dead, and nothing of it runs"
            if not wait():
                return ""
            rounds += 1
            now = self._reader.version()
            if now != version:
                version = now
                self._read()

    def _begin(self, known: Iterable[Output]) -> None:
        self._seen = self._reader.head()[0]
        for path in (SPRINT_UNIT, self._target):
            unit = self._reader.unit(self._run, path) if path is not None else None
            if unit is not None:
                self._states[unit.path] = unit.state
        for one in known:
            key = one.unit, one.attempt
            self._files[key] = one, None
            unit = self._reader.unit(self._run, one.unit)
            if unit is None or unit.attempt != one.attempt or unit.state not in PRINTING:
                self._over.add(key)

    def _read(self) -> None:
        for row in self._reader.rows(self._run, self._seen):
            self._seen = row.seq
            if row.unit in self._states:
                self._states[row.unit] = row.dest
            if row.machine == "task" and (self._target is None or within(row.unit, self._target)):
                self._note(row)

    def _note(self, row: Transition) -> None:
        key = row.unit, row.attempt
        if row.trigger == "spawn":
            self._files.setdefault(key, (output(row, row.dest), None))
        elif row.source in PRINTING and row.dest not in PRINTING:
            self._over.add(key)

    def _pour(self, show: Show, lines: int | None) -> None:
        """Shows what has been added; lets go of what is over."""
        for key, (one, known) in list(self._files.items()):
            file = known or self._opened(one, lines)
            if file is None:
                if key in self._over:
                    del self._files[key]
                continue
            self._files[key] = one, file
            for block in blocks(file):
                show(one, block)
            if key in self._over:
                show(one, b"")
                file.close()
                del self._files[key]

    def _opened(self, one: Output, lines: int | None) -> BinaryIO | None:
        log = self._paths.log(one.log)
        try:
            file = opened(errors_of(log) if self._errors else log)
        except FileNotFoundError:
            return None
        begin(file, lines)
        return file

    def _ended(self) -> bool:
        if self._states.get(SPRINT_UNIT) in AT_REST:
            return True
        return self._target is not None and self._states.get(self._target) in ENDED

    def _abandoned(self) -> bool:
        """Whether nobody is left: no supervisor, and no attempt whose locks are held."""
        from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held

        if holder(self._paths.lock) is not None:
            return False
        folders = [
            self._paths.attempt(one.name, one.attempt)
            for key, (one, _) in self._files.items()
            if key not in self._over
        ]
        return not any(held(str(folder / lock)) for folder in folders for lock in (SHIM_LOCK, TREE_LOCK))
