"""The ledger X: what really ran, written down outside of the sprint by the tasks themselves, and what follows from it.

Every task appends a line when it begins and one when it ends, each one O_APPEND write and a sync; and it holds a lock
of its unit for as long as anything of it lives. So it can be told from outside, whatever was done to supervisor,
launcher and shims, whether the journal says what happened. Rule: the journal is on trial here, and is not believed.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsm import attempt as record
from fsm.errors import SprintError
from fsm.sprint import Sprint, fold
from fsm.states import AT_REST, SprintState, TaskState
from fsm.transition import Transition
from fsm_sprint.clock import SystemClock
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.audit import audit
from journal import heading
from journal.errors import JournalDamaged, JournalError
from journal.reader import open_reader
from tests.e2e.sprints import Sandbox

SECRET = "hunter2-correct-horse-battery"
"""In the environment of every run; nothing that is written may hold it."""

# fd 9 is inherited by all that the task starts: the lock is held while anything of it lives.
_BEGIN = """\
set -f; IFS=/; set -- $FSM_SPRINT_TASK; IFS=.; unit="$*"; IFS=" "
say() {{ echo "$1 $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$ $2" >>"$LEDGER"; sync "$LEDGER"; }}
exec 9>>"$LEDGER.$unit"; flock -n 9 || say overlap
say begin; sleep {nap}
"""
_LEAVE = "say end {code}; exit {code}\n"


def task(nap: float = 0, code: int = 0) -> str:
    """Shell text of a task that writes down its beginning, naps, writes down its end and leaves with `code`."""
    return _BEGIN.format(nap=nap) + _LEAVE.format(code=code)


def flaky(nap: float = 0) -> str:
    """Shell text of a task that leaves with 7 the first time that it gets to its end, and with 0 then."""
    again, first = _LEAVE.format(code=0), 'touch "$LEDGER.tried"; ' + _LEAVE.format(code=7)
    return f'{_BEGIN.format(nap=nap)}if [ -e "$LEDGER.tried" ]; then {again}fi\n{first}'


TINY = """\
workflow: main
sprint-id: tiny
collections:
  part:
    - {id: a, prompt: The only one}
"""
"""The SPRINT.yaml that goes with `tiny`."""


def tiny(nap: float = 0, beside: float = 0) -> dict[str, object]:
    """Workflows of a sprint with one of everything: a phase, a step, a gate, a ParallelTask, a sync point, a retry.

    Each task naps so many seconds, the ParallelTask as many as `beside` says.
    """
    phases: list[dict[str, object]] = [
        {"id": "first", "run": task(nap)},
        {"id": "parts", "for-each": "part", "workflow": "part"},
        {
            "id": "flaky",
            "run": flaky(nap),
            "wait-for-parallel": True,
            "retry": {"max-attempts": 2},
        },
    ]
    part: list[dict[str, object]] = [
        {"id": "beside", "run": task(beside or nap), "parallel": True},
        {"id": "build", "run": task(nap), "gate": {"script": task(nap)}},
    ]
    return {
        f"{name}.yaml": {"name": name, "schema-version": "2.0", "phases": content}
        for name, content in (("main", phases), ("part", part))
    }


TRIES: Mapping[str, int] = {
    "first": 1,
    "parts/a/build": 1,
    "parts/a/build#gate": 1,
    "parts/a/beside": 1,
    "flaky": 2,
}
"""How often each unit of `tiny` runs when no task is harmed."""


def sandbox(directory: Path, nap: float = 0, *, beside: float = 0) -> Sandbox:
    """The tiny sprint in a directory of its own, with a secret in its environment."""
    made = Sandbox(directory, TINY, tiny(nap, beside))
    made.env["LEDGER_TOKEN"] = SECRET
    made.env["PYTHONSAFEPATH"] = (
        "1"  # a directory that cannot be read is no reason not to find modules elsewhere
    )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the ledger; `code` of ends only, and -1 where a task was killed while it wrote."""

    kind: str
    unit: str
    attempt: int
    pid: int
    code: int = -1


