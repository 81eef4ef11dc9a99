"""A damaged journal, and a new one made of what is whole of it: what is kept, what is lost, what still runs.

Rule: the damaged file is read and kept, never mended. The new one is another file until somebody wants it in its
place; what stands in attempts/ is only looked at, and decides what the new journal has to say of it (`fsm.regain`).
"""

import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path

from fsm.decide import opening
from fsm.decide import recover as settle
from fsm.errors import SprintError
from fsm.machine import destination
from fsm.plan import digest as digest_of
from fsm.ports import Clock
from fsm.regain import regain
from fsm.sprint import Sprint
from fsm.states import SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Move, Transition, encode_facts
from fsm_sprint.executors import platform
from fsm_sprint.paths import SprintPaths, errors_of
from fsm_sprint.remains import Remains, remains_of
from journal import heading, rebuild
from journal.audit import audit
from journal.errors import JournalDamaged
from journal.reader import Reader
from journal.replay import Problem, verify
from journal.salvage import Salvage
from journal.store import SqliteJournal
from journal.watch import Place, identity, place

_STATES = frozenset({TaskState.SPAWNED, TaskState.RUNNING, TaskState.STOPPING})
_FAILED = frozenset({TaskState.FAILED, TaskState.WAITING})
_BROKEN = (SprintError, ValueError, KeyError, TypeError, AttributeError)
"""What rows that make no sense raise when they are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What came of it."""

    file: Path
    """The new journal."""
    rows: int
    """So many rows of the damaged one are in it."""
    left: int
    """So many more were known to be, readable or not."""
    why: str
    """What is wrong with the damaged one, at first."""
    sprint: Sprint
    """The fold of its latest run, as the new journal leaves it."""
    lost: list[str] = field(default_factory=list)
    """Units whose attempt nothing can tell of any more."""
    taken: list[str] = field(default_factory=list)
    """Units whose last attempt is known by its directory alone."""
    adoptable: list[str] = field(default_factory=list)
    """Units whose attempt still runs, and that the next `run` goes on with."""
    obstacles: list[Path] = field(default_factory=list)
    """Directories of attempts that still run and that the new journal cannot go on with."""
    strangers: list[Path] = field(default_factory=list)
    """Directories of attempts that nothing in the new journal is about, whose names it may give again."""


def recover(journal: Path, paths: SprintPaths | None, target: Path, clock: Clock) -> Recovered | None:
    """Writes what is whole of a journal to `target`, which must not exist. None when nothing is wrong with it.

    `paths` is None for a journal that was named by itself; then nothing is known of attempts, and what had not ended is
    lost. Of a sprint, the lease has to be held. JournalDamaged when not even the first plan can be read.
    """
    with Salvage(journal, target.parent) as salvage:
        texts = {digest_of(text): text for text in salvage.texts()}
        rows, problem = _whole(salvage.rows())
        rows, sprint, problem = _folded(islice(salvage.rows(), rows), texts, problem)
        beyond = list(salvage.rows(after=rows))
        known = max(rows + len(beyond), _published(paths))
        if sprint is None:
            said = f": {problem.message}" if problem is not None else ""
            raise JournalDamaged(
                f"nothing of {journal} can be gone on with{said}",
                hint="put a backup in its place, or remove .fsm-sprint and logs to begin anew",
            )
        ours = paths is not None and _belongs(sprint, journal)
        there = remains_of(paths, sprint) if paths is not None else Remains()
        remains = there if ours else Remains(strangers=[*there.strangers, *there.later])
        ahead = [path for path, trace in remains.traces.items() if trace.number > sprint.units[path].attempt]
        why = _said(problem, rows) or _why(salvage, journal, rows, known, ahead)
        if why is None and paths is not None and sprint.live and _elsewhere(sprint, journal):
            why = "it is another file than the one that its last supervisor had"
        if why is None:
            return None
        before = {path: unit.attempt for path, unit in sprint.units.items()}
        with rebuild.anew(target) as made:
            rebuild.copy(made, islice(salvage.rows(), rows), texts.values())
            facts = {
                **identity(made.path),
                "path": os.path.realpath(paths.journal if paths is not None else target),
                "boot": platform.boot_id(),
                "namespace": platform.pid_namespace(),
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "recovered": {
                    "digests": salvage.digests,
                    "rows": rows,
                    "left-behind": known - rows,
                    "why": why,
                },
            }
            writer = _Writer(made, sprint, 1 + max(sprint.epoch, *_epochs(beyond)), clock.now())
            writer.record([Move(SPRINT_UNIT, "lease", facts)])
            if ours:
                writer.record(regain(sprint, remains.traces, writer.now))
            else:
                if sprint.state == SprintState.NOT_STARTED:
                    writer.record(opening(sprint))
                writer.record(settle(sprint, writer.now, copied=True))
    running = {(unit.path, unit.attempt): unit for unit in sprint.live.values() if unit.state in _STATES}
    return Recovered(
        file=target,
        rows=rows,
        left=known - rows,
        why=why,
        sprint=sprint,
        lost=[path for path in writer.lost if sprint.units[path].state in _FAILED],
        taken=[path for path in ahead if sprint.units[path].attempt > before[path]],
        adoptable=[key[0] for key in remains.alive.values() if key in running],
        obstacles=[folder for folder, key in remains.alive.items() if key not in running],
        strangers=remains.strangers,
    )


