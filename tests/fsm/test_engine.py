"""The loop: record, then act; one commit a turn; a commit that fails has no witness; recovery is the first turn."""

from collections.abc import Sequence

import pytest

from fsm.effects import Attach, Effect, Go, Spawn, Stop
from fsm.engine import seeds
from fsm.errors import SprintError
from fsm.events import Adopted, Due, Ended, Event, Learnt, Ready
from fsm.owed import owed
from fsm.sprint import fold
from journal.errors import JournalBusy, JournalError, JournalFault, JournalFenced
from journal.memory import CommitFault, MemoryJournal, Rows
from journal.replay import verify
from tests.fsm.plans import back, chain, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    RUN,
    Died,
    End,
    Mortal,
    ScriptedExecutor,
    World,
    ask,
    by_unit,
    engine,
    grown,
    sprint_rows,
    states,
    supervise,
    told,
)

LINE = plan(leaf("a"), leaf("b"))
SLOW = End(lasts=1000)


def kinds(effects: Sequence[Effect]) -> list[str]:
    return [f"{type(effect).__name__} {getattr(effect, 'unit', '')}" for effect in effects]


# Record, then act


def test_a_task_costs_three_rows_in_three_commits_and_the_next_one_shares_the_last():
    commits: list[int] = []
    world = World(rows=Rows(at_commit=lambda: commits.append(len(world.rows.committed))))
    supervise(world, LINE)

    sizes = [b - a for a, b in zip(commits, [*commits[1:], len(world.rows.committed)], strict=True)]
    assert sizes == [3, 1, 1, 2, 1, 2]
    assert told(world)[-7:] == [
        "a spawn",
        "a start",
        "a succeed",
        "b spawn",
        "b start",
        "b succeed",
        "#sprint complete",
    ]


class Silent:
    """An executor and a publisher that must not be reached."""

    def perform(self, effects: Sequence[Effect]) -> None:
        raise AssertionError(f"performed {effects}")

    def wait(self, timeout: float | None) -> Sequence[Event]:
        raise AssertionError("waited")

    def publish(self, changed: object, *, resting: bool) -> float | None:
        raise AssertionError(f"published {changed}")


@pytest.mark.parametrize("fault", CommitFault)
@pytest.mark.parametrize("turn", range(5))
def test_a_commit_that_fails_ends_the_engine_and_nothing_has_left_it(fault: CommitFault, turn: int):
    """Whether its rows are on disk or not, nobody was told of them; the next supervisor reads what is there."""
    world = World()
    found = engine(world)
    found.take_over({}, plan=LINE)
    events: Sequence[Event] = []
    for _ in range(turn):
        found.turn(events)
        events = found._executor.wait(None)
    world.rows.at_commit = lambda: fault
    found._executor = found._publisher = Silent()  # type: ignore[assignment]
    with pytest.raises(JournalFault):
        found.turn([*events, ask("pause")])
    with pytest.raises(JournalError):
        found.turn([])

    world.rows.at_commit = None
    world.supervisor_died()
    assert supervise(world).state == "completed"
    assert set(world.counts.values()) == {1}
    assert list(verify(world.rows.committed)) == []


def test_a_take_over_that_cannot_be_committed_is_shown_to_nobody():
    world = World()
    found = engine(world)
    found._publisher = Silent()  # type: ignore[assignment]
    world.rows.at_commit = lambda: CommitFault.LOST
    with pytest.raises(JournalFault):
        found.take_over({}, plan=LINE)

    assert world.rows.committed == []


def test_what_an_executor_raises_ends_the_engine_and_the_next_one_goes_on():
    world = World()
    found = engine(world)
    found.take_over({}, plan=LINE)
    found._executor.perform = lambda effects: (_ for _ in ()).throw(OSError("no more processes"))  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no more processes"):
        found.run()
    world.supervisor_died()

    assert supervise(world).state == "completed"
    assert told(world, "abort") == ["a abort"]


def test_an_illegal_move_writes_nothing():
    world = World()
    supervise(world, LINE)
    found = engine(world)
    found.take_over({})
    before = found._journal.head
    found.resume("ann", "why")
    with pytest.raises(SprintError):
        found.resume("ann", "why")

    assert before == world.rows.head