def lines(box: Sandbox) -> list[Line]:
    """The ledger, in the order in which it was written."""
    return [
        Line(kind=kind, unit=unit, attempt=int(number), pid=int(pid), code=int(code[0]) if code else -1)
        for kind, unit, number, pid, *code in box.entries()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What can be seen of a sprint at one moment. The ledger is read first: the journal has to know as much."""

    ledger: Sequence[Line]
    published: tuple[int, str]
    """(seq, beginning of its hash) that PROGRESS.yaml shows; (0, '') without one."""
    rows: Sequence[Transition]


def moment(box: Sandbox) -> Moment:
    """Looks at a sprint, whatever state it is in; no journal is no rows."""
    ledger, published = lines(box), _published(box)
    path = SprintPaths(box.directory).journal
    if not path.exists() or path.stat().st_size == 0:
        return Moment(ledger=ledger, published=published, rows=())
    try:
        with open_reader(path) as reader:
            return Moment(ledger=ledger, published=published, rows=reader.rows())
    except JournalDamaged:
        raise
    except JournalError:  # made, and not written to yet
        return Moment(ledger=ledger, published=published, rows=())


def _published(box: Sandbox) -> tuple[int, str]:
    try:
        with SprintPaths(box.directory).progress.open("rb") as file:
            found = heading.read(file)
    except FileNotFoundError:
        return 0, ""
    return (0, "?") if found is None else (found.seq, found.head)


def torn(seen: Moment) -> Iterator[str]:
    """What must hold at every moment, also right after a crash: I2 of what was shown, I4."""
    seq, head = seen.published
    if seq > len(seen.rows) or (head and not (seq and seen.rows[seq - 1].hash.startswith(head))):
        yield f"I2: PROGRESS.yaml shows row {seq} {head}, the journal ends at {len(seen.rows)}"
    started = {(row.unit, row.attempt) for row in seen.rows if row.trigger == "start"}
    for line in seen.ledger:
        if (line.unit, line.attempt) not in started:
            yield f"I4: {line.unit} {line.attempt} ran without a `start` row"


def lost(before: Moment, after: Moment) -> Iterator[str]:
    """I2: what somebody could see before a crash and cannot any more after it."""
    kept = [row.hash for row in after.rows[: len(before.rows)]]
    if [row.hash for row in before.rows] != kept:
        yield f"I2: {len(before.rows)} rows were there, and are no beginning of the {len(after.rows)} rows now"
    if list(before.ledger) != list(after.ledger[: len(before.ledger)]):
        yield "X: the ledger itself has lost lines"


def violations(
    box: Sandbox, *, harmed: bool = False, tries: Mapping[str, int] = TRIES, patience: float = 5.0
) -> Iterator[str]:
    """What is wrong with a sprint that has come to its end. `harmed`: a shim or a task may have been killed.

    Without harm, every unit ran exactly as often as `tries` says, and nothing was lost. What is left of the sprint's
    processes has `patience` seconds to go.
    """
    paths = SprintPaths(box.directory)
    seen = moment(box)
    yield from torn(seen)
    with open_reader(paths.journal) as reader:
        document = audit(reader, paths, SystemClock(), head=None, least=0)
        try:
            found = list(_ended(fold(seen.rows, seen.rows[-1].run, reader.text), harmed=harmed))
        except SprintError as error:
            found = [f"I3: {error}"]
    yield from (f"I3 I9 I12 I19: {problem['message']}" for problem in document["problems"])
    yield from (f"I9: {note}" for note in document["notes"])
    yield from found
    yield from _attempts(seen, paths, harmed=harmed)
    yield from _order(seen)
    begun = Counter(line.unit for line in seen.ledger if line.kind == "begin")
    if not harmed and begun != tries:
        yield f"I7: {dict(begun)} ran, and {dict(tries)} was to"
    for path in (paths.journal, Path(f"{paths.journal}-wal"), paths.progress):
        if path.exists() and SECRET.encode() in path.read_bytes():
            yield f"I20: {path.name} holds a secret"
    yield from (f"I14: {pid} still lives: {command}" for pid, command in survivors(box, patience))


def _ended(sprint: Sprint, *, harmed: bool) -> Iterator[str]:
    """I10. What was lost beside the main line, which went on without it, is not tried again by itself."""
    if sprint.state != SprintState.COMPLETED or sprint.state not in AT_REST:
        yield f"I10: the sprint is {sprint.state}"
    if sprint.live:
        yield f"I10: {', '.join(sprint.live)} did not end"
    for unit in sprint.units.values():
        if unit.machine != "task" or unit.spawned is None or unit.state == TaskState.COMPLETED:
            continue
        ended = unit.ended.decoded() if unit.ended is not None else {}
        if not (harmed and unit.background and ended.get("verdict") == "lost"):
            yield f"I10: {unit.path} is {unit.state}"


def _attempts(seen: Moment, paths: SprintPaths, *, harmed: bool) -> Iterator[str]:
    """I1, I5–I7, I17, I18: each attempt of the journal against its lines and against its attempt file."""
    begun = Counter((line.unit, line.attempt) for line in seen.ledger if line.kind == "begin")
    ended = {(line.unit, line.attempt): line.code for line in seen.ledger if line.kind == "end"}
    yield from (f"I1: two of {line.unit} at once" for line in seen.ledger if line.kind == "overlap")
    yield from (f"I7: {key} ran {count} times" for key, count in begun.items() if count > 1)
    names = {
        (row.unit, row.attempt): str(row.decoded()["name"]) for row in seen.rows if row.trigger == "spawn"
    }
    spawns = Counter((row.unit, row.attempt) for row in seen.rows if row.trigger == "spawn")
    yield from (f"I7: {key} was spawned {count} times" for key, count in spawns.items() if count > 1)
    over: set[tuple[str, int]] = set()
    for row in seen.rows:
        key = row.unit, row.attempt
        if row.machine != "task" or row.trigger not in ("abort", "succeed", "verify", "fail"):
            continue
        if row.source in (TaskState.VERIFYING, TaskState.PENDING):
            continue  # of the gate, not of the attempt, which is over
        if key in over:
            yield f"I3: {key} ended twice"
        over.add(key)
        facts = row.decoded()
        exited, started = _record(paths, names[key], row.attempt)
        if row.trigger == "abort":
            if begun[key] or started is not None:
                yield f"I6: {key} was aborted, and ran"
            continue
        if facts.get("verdict") == "lost":
            if "code" in facts:
                yield f"I18: {key} is lost with a code"
            if exited is not None:
                yield f"I17: {key} is lost, and its exit record is there"
            if not harmed:
                yield f"I17: {key} is lost, and nothing was done to it"
            continue
        if begun[key] != 1 and not harmed:
            yield f"I5: {key} {row.trigger}, and it ran {begun[key]} times"
        if key in ended and facts.get("code") != ended[key]:
            yield f"I5: {key} left with {ended[key]}, the journal says {json.dumps(facts)}"
        if "code" in facts and key not in ended:
            yield f"I5: {key} never came to its end, the journal says {json.dumps(facts)}"
        status = None if exited is None else exited.get("status")
        if status is not None and facts.get("code", 0) != os.waitstatus_to_exitcode(int(status)) & 0xFF:
            yield f"I5: {key} has status {status} on file, the journal says {json.dumps(facts)}"
    yield from (f"I10: the journal does not know how {key} ended" for key in spawns.keys() - over)


def _record(
    paths: SprintPaths, name: str, number: int
) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    try:
        return record.read((paths.attempt(name, number) / "attempt").read_bytes())
    except FileNotFoundError:
        return None, None


def _order(seen: Moment) -> Iterator[str]:
    """I8: attempts of a unit ran one after another. I11: epochs never fall."""
    last: dict[str, int] = {}
    for line in seen.ledger:
        if line.attempt < last.get(line.unit, 0):
            yield f"I8: {line.unit} {line.attempt} wrote after a later attempt of it"
        last[line.unit] = max(last.get(line.unit, 0), line.attempt)
    open_: dict[str, int] = {}
    epoch = 0
    for row in seen.rows:
        if row.epoch < epoch:
            yield f"I11: row {row.seq} is of epoch {row.epoch}, after epoch {epoch}"
        epoch = row.epoch
        if row.machine != "task":
            continue
        if row.trigger == "spawn":
            if row.unit in open_:
                yield f"I8: {row.unit} {row.attempt} was spawned while {open_[row.unit]} was not over"
            open_[row.unit] = row.attempt
        elif row.trigger in ("abort", "succeed", "verify", "fail", "cancel") and row.attempt:
            open_.pop(row.unit, None)


def survivors(box: Sandbox, patience: float) -> list[tuple[int, str]]:
    """Processes, other than this one, that the sprint started and that still live after `patience` seconds."""
    mark, end = f"LEDGER={box.ledger}".encode(), time.monotonic() + patience
    while (found := list(_marked(mark))) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def _marked(mark: bytes) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if mark not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state not in "ZX":
            yield int(entry.name), command
