"""Deliberate breakages of the protocol. One that no invariant catches means that an invariant is missing."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from fsm import attempt, decide, engine, shim, stage, world
from fsm.effects import Spawn
from fsm.events import Ended
from fsm.judge import Finding, Sight, judge
from fsm.owed import owed
from journal.memory import MemoryJournal

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    MUTANTS[make.__name__] = make
    return make


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


SHIPPED = (
    shim.CREATE,
    shim.LOCK,
    shim.READY,
    shim.GATE,
    shim.FORK,
    shim.STARTED,
    shim.RELEASE,
    shim.WAIT,
    shim.EXIT,
    shim.SWEEP,
)


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
    write = world.Shim._write

    def unsynced(self: world.Shim, place: world.World) -> bool:
        on_disk = self.directory.on_disk
        done = write(self, place)
        if self.operation == shim.STARTED:
            self.directory.on_disk = on_disk
        return done

    patch.setattr(world.Shim, "_write", unsynced)


@mutant
def the_exit_record_is_not_synced(patch: pytest.MonkeyPatch) -> None:
    write = world.Shim._write

    def unsynced(self: world.Shim, place: world.World) -> bool:
        on_disk = self.directory.on_disk
        done = write(self, place)
        if self.operation == shim.EXIT:
            self.directory.on_disk = on_disk
        return done

    patch.setattr(world.Shim, "_write", unsynced)


@mutant
def nobody_is_told_that_the_tree_lock_is_held(patch: pytest.MonkeyPatch) -> None:
    sight = stage.SimulatedExecutor.sight
    patch.setattr(
        stage.SimulatedExecutor, "sight", lambda self, handle: sight(self, handle)._replace(tree=False)
    )
    patch.setattr(stage.SimulatedExecutor, "_clear", lambda self, key: None)


@mutant
def the_next_attempt_does_not_wait_for_the_last_ones_tree(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stage.SimulatedExecutor, "_clear", lambda self, key: None)


@mutant
def the_attempt_file_is_read_before_the_lock_is_tried(patch: pytest.MonkeyPatch) -> None:
    def early(self: stage.SimulatedExecutor, handle: stage.Handle) -> Sight:
        directory = handle.directory
        raw = directory.file if directory is not None else None
        found, started = attempt.read(raw or b"")
        self.world.point("between file and lock")
        shim_held = directory is not None and directory.shim is not None
        tree_held = directory is not None and bool(directory.tree)
        return Sight(shim_held, tree_held, raw is not None, found, started, handle.rebooted)

    patch.setattr(stage.SimulatedExecutor, "sight", early)


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
    spawn = stage.SimulatedExecutor._spawn

    def over(self: stage.SimulatedExecutor, effect: Spawn) -> None:
        self.world.directories.pop((effect.unit, effect.attempt), None)
        spawn(self, effect)

    def same_number(sprint: Any, machine_unit: Any, now: int) -> Any:
        for move in original(sprint, machine_unit, now):
            again = machine_unit.moved is not None and machine_unit.moved.trigger == "abort"
            yield (
                move._replace(attempt=max(1, move.attempt - 1)) if again and move.trigger == "spawn" else move
            )

    original = decide._spawn
    patch.setattr(decide, "_spawn", same_number)
    patch.setattr(stage.SimulatedExecutor, "_spawn", over)


@mutant
def a_lost_attempt_gets_a_code(patch: pytest.MonkeyPatch) -> None:
    conclude = stage.SimulatedExecutor._conclude

    def inventive(self: stage.SimulatedExecutor, handle: stage.Handle) -> list[Any]:
        return [
            event._replace(facts={"code": 255})
            if isinstance(event, Ended) and event.outcome == "lost"
            else event
            for event in conclude(self, handle)
        ]

    patch.setattr(stage.SimulatedExecutor, "_conclude", inventive)


@mutant
def a_lost_attempt_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    conclude = stage.SimulatedExecutor._conclude

    def hopeful(self: stage.SimulatedExecutor, handle: stage.Handle) -> list[Any]:
        return [
            event._replace(outcome="exit", verdict="ok")
            if isinstance(event, Ended) and event.outcome == "lost"
            else event
            for event in conclude(self, handle)
        ]

    patch.setattr(stage.SimulatedExecutor, "_conclude", hopeful)


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
    attach = stage.SimulatedExecutor._attach

    def impatient(self: stage.SimulatedExecutor, effect: Any) -> None:
        attach(self, effect)
        handle = self.handles[(effect.unit, effect.attempt)]
        if not handle.over and self.queue:
            handle.over = True
            self.queue[:] = [Ended(effect.unit, effect.attempt, "lost", "lost", {})]

    patch.setattr(stage.SimulatedExecutor, "_attach", impatient)