def test_an_answer_is_given_after_the_commit_and_before_anything_else_happens():
    seen: list[str] = []

    class Watching(ScriptedExecutor):
        def perform(self, effects: Sequence[Effect]) -> None:
            seen.extend(kinds(effects))
            super().perform(effects)

    world = World()
    found = engine(world)
    found._executor = Watching(world)
    found.take_over({}, plan=LINE)
    found.turn([])
    found.turn([ask("stop")])

    assert seen == ["Spawn a", "Answer ", "Stop a"]


def test_without_effects_the_executor_is_left_in_peace():
    world = World()
    found = engine(world)
    found._executor = Silent()  # type: ignore[assignment]
    found.take_over({}, plan=plan(phase("p")))
    found.turn([])

    assert found.sprint.state == "completed"


def test_the_publisher_is_told_every_row_once_and_when_all_is_at_rest():
    world = World()
    found = engine(world)
    found.take_over({}, plan=LINE)
    found.run()

    shown = found._publisher
    assert shown.changed == world.rows.committed  # type: ignore[attr-defined]
    assert shown.resting is True  # type: ignore[attr-defined]


def test_a_publisher_can_ask_for_a_turn_of_its_own():
    world = World(by_unit(OK, {"a": [SLOW]}))
    found = engine(world)
    found._publisher.again = 0.2  # type: ignore[attr-defined]
    found.take_over({}, plan=plan(leaf("a")))
    found.turn([])
    found.turn(found._executor.wait(None))

    assert found._patience() == 0.2


# Supervisors and runs


def test_the_epoch_rises_with_every_supervisor():
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    for _ in range(3):
        supervise(world, LINE)

    assert sorted({row.epoch for row in world.rows.committed}) == [1, 2, 3]
    assert [row.epoch for row in world.rows.committed if row.trigger == "lease"] == [1, 2, 3]


def test_two_runs_live_in_one_journal_and_know_nothing_of_each_other():
    world = World()
    supervise(world, LINE)
    world.attempts.clear()
    second = supervise(world, plan(leaf("a"), leaf("c")), run="run-2")
    first = fold(MemoryJournal(world.rows).read(RUN), RUN, world.rows.texts.__getitem__)

    assert (first.state, list(first.units)) == ("completed", ["#sprint", "a", "b"])
    assert (second.state, list(second.units)) == ("completed", ["#sprint", "a", "c"])
    assert [row.epoch for row in world.rows.committed if row.trigger == "lease"] == [1, 2]
    assert list(verify(world.rows.committed)) == []


def test_a_later_run_writes_into_files_of_its_own():
    world = World()
    supervise(world, LINE)
    world.attempts.clear()
    supervise(world, LINE, run="run-2")
    names = [row.decoded()["name"] for row in world.rows.committed if row.trigger == "spawn"]
    logs = [row.decoded()["log"] for row in world.rows.committed if row.trigger == "spawn"]

    assert len(set(names)) == len(set(logs)) == 4


def test_a_run_is_begun_once():
    world = World()
    supervise(world, LINE)
    found = engine(world)
    with pytest.raises(SprintError):
        found.take_over({}, plan=LINE)

    assert len(told(world, "amend")) == 1


def test_a_supervisor_that_was_replaced_writes_nothing_more():
    world = World(by_unit(OK, {"a": [SLOW]}))
    slow = engine(world)
    slow.take_over({}, plan=LINE)
    supervise(world)
    before = world.rows.head
    slow._executor = slow._publisher = Silent()  # type: ignore[assignment]
    with pytest.raises(JournalFenced):
        slow.turn([])

    assert world.rows.head == before


def test_two_supervisors_cannot_write_at_once():
    world = World()
    first, second = engine(world), engine(world)
    first.take_over({}, plan=LINE)
    again = MemoryJournal(world.rows)
    first._journal.keep("something")
    with pytest.raises(JournalBusy):
        again.keep("something else")
    with pytest.raises(JournalError):
        second.take_over({}, plan=LINE)


# Recovery


def test_what_was_only_spawned_is_aborted_and_spawned_under_a_new_number():
    world = World()
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 1, before=False))
    world.supervisor_died()
    supervise(world)

    attempts = [(row.trigger, row.attempt) for row in world.rows.committed if row.unit == "a"]
    assert attempts == [("spawn", 1), ("abort", 1), ("spawn", 2), ("start", 2), ("succeed", 2)]
    assert world.counts["a"] == 1


