"""Breakages of what is decided: order, limits, gates, retries, requests, rests, and what commits promise."""

from typing import Any

import pytest

from fsm import (
    accounts,
    decide,
    ending,
    engine,
    handles,
    mishaps,
    notices,
    processes,
    ready,
    requests,
    shim,
    sprint,
    stage,
    tree,
    unit,
)
from fsm.effects import Answer
from fsm.events import Asked
from fsm.transition import SPRINT_UNIT, Move
from tests.simulation.mutants.mutant import mutant

Executor = stage.SimulatedExecutor

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
def a_break_that_came_while_the_sprint_rested_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sprint.Sprint, "_broke", lambda self, unit: None)


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
