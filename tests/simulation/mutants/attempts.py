"""Breakages of what happens to one attempt: its shim and files, its recovery, who is signalled, who writes."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from fsm import (
    attempt,
    decide,
    disk,
    engine,
    handles,
    processes,
    shim,
    simulate,
    stage,
    supervision,
    world,
)
from fsm.effects import Spawn
from fsm.events import Ended
from fsm.judge import Finding, Sight, judge
from fsm.owed import owed
from journal.memory import MemoryJournal
from tests.simulation.mutants.mutant import mutant


def _life(*order: str, heed_gate: bool = True) -> Callable[[], Generator[shim.Operation, Any, None]]:
    def life() -> Generator[shim.Operation, Any, None]:
        carried: dict[str, shim.Fields] = {}
        for operation in order:
            fields = carried.get({shim.STARTED: shim.FORK, shim.EXIT: shim.WAIT}.get(operation, ""), {})
            result = yield operation, fields
            if operation == shim.GATE and heed_gate and not result:
                return
            if isinstance(result, dict):
                carried[operation] = result

    return life


SHIPPED = tuple(
    getattr(shim, name)
    for name in (
        "LOCK",
        "CREATE",
        "TREE",
        "READY",
        "GATE",
        "FORK",
        "STARTED",
        "RELEASE",
        "WAIT",
        "EXIT",
        "SWEEP",
    )
)
Executor = stage.SimulatedExecutor


@mutant
def an_attempt_that_started_counts_as_never_run(patch: pytest.MonkeyPatch) -> None:
    def lenient(sight: Sight, *, allowed: bool) -> Finding:
        found = judge(sight, allowed=allowed)
        return Finding.NEVER_RAN if found is Finding.LOST else found

    patch.setattr(stage, "judge", lenient)


@mutant
def the_end_of_file_at_the_gate_counts_as_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shim, "shim", _life(*SHIPPED, heed_gate=False))


@mutant
def there_is_no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shim, "shim", _life(*(name for name in SHIPPED if name != shim.GATE)))


@mutant
def started_is_written_after_the_release(patch: pytest.MonkeyPatch) -> None:
    order = [name for name in SHIPPED if name != shim.STARTED]
    order.insert(order.index(shim.WAIT) + 1, shim.STARTED)
    patch.setattr(shim, "shim", _life(*order))


@mutant
def started_is_not_synced(patch: pytest.MonkeyPatch) -> None:
    _unsynced(patch, shim.STARTED)


@mutant
def the_exit_record_is_not_synced(patch: pytest.MonkeyPatch) -> None:
    _unsynced(patch, shim.EXIT)


@mutant
def nobody_is_told_that_the_tree_lock_is_held(patch: pytest.MonkeyPatch) -> None:
    sight = Executor.sight
    patch.setattr(Executor, "sight", lambda self, handle: sight(self, handle)._replace(tree=False))
    patch.setattr(Executor, "_obstructed", lambda self, effect: False)
    patch.setattr(Executor, "_kill_tree", lambda self, handle: False)


@mutant
def the_next_attempt_does_not_wait_for_the_last_ones_tree(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Executor, "_obstructed", lambda self, effect: False)


@mutant
def the_attempt_before_is_not_buried(patch: pytest.MonkeyPatch) -> None:
    def looking(self: Executor, unit: str, number: int) -> disk.Directory | None:
        found = self.world.directories.get((unit, number))
        return found if found is not None and (found.tree or found.shim is not None) else None

    patch.setattr(Executor, "_bury", looking)


@mutant
def what_a_dead_shim_could_not_sweep_is_left(patch: pytest.MonkeyPatch) -> None:
    exited = Executor._exited

    def careless(self: Executor, handle: handles.Handle, record: dict[str, str]) -> list[Any]:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Executor, "_kill_tree", lambda self, handle: False)
            return exited(self, handle, record)

    patch.setattr(Executor, "_exited", careless)


@mutant
def the_attempt_file_is_read_before_the_lock_is_tried(patch: pytest.MonkeyPatch) -> None:
    def early(self: Executor, handle: handles.Handle) -> Sight:
        directory = handle.directory
        if directory is None or not self.world.reachable(directory):
            return Sight(False, False, False, None, None, self.rebooted(handle))
        raw = directory.file
        found, started = attempt.read(raw or b"")
        self.world.point("between file and lock")
        held = directory.shim is not None, bool(directory.tree)
        return Sight(*held, raw is not None, found, started, self.rebooted(handle))

    patch.setattr(Executor, "sight", early)


@mutant
def effects_come_before_their_commit(patch: pytest.MonkeyPatch) -> None:
    def hasty(self: engine.Engine, events: Any) -> None:
        self._now = self._clock.now()
        for event in events:
            self._record(engine.react(self.sprint, event, self._now))
        self._record(engine.proceed(self.sprint, self._limit, self._now))
        self._executor.perform(owed(self.sprint))
        self._journal.commit()

    patch.setattr(engine.Engine, "turn", hasty)


@mutant
def what_was_spawned_is_spawned_again_after_a_crash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "recover", lambda sprint, now, copied: iter(()))


@mutant
def the_attempt_number_is_used_again_after_an_abort(patch: pytest.MonkeyPatch) -> None:
    spawn = Executor._spawn

    def over(self: Executor, effect: Spawn) -> None:
        self.world.directories.pop((effect.unit, effect.attempt), None)
        self.handles.pop((effect.unit, effect.attempt), None)
        spawn(self, effect)

    def same_number(sprint: Any, unit: Any, now: int) -> Any:
        aborted = unit.moved is not None and unit.moved.trigger == "abort"
        for move in original(sprint, unit, now):
            again = aborted and move.trigger == "spawn"
            yield move._replace(attempt=max(1, move.attempt - 1)) if again else move

    original = decide._spawn
    patch.setattr(decide, "_spawn", same_number)
    patch.setattr(Executor, "_spawn", over)


@mutant
def a_lost_attempt_gets_a_code(patch: pytest.MonkeyPatch) -> None:
    _heard(patch, lambda event: event._replace(facts={"code": 255}) if event.outcome == "lost" else event)


@mutant
def a_lost_attempt_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    _heard(
        patch,
        lambda event: event._replace(outcome="exit", verdict="ok") if event.outcome == "lost" else event,
    )


@mutant
def every_attempt_that_ended_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    """A verdict that looks at the end and not at the code."""
    _heard(patch, lambda event: event._replace(verdict="ok", facts={"code": 0}) if event.facts else event)


@mutant
def a_commit_is_acknowledged_before_it_is_durable(patch: pytest.MonkeyPatch) -> None:
    commit = MemoryJournal.commit

    def lazy(self: MemoryJournal) -> None:
        rows = self.rows
        before = len(rows.committed)
        commit(self)
        last = getattr(rows, "unsynced", 0)
        rows.unsynced = len(rows.committed) - before or last  # type: ignore[attr-defined]  # the mutant's own mark

    cut = world.World.power_cut

    def losing(self: Any) -> None:
        rows = self.connect().rows
        del rows.committed[len(rows.committed) - getattr(rows, "unsynced", 0) :]
        cut(self)

    patch.setattr(MemoryJournal, "commit", lazy)
    patch.setattr(world.World, "power_cut", losing)


@mutant
def what_runs_is_declared_lost_by_the_next_supervisor(patch: pytest.MonkeyPatch) -> None:
    attach = Executor._attach

    def impatient(self: Executor, effect: Any) -> None:
        attach(self, effect)
        handle = self.handles[(effect.unit, effect.attempt)]
        if self.resolve(handle.identity) is not None:
            handle.over = True
            self.queue.append(Ended(effect.unit, effect.attempt, "lost", "lost", {}))

    patch.setattr(Executor, "_attach", impatient)


# Signals: to whom


@mutant
def a_pid_alone_is_who_it_was(patch: pytest.MonkeyPatch) -> None:
    def resolve(self: Executor, identity: dict[str, str]) -> Any:
        return self.world.pids.get(int(identity["pid"])) if identity else None

    patch.setattr(Executor, "resolve", resolve)


@mutant
def a_pid_and_a_start_time_are_who_they_were_before_the_machine_was_started_anew(
    patch: pytest.MonkeyPatch,
) -> None:
    resolve = Executor.resolve

    def timeless(self: Executor, identity: dict[str, str]) -> Any:
        return resolve(self, {**identity, "boot": str(self.world.boot)}) if identity else None

    patch.setattr(Executor, "resolve", timeless)


# One writer


@mutant
def a_row_is_appended_to_whatever_stands_there(patch: pytest.MonkeyPatch) -> None:
    """No compare-and-append."""

    def begin(self: MemoryJournal) -> None:
        self._guard()
        self.rows.writer = self

    patch.setattr(MemoryJournal, "_begin", begin)


@mutant
def the_lease_is_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    life = simulate.Simulation._life

    def bold(self: simulate.Simulation, *, resume: bool = True) -> bool:
        self._leases.clear()
        return life(self, resume=resume)

    patch.setattr(simulate.Simulation, "_life", bold)


@mutant
def nobody_looks_whether_the_journal_is_still_there(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(supervision.Watched, "look", lambda self: None)


@mutant
def the_epoch_is_not_raised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine.Engine, "_journal_epoch", lambda self: 0)


@mutant
def a_commit_that_failed_is_taken_for_one_that_did_not_happen(patch: pytest.MonkeyPatch) -> None:
    """The supervisor goes on and writes the rows again, where a commit in doubt ends it."""
    commit = supervision.Watched.commit

    def stubborn(self: supervision.Watched) -> None:
        batch = list(self._batch)
        inner = self._inner
        try:
            commit(self)
        except handles.Trouble:
            if not batch or self._watch.files() != self._files:
                raise
            again = MemoryJournal(inner.rows)  # type: ignore[attr-defined]  # the mutant knows what it breaks
            again._seq, again._hash = batch[-1].seq, batch[-1].hash
            again._pending, again._texts = list(batch), inner._texts  # type: ignore[attr-defined]
            again.rows.writer = again
            again.commit()
            self._inner, self._batch, self._open, self.trouble = again, [], False, False
            self._watch.durable(batch, self)
            self._watch.acknowledge(again.head)

    patch.setattr(supervision.Watched, "commit", stubborn)


# Disk


@mutant
def a_sync_that_failed_is_tried_again_without_writing_again(patch: pytest.MonkeyPatch) -> None:
    """What a failed sync was for is not waiting to be written any more: the second one has nothing to do."""

    def lazy(self: processes.Shim, place: Any, kind: str, offset: int) -> Any:
        if not self.half:
            self.directory.write(offset, attempt.sector(kind, self.fields))
            self.half = True
            return processes._AGAIN
        if place.disk_fails():
            self.directory.sync(fails=True)
            return processes._AGAIN
        self.half = False
        self.directory.sync()
        return None

    patch.setattr(processes.Shim, "write", lazy)


@mutant
def a_shim_gives_up_on_a_full_disk(patch: pytest.MonkeyPatch) -> None:
    write = processes.Shim.write

    def weak(self: processes.Shim, place: Any, kind: str, offset: int) -> Any:
        if place.disk_fails():
            place.kill(self)
            return processes._AGAIN
        return write(self, place, kind, offset)

    patch.setattr(processes.Shim, "write", weak)


def _unsynced(patch: pytest.MonkeyPatch, operation: str) -> None:
    write = processes.Shim.write

    def unsynced(self: processes.Shim, place: Any, kind: str, offset: int) -> Any:
        on_disk = self.directory.on_disk
        done = write(self, place, kind, offset)
        if self.operation == operation:
            self.directory.on_disk = on_disk
        return done

    patch.setattr(processes.Shim, "write", unsynced)


def _heard(patch: pytest.MonkeyPatch, changed: Callable[[Ended], Ended]) -> None:
    hear = Executor._hear
    patch.setattr(
        Executor,
        "_hear",
        lambda self, handle: [
            changed(event) if isinstance(event, Ended) else event for event in hear(self, handle)
        ],
    )
