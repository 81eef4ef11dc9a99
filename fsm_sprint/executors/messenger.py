"""Tells those outside what they are to be told: performs `fsm.effects.Notify`, a process for each try.

Rule: nothing waits for a receiver. A try is bounded by its courier, and by us where that hangs; whatever is not known
to have been taken has failed. The order of tries is the core's: here is only the pause before a later one.
"""

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fsm.effects import Notify
from fsm.events import Notified
from fsm.ports import Clock
from fsm.transition import Facts
from fsm_sprint.executors import courier, platform, trees
from fsm_sprint.executors.platform import signals

BOUND = 10.0
"""Seconds that one try may take."""
PAUSES = (0.0, 1.0, 4.0, 16.0, 64.0)
"""Seconds before each try, from the end of the one before."""
_SLACK = 5.0
"""Seconds that a courier has beyond the bound, to end what it has started."""
_SIDE_BY_SIDE = 8
"""Couriers at once: each takes some 15 MB."""
_PREFIX = "FSM_SPRINT_"
_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""
_CODE = f"import sys; sys.path.append({str(_ROOT)!r}); from fsm_sprint.executors.courier import main; main()"


@dataclass(slots=True, kw_only=True)
class _Try:
    """One try, from its effect to its report."""

    effect: Notify
    due: float
    """When it begins; once it has, when it is ended. Monotonic seconds."""
    env: dict[str, str]
    pid: int = 0
    start: str = ""


class Messenger:
    """The tries of one supervisor."""

    def __init__(
        self,
        clock: Clock,
        told: Callable[[Notify], Facts],
        *,
        environment: Mapping[str, str],
        cwd: str,
        output: Path,
        bound: float = BOUND,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        """`told` makes the document that a receiver gets; it has a `key`, and its texts become variables too.

        `environment` and `cwd` are those of commands; `output` is where a courier's own stderr goes, should it fail.
        """
        self._clock = clock
        self._told = told
        self._environment = environment
        self._cwd = cwd
        self._output = output
        self._bound = bound
        self._pauses = pauses
        self._tries: dict[str, _Try] = {}
        self._reported: dict[str, int] = {}
        """The last try of each notice that was reported: owed again in the turn of the report, it is not made again."""
        self._failed: list[Notified] = []
        """Tries that could not begin."""
        self._gone: list[int] = []
        """Couriers that have reported and may not have been collected yet."""
        self._heard = b""
        self.reports, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        """Readable when there is something to `hear`."""

    def perform(self, effect: Notify) -> None:
        """Begins a try now, or when its pause is over; each (unit, attempt) once."""
        unit, attempt = effect.unit, effect.attempt
        if unit in self._tries or self._reported.get(unit) == attempt:
            return
        # A new supervisor tries at once: what came before it lies back some time, and it may not stay for long.
        pause = self._pauses[min(attempt, len(self._pauses)) - 1] if unit in self._reported else 0.0
        self._tries[unit] = _Try(effect=effect, due=self._clock.monotonic() + pause, env={})
        self.tick()

    def due(self) -> float:
        """When `tick` has something to do, in monotonic seconds."""
        if self._failed:
            return 0.0
        ends = [one.due for one in self._tries.values() if one.pid]
        full = len(ends) >= _SIDE_BY_SIDE
        return min(
            [*ends, *(one.due for one in self._tries.values() if not (full or one.pid))], default=math.inf
        )

    def tick(self) -> list[Notified]:
        """Begins and ends what is due; reports what came of it."""
        now = self._clock.monotonic()
        found, self._failed = self._failed, []
        self._gone = [pid for pid in self._gone if not _collected(pid)]
        alive = sum(one.pid != 0 for one in self._tries.values())
        for one in list(self._tries.values()):
            if one.pid and (_collected(one.pid) or now >= one.due):
                found += self._dead(one)
                alive -= 1
            elif not one.pid and one.due <= now and alive < _SIDE_BY_SIDE:
                alive += self._begin(one)
        return found

    def hear(self) -> list[Notified]:
        """What couriers have reported."""
        try:
            while more := os.read(self.reports, 65536):
                self._heard += more
        except BlockingIOError:
            pass
        *lines, self._heard = self._heard.split(b"\n")
        found: list[Notified] = []
        for line in lines:
            unit, attempt, error = json.loads(line)
            one = self._tries.get(unit)
            if one is not None and one.pid and one.effect.attempt == attempt:
                self._gone.append(one.pid)
                found.append(self._over(one, error))
        return found

    def close(self) -> None:
        """Lets go: what is being tried ends by itself, within its bound."""
        os.close(self.reports)
        os.close(self._write)

    def _begin(self, one: _Try) -> bool:
        """Starts the courier of a try; whether that could be done."""
        effect = one.effect
        told = self._told(effect)
        said = {name: str(value) for name, value in told.items() if value is not None and name != "version"}
        said["notice"] = effect.unit
        one.env = {f"{_PREFIX}{name.replace('-', '_').upper()}": value for name, value in said.items()}
        order: courier.Order = {
            "unit": effect.unit,
            "attempt": effect.attempt,
            "key": said["idempotency-key"],
            "run": effect.run,
            "url": effect.url,
            "env": {**self._environment, **one.env},
            "cwd": self._cwd,
            "bound": self._bound,
        }
        interpreter = os.path.realpath(sys.executable)
        try:
            with tempfile.TemporaryFile() as file:
                file.write(f"{json.dumps(order)}\n{json.dumps(told)}\n".encode())
                file.seek(0)
                one.pid = os.posix_spawn(
                    interpreter,
                    [interpreter, "-I", "-S", "-E", "-c", _CODE],
                    os.environ,
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, file.fileno(), 0),
                        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                        (os.POSIX_SPAWN_OPEN, 2, self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                        (os.POSIX_SPAWN_DUP2, self._write, courier.REPORT),
                    ],
                    setsid=True,
                )
        except OSError as error:
            self._failed.append(self._over(one, f"cannot be begun: {error.strerror}"))
            return False
        one.start = platform.start_time(one.pid) or ""
        one.due = self._clock.monotonic() + self._bound + _SLACK
        return True

    def _dead(self, one: _Try) -> list[Notified]:
        """A courier that has died without a report, or hangs: ends what is left of it."""
        heard = self.hear()  # it may have reported just before
        if self._tries.get(one.effect.unit) is not one:
            return heard
        marks = frozenset(os.fsencode(f"{name}={value}") for name, value in one.env.items())
        identity = {"pid": str(one.pid), "start": one.start}
        trees.kill(
            trees.members(self._output, identity, marks)
        )  # which is no folder with locks: marks tell, and session
        platform.send(one.pid, one.start, signals.SIGKILL)
        self._gone.append(one.pid)
        return [*heard, self._over(one, "its courier was killed")]

    def _over(self, one: _Try, error: str) -> Notified:
        unit, attempt = one.effect.unit, one.effect.attempt
        del self._tries[unit]
        self._reported[unit] = attempt
        return Notified(unit, attempt, not error, error)


def _collected(pid: int) -> bool:
    """Whether a child of ours has ended; it is no more afterwards."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True
