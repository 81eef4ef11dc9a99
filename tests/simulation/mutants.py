"""Deliberate breakages of the protocol. One that no invariant catches means that an invariant is missing."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from fsm import (
    accounts,
    attempt,
    decide,
    disk,
    ending,
    engine,
    handles,
    mishaps,
    notices,
    processes,
    ready,
    requests,
    shim,
    simulate,
    sprint,
    stage,
    supervision,
    tree,
    unit,
    world,
)
from fsm.effects import Answer, Spawn
from fsm.events import Asked, Ended
from fsm.judge import Finding, Sight, judge
from fsm.owed import owed
from fsm.transition import SPRINT_UNIT, Move
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


# ParallelTasks, sync points, limits


@mutant
def sync_points_do_not_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ready, "held", lambda sprint, unit: False)


@mutant
def what_follows_a_leaf_does_not_wait_for_its_hooks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ready, "over", lambda hook: True)


@mutant
def a_hook_is_left_alone_by_who_sums_up(patch: pytest.MonkeyPatch) -> None:
    """The sprint ends while hooks beside it are still to run."""
    patch.setattr(sprint, "follows", lambda hook: False)


@mutant
def what_the_main_line_has_come_past_may_start(patch: pytest.MonkeyPatch) -> None:
    """In a phase that nobody has approved, or behind a sync point that has blocked: as it was until it was found."""
    patch.setattr(ready, "_overtakes", lambda sprint, unit: False)


@mutant
def a_usage_limit_is_no_reason_to_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(accounts, "limited", lambda sprint, agent, now: False)


@mutant
def a_step_does_not_wait_for_what_it_depends_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        tree,
        "choice_of",
        lambda group: unit.Choice(fresh=[child.index for child in group.children]),
    )


@mutant
def the_slots_are_not_counted_in_the_background(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(unit.Unit, "slot", property(lambda self: self.owner is None and not self.background))


@mutant
def a_mutex_keeps_nobody_out(patch: pytest.MonkeyPatch) -> None:
    limits = ready.limits
    patch.setattr(
        ready,
        "limits",
        lambda sprint, unit: [said for said in limits(sprint, unit) if " is held by " not in said],
    )


@mutant
def the_main_line_does_not_wait_for_a_gate(patch: pytest.MonkeyPatch) -> None:
    """A leaf in the foreground that is being verified counts as done."""
    patch.setattr(ready, "ENDED_WELL", ready.ENDED_WELL | {"verifying"})


# Gates


@mutant
def an_owner_is_done_whether_or_not_its_script_has_passed(patch: pytest.MonkeyPatch) -> None:
    original = ending._gate_failed

    def lenient(sprint: Any, owner: Any, script: Any) -> Any:
        if owner.machine == "task":
            yield ending.Move(owner.path, "succeed", {}, owner.attempt)
            yield from ending.done(sprint, owner)
        else:
            yield from original(sprint, owner, script)

    patch.setattr(ending, "_gate_failed", lenient)


@mutant
def a_script_is_tried_once_more_than_said(patch: pytest.MonkeyPatch) -> None:
    original = ending._gate_failed

    def generous(sprint: Any, owner: Any, script: Any) -> Any:
        script.tries -= 1
        yield from original(sprint, owner, script)
        script.tries += 1

    patch.setattr(ending, "_gate_failed", generous)


@mutant
def a_gate_is_given_up_after_its_first_script(patch: pytest.MonkeyPatch) -> None:
    original = ending._gate_failed

    def strict(sprint: Any, owner: Any, script: Any) -> Any:
        script.tries += 9
        yield from original(sprint, owner, script)
        script.tries -= 9

    patch.setattr(ending, "_gate_failed", strict)


# Retries and waiting


@mutant
def an_interruption_burns_a_try(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sprint, "counts", lambda facts: True)


@mutant
def a_failure_burns_no_try(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sprint, "counts", lambda facts: False)


@mutant
def a_delay_is_forgotten_with_its_supervisor(patch: pytest.MonkeyPatch) -> None:
    take_over = engine.Engine.take_over

    def impatient(self: engine.Engine, *arguments: Any, **named: Any) -> None:
        take_over(self, *arguments, **named)
        self._alarms = [(0.0, seq, path) for _, seq, path in self._alarms]

    patch.setattr(engine.Engine, "take_over", impatient)


@mutant
def nobody_is_woken_who_waited_before_this_supervisor(patch: pytest.MonkeyPatch) -> None:
    take_over = engine.Engine.take_over

    def deaf(self: engine.Engine, *arguments: Any, **named: Any) -> None:
        take_over(self, *arguments, **named)
        self._alarms.clear()

    patch.setattr(engine.Engine, "take_over", deaf)


@mutant
def a_clock_that_was_set_back_makes_a_delay_longer(patch: pytest.MonkeyPatch) -> None:
    """The wait is what the wall clock says is left, not clamped to the delay: ten years."""

    def alarm(self: engine.Engine, unit: Any) -> None:
        until = unit.moved.decoded().get("until")
        if until is None:
            return
        left = max(0, until - self._now)
        engine.heappush(self._alarms, (self._clock.monotonic() + left / 1000, unit.moved.seq, unit.path))

    patch.setattr(engine.Engine, "_alarm", alarm)
    patch.setattr(mishaps, "MOST_POINTS", 2_000)  # so many show it as well, and sooner


# Stopping, requests, rests


@mutant
def a_stop_owes_nothing_to_what_was_adopted(patch: pytest.MonkeyPatch) -> None:
    stop = Executor._stop

    def only_ours(self: Executor, effect: Any, handle: handles.Handle | None) -> None:
        if handle is None or handle.pipe is not None:
            stop(self, effect, handle)

    patch.setattr(Executor, "_stop", only_ours)


@mutant
def a_task_that_ignores_term_is_never_killed(patch: pytest.MonkeyPatch) -> None:
    def gentle(self: processes.Shim, place: Any) -> Any:
        child = self.child
        assert child is not None
        if not child.alive:
            return {"status": child.status, "why": self.why}
        if self.why == "exit":
            self.why = "stopped"
            child.heard(processes.TERM)
        self.usr1 = False
        self.deadline = None
        return processes._AGAIN

    patch.setitem(processes._OPERATIONS, shim.WAIT, gentle)
    patch.setattr(Executor, "_press", lambda self, ending: self._tell(ending))


@mutant
def what_ended_well_before_the_stop_counts_as_interrupted(patch: pytest.MonkeyPatch) -> None:
    """And is run again, although it had done its work."""
    original = ending.ended

    def blunt(sprint: Any, unit: Any, event: Any, now: int) -> Any:
        if unit.state == "stopping" and event.verdict == "ok":
            event = event._replace(verdict="failed")
        yield from original(sprint, unit, event, now)

    patch.setattr(decide, "ended", blunt)


@mutant
def a_request_that_is_met_again_is_applied_again(patch: pytest.MonkeyPatch) -> None:
    original = requests.asked

    class Forgetful(dict[str, Any]):
        def __contains__(self, key: object) -> bool:
            return False

    def again(sprint: Any, event: Any, now: int) -> Any:
        sprint.requests = Forgetful(sprint.requests)
        yield from original(sprint, event, now)

    patch.setattr(decide, "asked", again)


@mutant
def a_stale_request_is_obeyed(patch: pytest.MonkeyPatch) -> None:
    original = requests.asked
    patch.setattr(decide, "asked", lambda sprint, event, now: original(sprint, event._replace(epoch=0), now))


@mutant
def a_request_is_answered_before_it_is_recorded(patch: pytest.MonkeyPatch) -> None:
    collect = Executor._collect

    def rash(self: Executor) -> list[Any]:
        found = collect(self)
        for event in found:
            if isinstance(event, Asked) and event.id:
                self.answer(Answer(event.id, "done"))
        return found

    patch.setattr(Executor, "_collect", rash)


@mutant
def a_paused_sprint_goes_on(patch: pytest.MonkeyPatch) -> None:
    def eager(sprint: Any, limit: int, now: int, **named: Any) -> Any:
        following = ready.following(sprint) if sprint.state == "paused" else None
        if following is not None and following.machine == "task" and sprint.slots < limit:
            yield from decide._spawn(sprint, following, now)
        yield from original(sprint, limit, now, **named)

    original = decide.proceed
    patch.setattr(engine, "proceed", eager)


@mutant
def a_break_is_passed_when_somebody_has_paused(patch: pytest.MonkeyPatch) -> None:
    """As it was until the simulator found it."""
    original = engine.resume
    patch.setattr(
        engine,
        "resume",
        lambda *arguments: (move for move in original(*arguments) if move.trigger != "break"),
    )


@mutant
def what_is_done_is_done_again_after_a_rest(patch: pytest.MonkeyPatch) -> None:
    original = engine.resume

    def thorough(sprint: Any, *arguments: Any) -> Any:
        yield from original(sprint, *arguments)
        for found in sprint.order:
            if found.machine == "task" and found.owner is None and found.state == "completed":
                yield decide.Move(found.path, "retry", {"by": "run"}, found.attempt)
                break

    patch.setattr(engine, "resume", thorough)


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


# What is promised


def _promises_nothing(patch: pytest.MonkeyPatch, place: object, name: str) -> None:
    patch.setattr(place, name, lambda *_, **__: iter(()))


@mutant
def a_pause_is_answered_and_not_done(patch: pytest.MonkeyPatch) -> None:
    _promises_nothing(patch, requests, "_pause")


@mutant
def a_skip_is_answered_and_not_done(patch: pytest.MonkeyPatch) -> None:
    _promises_nothing(patch, requests, "_skip")


@mutant
def a_cancel_leaves_what_runs(patch: pytest.MonkeyPatch) -> None:
    stop = requests._stop

    def cancel(of: Any, event: Asked, now: int) -> Any:
        if event.verb != "cancel":
            yield from stop(of, event, now)
        else:
            yield Move(SPRINT_UNIT, "cancel", {"who": event.who, "why": event.why})

    patch.setattr(requests, "_stop", cancel)


@mutant
def nobody_is_ever_told(patch: pytest.MonkeyPatch) -> None:
    _promises_nothing(patch, engine, "caused")


@mutant
def a_notice_is_given_up_at_its_first_try(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(notices, "MOST_TRIES", 1)


@mutant
def a_failure_in_the_background_is_not_told_of(patch: pytest.MonkeyPatch) -> None:
    _promises_nothing(patch, decide, "_sync")


@mutant
def a_failure_in_the_background_never_blocks(patch: pytest.MonkeyPatch) -> None:
    sync = decide._sync

    def mild(of: Any, point: Any) -> Any:
        for move in sync(of, point):
            yield move._replace(trigger="tolerate")

    patch.setattr(decide, "_sync", mild)


@mutant
def a_no_is_taken_for_a_yes(patch: pytest.MonkeyPatch) -> None:
    answered = requests.answered

    def hopeful(of: Any, asking: Any, event: Asked) -> Any:
        return answered(of, asking, event._replace(verb="approve") if event.verb == "reject" else event)

    patch.setattr(requests, "answered", hopeful)


@mutant
def what_nobody_has_approved_in_time_counts_as_approved(patch: pytest.MonkeyPatch) -> None:
    late = decide.timed_out

    def kind(of: Any, asking: Any) -> Any:
        for move in late(of, asking):
            if move.trigger == "wake":
                yield move._replace(facts={**move.facts, "approved": True})

    patch.setattr(decide, "timed_out", kind)


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