def test_what_was_allowed_but_never_told_to_go_is_found_never_to_have_run():
    world = World()
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 2, before=False))
    world.supervisor_died()
    supervise(world)

    attempts = [(row.trigger, row.attempt) for row in world.rows.committed if row.unit == "a"]
    assert attempts[:3] == [("spawn", 1), ("start", 1), ("abort", 1)]
    assert world.counts["a"] == 1


def test_what_runs_is_adopted_and_its_end_is_recorded_under_its_number():
    world = World(by_unit(OK, {"a": [SLOW]}))
    world.asked = [(500, ask("nothing"))]
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 3, before=True))
    world.supervisor_died()
    supervise(world)

    attempts = [(row.trigger, row.attempt, row.epoch) for row in world.rows.committed if row.unit == "a"]
    assert attempts == [("spawn", 1, 1), ("start", 1, 1), ("adopt", 1, 2), ("succeed", 1, 2)]
    assert world.counts["a"] == 1


def test_what_ended_while_nobody_looked_ends_with_its_true_code():
    world = World(by_unit(OK, {"a": [End("failed", lasts=100, facts={"code": 7})]}))
    world.asked = [(50, ask("nothing"))]
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 3, before=True))
    world.supervisor_died()
    world.attempts["a", 1].over = True
    supervise(world)

    (row,) = [row for row in world.rows.committed if row.trigger == "fail"]
    assert row.decoded() == {"code": 7, "verdict": "failed"}


def test_in_a_copy_what_had_run_is_lost_and_what_was_spawned_is_aborted():
    made = plan(phase("p", step("s", leaf("l")), step("t", leaf("l")), parallel=True))
    world = World(by_unit(OK, {"p/s/l": [SLOW, OK]}))
    found = engine(world)
    found._executor.events = []  # type: ignore[attr-defined]
    found.take_over({}, plan=made)
    found.turn([])
    found.turn([found._executor.wait(None)[0]])
    assert states(found.sprint)["p/s/l"] == "running"

    copy = engine(world)
    copy.take_over({}, copied=True)
    assert (
        states(copy.sprint)
        == {
            "p": "in-progress",
            "p/s": "failed",
            "p/s/l": "failed",
            "p/t": "in-progress",
            "p/t/l": "pending",
        }
        or states(copy.sprint)["p/s/l"] == "failed"
    )
    assert copy.sprint.state == "blocked"
    (row,) = [row.decoded() for row in world.rows.committed if row.trigger == "fail" and row.unit == "p/s/l"]
    assert row["verdict"] == "lost"
    assert "code" not in row


# What is owed


def test_what_is_owed_follows_from_the_state_and_is_owed_until_it_shows():
    world = World(by_unit(OK, {"b": [SLOW]}))
    found = engine(world)
    found.take_over({}, plan=plan(leaf("b", gate=gate())))
    found.turn([])
    spawn = owed(found.sprint)
    assert spawn == [Spawn("b", 1, "b", "logs/b.log")]
    found.turn([])
    assert owed(found.sprint) == spawn

    found.turn(found._executor.wait(None))
    assert owed(found.sprint) == [Go("b", 1)]
    found.turn([ask("stop")])
    assert owed(found.sprint) == [Stop("b", 1, world.now() + 10_000)]


def test_what_is_owed_is_the_same_after_a_replay_under_the_next_epoch_but_for_who_spawned_it():
    world = World(by_unit(OK, {"b": [SLOW]}))
    found = engine(world)
    found.take_over({}, plan=plan(leaf("b")))
    found.turn([])
    found.turn(found._executor.wait(None))
    again = engine(world)
    assert owed(again.sprint) == owed(found.sprint)

    again.take_over({})
    assert owed(again.sprint) == [Attach("b", 1, "b", "logs/b.log", {"boot": "b", "pid": "1"})]
    again.turn([ask("stop")])
    assert kinds(owed(again.sprint)) == ["Attach b", "Stop b"]