class _Writer:
    """Records moves as the engine does, with nothing that would be owed for them."""

    def __init__(self, journal: SqliteJournal, sprint: Sprint, epoch: int, now: int) -> None:
        self._journal = journal
        self._sprint = sprint
        self._epoch = epoch
        self.now = now
        self.lost: list[str] = []

    def record(self, moves: Iterable[Move]) -> None:
        sprint, journal = self._sprint, self._journal
        for move in moves:
            unit = sprint.unit(move.unit)
            row = Transition(
                seq=journal.head[0] + 1,
                run=sprint.run,
                epoch=self._epoch,
                at=self.now,
                unit=unit.path,
                machine=str(unit.machine),
                trigger=move.trigger,
                source=str(unit.state),
                dest=destination(unit.machine, move.trigger, unit.state, unit.path),
                attempt=move.attempt,
                facts=encode_facts(move.facts),
            )
            sprint.apply(journal.append(row))
            if move.trigger == "fail" and move.facts.get("verdict") == "lost":
                self.lost.append(unit.path)


def _whole(rows: Iterable[Transition]) -> tuple[int, Problem | None]:
    """How many rows from the first on are chained and legal, and what is wrong with the next."""
    seen = 0

    def counted() -> Iterator[Transition]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    problem = next(verify(counted()), None)
    return (seen, None) if problem is None else (min(seen, problem.seq) - 1, problem)


def _folded(
    rows: Iterable[Transition], texts: dict[str, str], problem: Problem | None
) -> tuple[int, Sprint | None, Problem | None]:
    """How many of the rows fold, which needs their plans, and the fold of the latest run among them."""
    sprint: Sprint | None = None
    good = 0
    for row in rows:
        begun = sprint if sprint is not None and sprint.run == row.run else Sprint(row.run, texts.__getitem__)
        try:
            begun.apply(row)
        except _BROKEN as error:
            what = "a text that it needs cannot be read" if isinstance(error, KeyError) else str(error)
            return good, sprint, Problem(row.seq, what)
        sprint, good = begun, row.seq
    return good, sprint if sprint is not None and sprint.plan_digest else None, problem


def _epochs(rows: Iterable[Transition]) -> Iterator[int]:
    yield 0
    for row in rows:
        epoch: object = (
            row.epoch
        )  # a page that is bad may hold anything; epochs count the starts of supervisors
        if isinstance(epoch, int) and epoch < 1 << 31:
            yield epoch


def _published(paths: SprintPaths | None) -> int:
    """The row that PROGRESS.yaml shows, if it is there and says so."""
    if paths is None:
        return 0
    try:
        found = heading.read(BytesIO(paths.progress.read_bytes()))
    except OSError:
        return 0
    return found.seq if found is not None else 0


def _belongs(sprint: Sprint, journal: Path) -> bool:
    """Whether what lies beside a journal is its own: it stands where its last lease found it, or is that very file."""
    if sprint.lease is None:
        return True
    lease, here = sprint.lease.decoded(), identity(journal)
    return bool(lease.get("path") == here["path"] or lease.get("inode") == here["inode"])


def _elsewhere(sprint: Sprint, journal: Path) -> bool:
    """A backup that was put back, an import, a copy: `run` would take what had not ended for another sprint's."""
    return sprint.lease is not None and place(sprint.lease.decoded(), journal) is Place.COPIED


def _said(problem: Problem | None, rows: int) -> str | None:
    if problem is None:
        return None
    gap = f"{rows + 1} to {problem.seq - 1}" if problem.seq > rows + 2 else f"{rows + 1}"
    return f"row {problem.seq}: {problem.message}" if problem.seq == rows + 1 else f"row {gap} cannot be read"


def _why(salvage: Salvage, journal: Path, rows: int, known: int, ahead: list[str]) -> str | None:
    if salvage.transplanted:
        return "its header or its schema cannot be read"
    if salvage.torn:
        return f"what stands after row {rows} cannot be read"
    found = next(audit(Reader(salvage.connection, journal)), None)
    if found is not None:
        return found.message
    if known > rows:
        return f"PROGRESS.yaml shows row {known}, and it ends with row {rows}"
    if ahead:
        return f"{ahead[0]} was attempted after its last row"
    return None


def replacements(found: Recovered, paths: SprintPaths) -> list[tuple[Path, Path]]:
    """What has to get another name, in this order, so that the new journal is in its place and nothing is lost."""
    journal = paths.journal
    aside = next(
        place
        for n in range(1, 10_000)
        if not (place := journal.with_name(f"{journal.name}.damaged-{n}")).exists()
    )
    moves = [(Path(f"{journal}{end}"), Path(f"{aside}{end}")) for end in ("", "-wal", "-shm")]
    for folder in found.strangers:
        stem, _, number = folder.name.rpartition(".")
        log = paths.logs / (f"{stem}.log" if number == "1" else f"{stem}.{number}.log")
        moves += [(old, Path(f"{aside}-{old.name}")) for old in (folder, log, errors_of(log))]
    return [*((old, new) for old, new in moves if os.path.lexists(old)), (found.file, journal)]


def replace(moves: list[tuple[Path, Path]]) -> None:
    """Does what `replacements` says, durably; the lease has to be held.

    Until the last step there is no journal at its place, or the damaged one: neither lets a run begin.
    """
    last = len(moves) - 1
    for step, (old, new) in enumerate(moves):
        if step == last:
            rebuild.synced(old)
        try:
            old.rename(new)
        except OSError as error:
            raise SprintError(
                f"{old} cannot be renamed to {new.name}: {error.strerror}",
                hint="nothing is deleted; rename by hand what is left of it",
            ) from error
    for folder in {folder for old, new in moves for folder in (old.parent, new.parent)}:
        rebuild.synced(folder)
