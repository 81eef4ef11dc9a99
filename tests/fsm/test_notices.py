"""Who outside is told of what: due with its cause, told at least once, given up after so many tries."""

import pytest

from fsm.events import Notified
from fsm.notices import EVENTS, MOST_TRIES
from fsm.plan import Approval, Plan, Subscription
from fsm.sprint import fold
from journal.replay import verify
from tests.fsm.plans import leaf, phase, plan, step
from tests.fsm.scripted import (
    BEGIN,
    FAIL,
    OK,
    RUN,
    Died,
    End,
    Mortal,
    World,
    ask,
    by_unit,
    engine,
    supervise,
    told,
)

ALL = tuple(
    Subscription(event=event, run=f"tell {event}") for event in (*sorted(set(EVENTS.values())), "waiting")
)


def prompt(name: str, **fields: object) -> object:
    return leaf(name, run=None, prompt="do it", **fields)


def heard(world: World) -> list[str]:
    return [effect.event for effect in world.told]


def test_who_has_subscribed_is_told_once_with_the_number_of_the_row_that_caused_it():
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    made = plan(leaf("a"), subscriptions=ALL)
    supervise(world, made)
    (told_,) = world.told
    (block,) = [row for row in world.rows.committed if row.trigger == "block"]

    assert (told_.event, told_.run, told_.url, told_.cause) == ("blocked", "tell blocked", None, block.seq)
    assert (told_.facts["unit"], told_.facts["why"]) == ("#sprint", "failed")
    supervise(world)
    assert heard(world) == ["blocked", "completed"]
    assert told(world, "due", "sent") == [
        f"{effect.unit} {trigger}" for effect in world.told for trigger in ("due", "sent")
    ]


def test_several_may_be_told_of_one_thing_and_nobody_of_what_nobody_asked_for():
    both = (
        Subscription(event="completed", run="bell"),
        Subscription(event="completed", url="https://x.example"),
    )
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    supervise(world, plan(leaf("a"), subscriptions=both))
    assert world.told == []
    supervise(world)

    assert [(effect.run, effect.url) for effect in world.told] == [
        ("bell", None),
        (None, "https://x.example"),
    ]


@pytest.mark.parametrize(("verb", "event"), [("pause", "paused"), ("cancel", "cancelled")])
def test_what_people_do_is_told_as_well(verb: str, event: str):
    world = World()
    world.asked = [(5, ask(verb))]
    supervise(world, plan(leaf("a"), leaf("b"), subscriptions=ALL))

    assert heard(world) == [event]


def test_a_limit_is_told_once_and_not_for_everybody_who_waits():
    met = End("limit", facts={"until": BEGIN + 3_600_000})
    world = World(by_unit(OK, {"p/s0/l": [met, OK]}))
    made = plan(phase("p", *(step(f"s{n}", prompt("l")) for n in range(5)), parallel=True), subscriptions=ALL)
    supervise(world, made)

    assert heard(world) == ["waiting", "completed"]
    assert world.told[0].facts["why"] == "usage limit of claude"


def test_an_approval_is_asked_for_outside_as_soon_as_it_is_wanted_and_only_then():
    world = World()
    supervise(world, plan(leaf("a", approval=Approval(message="deploy?")), subscriptions=ALL))

    assert heard(world) == ["needs-human"]
    assert world.told[0].facts["why"] == "approval: deploy?"


def test_who_does_not_hear_is_told_again_and_given_up_in_the_end():
    world = World()
    world.deaf = 2
    supervise(world, plan(leaf("a"), subscriptions=ALL))
    assert [effect.attempt for effect in world.told] == [1, 2, 3]
    world = World()
    world.deaf = 99
    supervise(world, plan(leaf("a"), subscriptions=ALL))

    assert [effect.attempt for effect in world.told] == list(range(1, MOST_TRIES + 1))
    (unit,) = {effect.unit for effect in world.told}
    assert told(world, "give-up") == [f"{unit} give-up"]


def test_what_was_given_up_can_be_sent_again():
    world = World()
    world.deaf = MOST_TRIES
    supervise(world, plan(leaf("a"), subscriptions=ALL))
    unit = world.told[0].unit
    supervise(world, resume=False, spawning=False, events=[ask("retry", unit=unit)])

    assert world.answers == [("q1", f"{unit} is sent again")]
    assert told(world, "sent") == [f"{unit} sent"]


def test_nothing_waits_for_a_receiver_and_the_next_supervisor_tells_it():
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    world.deaf = -1
    made = plan(leaf("a"), subscriptions=ALL)
    assert supervise(world, made).state == "blocked"
    assert world.ms < 31_000
    world.deaf = 0
    assert supervise(world).state == "completed"

    assert heard(world) == ["blocked", "blocked", "completed"]
    assert len({effect.unit for effect in world.told}) == 2


def test_who_only_asks_for_something_waits_less_and_who_wants_to_leave_not_at_all():
    world = World()
    world.deaf = -1
    supervise(world, plan(leaf("a"), subscriptions=ALL))
    began = world.ms
    supervise(world, resume=False, spawning=False)
    assert world.ms - began < 6_000

    leaving = engine(world)
    leaving.take_over({})
    world.asked = [(world.ms + 1000, ask("pause"))]
    heard_at = world.ms + 1000
    before = leaving._executor.wait

    def wait(timeout):
        found = before(timeout)
        leaving.hurry()
        return found

    leaving._executor.wait = wait
    leaving.run()
    assert world.ms == heard_at


def test_a_death_at_any_commit_loses_no_notice_and_invents_none():
    made: Plan = plan(leaf("a"), leaf("b"), subscriptions=ALL)
    for commits in range(12):
        for before in (True, False):
            world = World(by_unit(OK, {"a": [FAIL, OK]}))
            try:
                supervise(world, made, journal=Mortal(world.rows, commits, before=before))
            except Died:
                world.supervisor_died()
            for _ in range(3):
                supervise(world, made, resume=world_state(world) != "completed")
            assert {effect.event for effect in world.told} == {"blocked", "completed"}
            assert len({effect.unit for effect in world.told}) == 2
            assert list(verify(world.rows.committed)) == []


def world_state(world: World) -> str:
    return str(fold(iter(world.rows.committed), RUN, world.rows.texts.__getitem__).state)


def test_news_of_a_try_that_is_over_is_nothing_new():
    world = World()
    world.deaf = 1
    supervise(world, plan(leaf("a"), subscriptions=ALL))
    found = engine(world)
    found.take_over({})
    before = len(world.rows.committed)
    unit = world.told[0].unit
    found.turn([Notified(unit, 1, True), Notified(unit, 3, True), Notified("#notice.1.1", 1, True)])

    assert len(world.rows.committed) == before
