"""Faults at every system call: which points there are, and one round of a campaign at one of them.

A round plays the tiny sprint with one process harmed at one point, looks at what is on disk then, runs the sprint again
without harm until it rests, and holds the journal against the ledger. Rule: points are enumerated by a run in which
nothing is done; a point that does not come again in the run that is harmed counts as missed, never as passed.
"""

import errno
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import groupby
from pathlib import Path

from journal.errors import JournalError
from journal.reader import open_reader
from tests.e2e.sprints import Sandbox
from tests.e2e.test_kills import timeless
from tests.faults.ledger import lost, moment, sandbox, survivors, torn, violations

TRACER = Path(__file__).with_name("inject_tracer.py")
PATIENCE = 120.0
"""Seconds until a run has to be over, on a machine that has other things to do."""
RUNS = 4
"""Runs after the fault by which a sprint whose tasks were harmed has to be completed."""
RUN = ("run", "-j", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The n-th call of a name in a process of a role, and what it was about when it was enumerated."""

    role: str
    call: str
    n: int
    about: str = ""
    shim: int = 0
    """Which of the launcher's shims, from 1."""

    def __str__(self) -> str:
        who = f"{self.role} {self.shim}" if self.shim else self.role
        return f"{who} at {self.call} {self.n} ({self.about})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done at a point."""

    name: str
    plan: dict[str, object]
    fits: Callable[[Point], bool]
    times: int = 1
    """How many calls of the name in a row it meets; 0 for all from the point on."""

    def at(self, point: Point) -> dict[str, object]:
        """The tracer's plan."""
        last = point.n + self.times - 1 if self.times else 0
        place = {"role": point.role, "shim": point.shim, "call": point.call, "first": point.n, "last": last}
        return {**self.plan, **place}


# A kill before a call that only looks, or that takes a lock which death gives back, is the kill before the next call.
_LOOKS = frozenset(("newfstatat", "stat", "lstat", "readlink", "getdents64", "pread64"))
_WRITES = frozenset(("write", "pwrite64", "pwritev"))
_SYNCS = frozenset(("fsync", "fdatasync", "ftruncate", "fallocate"))
_NAMES = frozenset(("mkdir", "mkdirat", "rename", "renameat", "renameat2"))
_SLOW = frozenset(
    (
        "read",
        "write",
        "poll",
        "flock",
        "wait4",
        "sendmsg",
        "recvmsg",
        "recvfrom",
        "openat",
        "ftruncate",
        "fsync",
    )
)
"""What a signal can interrupt; SQLite's own calls are among them."""
_FAILING = (
    _WRITES
    | _SYNCS
    | _NAMES
    | _LOOKS
    | {"openat", "read", "close", "unlink", "rmdir", "chmod", "fchmod", "flock", "fcntl"}
)


def _on_disk(point: Point) -> bool:
    return point.about.startswith("/") and not point.about.startswith(("/proc", "/dev"))


def _lasting(point: Point) -> bool:
    """Not a lock of the WAL's index: SQLite calls it busy whatever its error is, and that is waited for, for 60 s."""
    return point.call != "fcntl" or not point.about.endswith("-shm")


def _full(point: Point) -> bool:
    grows = point.call in _WRITES | _SYNCS | _NAMES or (point.call == "openat" and "O_CREAT" in point.about)
    return grows and _on_disk(point)


def _error(name: str, *, disk: bool = False) -> dict[str, object]:
    """`disk`: only calls that are about files fail, whatever else may come later under the same name."""
    return {"action": "error", "errno": getattr(errno, name), "disk": disk}


KILL = Fault(name="SIGKILL", plan={"action": "kill"}, fits=lambda point: point.call not in _LOOKS | {"fcntl"})
EIO = Fault(
    name="EIO", plan=_error("EIO", disk=True), fits=lambda point: point.call in _FAILING and _on_disk(point)
)
EIO_ON = Fault(
    name="EIO from there on", plan=EIO.plan, fits=lambda point: EIO.fits(point) and _lasting(point), times=0
)
EIO_FEW = Fault(name="EIO, three times", plan=EIO.plan, fits=EIO.fits, times=3)
ENOSPC = Fault(name="ENOSPC", plan=_error("ENOSPC", disk=True), fits=_full)
ENOSPC_ON = Fault(name="ENOSPC from there on", plan=ENOSPC.plan, fits=_full, times=0)
ENOSPC_FEW = Fault(name="ENOSPC, three times", plan=ENOSPC.plan, fits=_full, times=3)
EINTR = Fault(name="EINTR", plan=_error("EINTR"), fits=lambda point: point.call in _SLOW)
EAGAIN = Fault(
    name="EAGAIN", plan=_error("EAGAIN"), fits=lambda point: point.call in ("clone", "clone3", "fork")
)
# To a pipe, 4,096 bytes or fewer go whole or not at all.
SHORT = Fault(
    name="short write",
    plan={"action": "short"},
    fits=lambda point: (
        point.call in _WRITES | {"sendmsg", "recvfrom"} and not point.about.startswith("pipe:")
    ),
)


def documented(point: Point, fault: Fault) -> tuple[int, ...]:
    """How a supervisor may end that met a fault: 137 if that killed it, 0 if it did not mind, 4 if it gave up.

    5 as well where the journal could not be read: SQLite says of EIO that the file is damaged, and cannot be asked.
    """
    if fault is KILL:
        return 0, 137
    unread = fault in (EIO, EIO_ON) and point.call == "pread64" and ".fsm-sprint/journal.db" in point.about
    return (0, 4, 5) if unread else (0, 4)


def refused() -> str:
    """Why this machine cannot do it; '' when it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "system calls are numbered for Linux on x86-64 here"
    tried = subprocess.run(
        [sys.executable, "-I", "-S", str(TRACER), '{"role": "supervisor"}', os.devnull, "/bin/true"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if tried.returncode == 0 else f"ptrace is not permitted: {tried.stderr.strip()[-200:]}"


@dataclass(slots=True, kw_only=True)
class Played:
    """How a run under the tracer went."""

    code: int
    said: str
    hits: Sequence[str]
    trail: Sequence[tuple[str, int, str]]
    heads: Sequence[tuple[int, str]]
    """What a reader beside it was shown of the journal: (seq, hash)."""


def play(box: Sandbox, plan: dict[str, object], words: Sequence[str] = RUN) -> Played:
    """Runs a command under the tracer; a reader looks at the journal all the while. Ends it after `PATIENCE`."""
    report, said = box.directory.parent / "report.json", box.directory.parent / "said"
    report.unlink(missing_ok=True)
    plan = {**plan, "under": [str(box.directory), str(said), "pipe:", "socket:", "anon_inode:"]}
    if plan["role"] != "supervisor":
        del plan["under"]
    heads: list[tuple[int, str]] = []
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(TRACER), json.dumps(plan), str(report), *box.command(*words)],
            cwd=box.directory,
            env=box.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                process.wait(0.025)
                break
            except subprocess.TimeoutExpired:
                _watch(box, heads)
            if time.monotonic() > end:
                process.kill()
                process.wait()
                break
    found = json.loads(report.read_text()) if report.exists() else {"hits": [], "trail": []}
    return Played(
        code=process.returncode,
        said=said.read_text(errors="replace"),
        hits=found["hits"],
        trail=[(call, n, about) for call, n, about in found["trail"]],
        heads=heads,
    )


def _watch(box: Sandbox, heads: list[tuple[int, str]]) -> None:
    try:
        with open_reader(box.directory / ".fsm-sprint" / "journal.db") as reader:
            heads.append(reader.head())
    except JournalError:
        return  # not there yet, or in the making


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """A run to which nothing was done."""

    points: Sequence[Point]
    """Every point of it; of calls that do the same to the same file again and again, the first and last two."""
    progress: str
    """PROGRESS.yaml at its end, as `progress` shows it."""


_calm: dict[object, Calm] = {}
"""What was enumerated already in this process."""


def calm(
    folder: Path,
    role: str,
    *,
    shim: int = 0,
    beside: float = 0,
    before: Callable[[Sandbox], object] | None = None,
    key: object = None,
) -> Calm:
    """Enumerates the points of a process of the role by a run in `folder`, which is new; once for the same `key`."""
    known = role, shim, beside, key
    if known in _calm:
        return _calm[known]
    box = sandbox(folder / "tiny", beside=beside)
    if before is not None:
        before(box)
    played = play(box, {"role": role, "shim": shim, "trail": True})
    assert played.trail, (played.code, played.said)
    found = [
        Point(role=role, call=call, n=n, about=about, shim=shim)
        for call, n, about in played.trail
        if about != str(box.directory)  # the import system looks around in the current directory
    ]
    alike = (list(group) for _, group in groupby(found, lambda point: (point.call, point.about)))
    few = [point for group in alike for point in (group if len(group) <= 6 else group[:2] + group[-2:])]
    _calm[known] = Calm(points=few, progress=progress(box))
    return _calm[known]


def killed(point: Point) -> Callable[[Sandbox], object]:
    """What brings a sprint to where its supervisor was killed at a point."""
    return lambda box: play(box, KILL.at(point))


def untouched(box: Sandbox) -> None:
    """The sprint as it was made."""


@dataclass(slots=True, kw_only=True)
class Round:
    """One round: what was done, how the harmed run ended, and what is wrong after it."""

    code: int
    hits: Sequence[str]
    wrong: list[str] = field(default_factory=list)


def play_round(
    directory: Path,
    point: Point,
    fault: Fault,
    *,
    harmed: bool = False,
    codes: Sequence[int] = (0,),
    before: Callable[[Sandbox], object] = untouched,
    beside: float = 0,
    expected: str = "",
) -> Round:
    """One round. `codes`: how the harmed run may end; `harmed`: it may cost a task its life; `expected`: PROGRESS.yaml
    of a sprint to which nothing was done; `before` brings the sprint to where it is harmed; `beside`: see `tiny`.
    """
    box = sandbox(directory, beside=beside)
    before(box)
    earlier = moment(box)
    played = play(box, fault.at(point))
    found = Round(code=played.code, hits=played.hits)
    if played.code not in codes or "Traceback" in played.said:
        found.wrong.append(f"F: it ended with {played.code}: {played.said[-600:]}")
    crashed = moment(box)
    found.wrong += torn(crashed)
    found.wrong += lost(earlier, crashed)
    again = box.run(*RUN)
    for _ in range(RUNS - 1 if harmed else 0):
        if again.returncode == 0:
            break
        again = box.run(*RUN)
    if again.returncode not in ((0, 1) if harmed else (0,)):
        found.wrong.append(f"I10: run again, it ended with {again.returncode}: {again.stderr[-600:]}")
    after = moment(box)
    found.wrong += lost(crashed, after)
    found.wrong += _forgotten(played.heads, [(row.seq, row.hash) for row in after.rows])
    found.wrong += violations(box, harmed=harmed)
    if expected and not harmed and (now := progress(box)) != expected:
        found.wrong += [
            f"I15: PROGRESS.yaml says {line}"
            for line in unified_diff(expected.split("\n"), now.split("\n"), n=0)
        ]
    end_all(box)
    return found


def progress(box: Sandbox) -> str:
    """PROGRESS.yaml without times, and without what names of them come into ids."""
    shown = (box.directory / "PROGRESS.yaml").read_text(encoding="utf-8")
    shown = re.sub(r"\n *(pid|spawned-at):.*", "", timeless(shown))
    # The log of an attempt that never ran is left empty, and the next attempt has its own.
    return re.sub(r"-\d{10}(-2)?(\.\d+)?\b", "", shown)


def _forgotten(heads: Sequence[tuple[int, str]], rows: Sequence[tuple[int, str]]) -> Iterator[str]:
    """I2: rows that a reader was shown while the supervisor lived."""
    kept = {(0, ""), *rows}
    yield from (
        f"I2: a reader was shown row {seq}, and it is gone" for seq, head in heads if (seq, head) not in kept
    )


def end_all(box: Sandbox) -> None:
    """Ends what a round that went wrong has left behind."""
    for pid, _ in survivors(box, patience=0):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