def test_a_leaf_whose_gate_is_checked_owes_nothing_itself():
    world = World(by_unit(OK, {"a#gate": [SLOW]}))
    found = engine(world)
    found.take_over({}, plan=plan(leaf("a", gate=gate())))
    found.turn([])
    while found.sprint.units["a#gate"].state != "running":
        found.turn(found._executor.wait(None))
    assert found.sprint.units["a"].state == "verifying"
    assert kinds(owed(found.sprint)) == ["Go a#gate"]

    again = engine(world)
    again.take_over({})
    assert kinds(owed(again.sprint)) == ["Attach a#gate"]


# Events


def test_news_of_attempts_that_are_over_leads_to_nothing():
    world = World(by_unit(OK, {"a": [End("", "never-ran"), SLOW]}))
    found = engine(world)
    found.take_over({}, plan=LINE)
    found.turn([])
    while (found.sprint.units["a"].attempt, found.sprint.units["a"].state) != (2, "running"):
        found.turn(found._executor.wait(None))
    before = found._journal.head
    found.turn(
        [
            Ready("a", 1, {}),
            Ready("a", 2, {}),
            Adopted("a", 1),
            Learnt("a", 1, {"x": 1}),
            Ended("a", 1, "exit", "failed", {}),
            Ended("b", 1, "exit", "ok", {}),
            Ended("nobody", 1, "exit", "ok", {}),
            Due("a", 2),
            Due("b", 0),
        ]
    )

    assert found._journal.head == before


def test_an_end_that_is_told_twice_is_recorded_once():
    world = World(by_unit(OK, {"a#gate": [SLOW]}))
    found = engine(world)
    found.take_over({}, plan=plan(leaf("a", gate=gate())))
    found.turn([])
    while found.sprint.units["a"].state != "verifying":
        found.turn(found._executor.wait(None))
    before = found._journal.head
    found.turn([Ended("a", 1, "exit", "ok", {}), Ended("a", 1, "lost", "lost", {})])

    assert found._journal.head == before


def test_what_is_learnt_of_a_running_task_is_a_row():
    world = World(by_unit(OK, {"a": [SLOW]}))
    found = engine(world)
    found.take_over({}, plan=LINE)
    found.turn([])
    found.turn(found._executor.wait(None))
    found.turn([Learnt("a", 1, {"session": "s1"}), Adopted("a", 1)])

    assert told(world)[-2:] == ["a report", "a adopt"]
    assert world.rows.committed[-2].decoded() == {"session": "s1"}
    assert found.sprint.units["a"].state == "running"


def test_a_shim_that_dies_at_the_gate_is_tried_again_under_a_new_number():
    world = World()
    found = engine(world)
    found.take_over({}, plan=plan(leaf("a")))
    found.turn([])
    found.turn([Ended("a", 1, "never-ran", "", {"why": "its guard died"})])

    assert told(world)[-2:] == ["a abort", "a spawn"]
    assert world.rows.committed[-1].attempt == 2


def test_every_unit_is_seeded_for_quick_readers():
    made = plan(leaf("a", gate=gate()), phase("p", step("s", back("b"))))
    found = list(seeds(grown(made)))

    assert [(s.path, s.machine, s.state, s.parent, s.label, s.background) for s in found] == [
        ("#sprint", "sprint", "not-started", "", "s", False),
        ("a", "task", "pending", "#sprint", "a", False),
        ("a#gate", "task", "pending", "a", "gate", False),
        ("a#fix", "task", "pending", "a", "fix", False),
        ("p", "group", "pending", "#sprint", "p", False),
        ("p/s", "group", "pending", "p", "s", False),
        ("p/s/b", "task", "pending", "p/s", "b", True),
    ]
    assert [s.position for s in found] == [-1, 0, 1, 2, 3, 4, 5]


def test_the_seeds_are_in_the_journal_with_the_plan():
    world = World()
    supervise(world, chain(2))

    assert {path for run, path in world.rows.seeds if run == RUN} == {
        "#sprint",
        "p",
        "p/s0",
        "p/s0/l",
        "p/s1",
        "p/s1/l",
    }


def test_a_request_begins_the_first_turn_of_who_found_no_supervisor():
    world = World()
    sprint = supervise(world, LINE, events=[ask("cancel")])

    assert sprint.state == "cancelled"
    assert world.answers == [("q1", "stopping 0 tasks")]
    assert world.executed == []
    assert sprint_rows(world, "cancel") == [{"who": "ann", "why": "for a reason"}]
