"""The composition root: which journal, executor, clock and publishers an engine gets, and what happens around its life.

Order matters here: the lease before the journal is written, the journal checked before it is believed, the fold before
the engine; and when the files are taken away under us, what the open connection still knows is saved first.
"""

import gc
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fsm.engine import Engine
from fsm.errors import SprintError
from fsm.events import Event
from fsm.plan import Plan
from fsm.ports import Publisher
from fsm.sprint import Sprint, fold
from fsm.states import TaskState
from fsm.transition import Facts
from fsm_sprint.clock import SystemClock
from fsm_sprint.concealment import Concealment
from fsm_sprint.executors import platform
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held
from fsm_sprint.executors.local import LocalExecutor
from fsm_sprint.executors.messenger import Messenger
from fsm_sprint.executors.surroundings import Surroundings
from fsm_sprint.hands import Hands, Left, Signals
from fsm_sprint.inbox import Inbox
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.notice import document
from fsm_sprint.work import Work, workdir
from journal.errors import JournalError, JournalReplaced
from journal.lease import Lease
from journal.store import SqliteJournal
from journal.watch import Place, identity, place

Publishers = Callable[[Sprint], Publisher]
"""Makes what shows a run, once its fold is known."""


class Supervisor:
    """One process's hold on a sprint: lease, journal and the fold of its latest run. A context; leaving lets go."""

    def __init__(self, paths: SprintPaths, *, allow_unsafe: bool = False, allow_copy: bool = False) -> None:
        self.paths = paths
        self.clock = SystemClock()
        self.sprint: Sprint | None = None
        """The fold of the latest run; None when nothing was ever run here."""
        self.signal: int | None = None
        """The signal by which the last `run` was told to end, if it was."""
        self._allow_unsafe = allow_unsafe
        self._allow_copy = allow_copy
        self._copied = False

    def __enter__(self) -> Self:
        self.paths.prepare()
        now = self.clock.now()
        self._lease = Lease.take(
            self.paths.lock,
            {"pid": os.getpid(), "host": socket.gethostname(), "started": stamp(now), "at": now},
        )
        try:
            self.journal = SqliteJournal.open(
                self.paths.journal,
                watch=[self.paths.lock],
                chain=False,  # `_look_back` reads all of it
                allow_unsafe=self._allow_unsafe,
                waiting=_busy,
            )
            try:
                self._look_back()
            except BaseException:  # as below
                self.journal.close()
                raise
        except BaseException:
            # Whoever is not entered is not left: nobody else would let go, after Ctrl-C neither.
            self._lease.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        taken = error if error is None or isinstance(error, JournalReplaced) else self._taken()
        try:
            if taken is not None:
                _say(f"the journal was taken away under this run; {_rescued(self.journal)}")
                for unit in self.sprint.live.values() if self.sprint is not None else ():
                    if unit.started is not None and unit.state in (TaskState.RUNNING, TaskState.STOPPING):
                        pid = unit.started.decoded()["pid"]
                        _say(f"{unit.path} still runs, and no run can take it over; `kill {pid}` ends it")
        finally:
            self.journal.close()
            self._lease.release()
        if taken is not None and taken is not error:
            raise taken from error

    def _taken(self) -> JournalReplaced | None:
        """What explains any other error: what was not found is gone together with the journal."""
        try:
            self.journal.look()
        except JournalReplaced as found:
            return found
        except JournalError:
            return None  # the journal failed by itself
        return None

    def _look_back(self) -> None:
        """Folds the latest run, and refuses a copy of a sprint whose original may still be running."""
        last = next(self.journal.read(after=self.journal.head[0] - 1), None)
        if last is None:
            self._refuse_remains()
            return
        with kept():
            self.sprint = fold(self.journal.latest(), last.run, self.journal.text)
        lease = self.sprint.lease
        if lease is not None and "rehearsal" in lease.decoded():
            raise SprintError(
                f"{self.paths.directory} holds a rehearsal: nothing of it was ever run",
                hint="run the sprint that was rehearsed, in its own directory",
            )
        if lease is None or place(lease.decoded(), self.paths.journal) is not Place.COPIED:
            return
        self._copied = True
        if self.sprint.live and not self._allow_copy:
            names = ", ".join(self.sprint.live)
            raise SprintError(
                f"this is a copy of a sprint in which {names} had not ended when it was copied",
                hint="go on in the original, or say --copy: what had not ended counts as lost here",
            )

    def _refuse_remains(self) -> None:
        """A journal without a row, beside attempts that another one must have known: they may still be running."""
        left = sorted(self.paths.attempts.iterdir())
        if not left:
            return
        locks = [(folder.name, str(folder / lock)) for folder in left for lock in (SHIM_LOCK, TREE_LOCK)]
        alive = dict.fromkeys(name for name, lock in locks if held(lock))
        running = f"; still running: {', '.join(alive)}" if alive else ""
        raise JournalReplaced(
            f"the journal is gone, but {self.paths.attempts} holds what it knew of its attempts{running}",
            hint="put journal.db back, or remove .fsm-sprint and logs to begin anew",
        )

    def run(
        self,
        make: Callable[[Sprint], Work],
        publishers: Publishers,
        *,
        plan: Plan | None = None,
        amended: Plan | None = None,
        limit: int = 1,
        events: Sequence[Event] = (),
        spawning: bool = True,
        resume: str | None = None,
        wait_for_limits: bool = True,
    ) -> Sprint:
        """Supervises until the sprint rests; `plan` begins a new run, `amended` goes on with another. Returns the fold.

        Without `wait_for_limits` it rests, paused, when nothing is left to do but to wait for a usage limit. `resume`
        says why a resting sprint is set going; without it, it stays at rest and is only recovered. Raises
        JournalError when the journal fails: everything that runs then stays adoptable.
        """
        if plan is not None:
            self.sprint = Sprint(new_run(self.clock.now()), self.journal.text)
        sprint = self.sprint
        if sprint is None:
            raise SprintError("nothing was ever run here", hint="`fsm-sprint run` begins")
        inbox = Inbox(self.paths)
        mark = f"{sprint.run}-copy{sprint.epoch}" if self._copied else sprint.run
        work = make(sprint)
        around = Surroundings(
            sprint, self.paths, self.clock, top=workdir(self.paths), job=work.job, verdict=work.verdict
        )
        executor = LocalExecutor(
            self.paths,
            around.job,
            around.verdict,
            self.clock,
            mark,
            answer=inbox.answer,
            drivers=work.driver,
        )
        concealment = Concealment(os.environ)
        messenger = Messenger(
            self.clock,
            lambda effect: document(sprint, effect, concealment),
            environment=work.environment,
            cwd=str(workdir(self.paths)),
            output=self.paths.output,
        )
        hands = Hands(executor, messenger, inbox, self.clock, look=self.journal.look, concealment=concealment)
        publisher = publishers(sprint)
        try:
            engine = Engine(
                sprint,
                self.journal,
                hands,
                self.clock,
                publisher,
                limit=limit,
                wait_for_limits=wait_for_limits,
            )
            with Signals(executor, on_hangup=lambda: None, on_leave=engine.hurry) as signals:
                if spawning:
                    executor.start()
                engine.take_over(
                    self._facts() | {"slots": limit} | ({} if spawning else {"passing": True}),
                    plan=plan,
                    copied=self._copied,
                    resuming=resume is not None,
                )
                if amended is not None:
                    engine.amend(amended, who(), "the files have changed")
                if sprint.at_rest and resume is not None:
                    engine.resume(who(), resume)
                try:
                    engine.run(events, spawning=spawning)
                except Left:
                    publisher.publish((), resting=True)
                    raise
                publisher.publish((), resting=True)
                self.signal = signals.last
        finally:
            executor.close()
            messenger.close()
        return sprint

    def _facts(self) -> Facts:
        here = identity(self.paths.journal)
        return {
            **here,
            "boot": platform.boot_id(),
            "namespace": platform.pid_namespace(),
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }


@contextmanager
def kept() -> Iterator[None]:
    """For making what will stay: the search for garbage in it would take a tenth of the time, then and later."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def stamp(at: int) -> str:
    """Wall time in ms as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run(at: int) -> str:
    """An id for a run that begins now: names sort by time, and no two are alike."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def who() -> str:
    """Who asks: the name of the user, as a fact for the journal."""
    return os.environ.get("USER") or f"uid {os.getuid()}"


def _busy(seconds: int) -> None:
    _say(f"the journal is locked by another process; waiting for up to {seconds} s more")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _rescued(journal: SqliteJournal) -> str:
    """Saves what the open connection still knows where it can be, and says where, or why that could not be done."""
    problem = ""
    for folder in _rescue_places():
        try:
            return f"all that was recorded is saved in {journal.rescue(folder)}"
        except (JournalError, OSError) as error:
            problem = problem or str(error)
    return f"what was recorded could not be saved: {problem}"


def _rescue_places() -> Iterator[Path]:
    with suppress(RuntimeError):  # no HOME, and a user that the system does not know
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        yield Path(state) / "fsm-sprint" / "rescue"
    yield Path(tempfile.mkdtemp(prefix="fsm-sprint-rescue-"))
