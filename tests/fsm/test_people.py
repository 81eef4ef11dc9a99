"""People and a sprint: what is answered in words, what is run again or ended by name."""

from hypothesis import given
from hypothesis import strategies as st

from fsm.plan import Approval
from journal.replay import verify
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    Died,
    End,
    Mortal,
    World,
    always,
    ask,
    by_unit,
    rows,
    say,
    sprint_rows,
    states,
    supervise,
    told,
)

ASK = Approval(message="deploy?")
HUMAN = End("needs-human", facts={"error": "which one?", "session": "s-1"})


# Questions


def question(**more: object) -> World:
    world = World(by_unit(OK, {"p/s/a": [HUMAN, OK]}))
    assert (
        supervise(
            world, plan(phase("p", step("s", leaf("a", run=None, prompt="do it"))), leaf("x"), **more)
        ).state
        == "needs-human"
    )
    return world


def test_an_answer_in_words_runs_it_again_and_tells_its_agent():
    world = question()

    assert say(world, "answer", "p/s/a", text="the second one") == "answered; p/s/a runs again and is told so"
    assert rows(world, "p/s/a", "retry") == [
        {"by": "answer", "who": "ann", "why": "for a reason", "answer": "the second one"}
    ]
    assert supervise(world).state == "completed"
    spawn = rows(world, "p/s/a", "spawn")[1]
    assert (spawn["answer"], spawn["resume"]) == ("the second one", "s-1")


def test_the_answer_is_not_forgotten_when_the_next_try_fails():
    world = World(by_unit(OK, {"a": [HUMAN, End("overloaded"), OK]}))
    supervise(world, plan(leaf("a", run=None, prompt="do it")))
    say(world, "answer", "a", text="yes")
    supervise(world)

    assert [facts.get("answer") for facts in rows(world, "a", "spawn")] == [None, "yes", "yes"]


def test_an_answer_to_what_asks_nothing_is_refused():
    world = World(by_unit(OK, {"a": [FAIL]}))
    supervise(world, plan(leaf("a")))

    assert say(world, "answer", "a", text="yes") == "refused: a asks nothing; it is failed"
    assert say(question(), "answer", "p/s/a") == "refused: an answer needs some words"


def test_of_two_questions_one_answered_the_other_is_asked_again():
    world = World(by_unit(OK, {"p/s0/l": [HUMAN, OK], "p/s1/l": [HUMAN, OK]}))
    made = plan(phase("p", step("s0", leaf("l")), step("s1", leaf("l")), parallel=True))
    supervise(world, made, limit=2)
    say(world, "answer", "p/s0/l", text="this")
    sprint = supervise(world, limit=2)

    assert (sprint.state, states(sprint)["p/s0/l"]) == ("needs-human", "completed")
    assert sprint_rows(world, "ask")[-1] == {"unit": "p/s1/l", "why": "which one?"}
    say(world, "answer", "p/s1/l", text="that")
    assert supervise(world, limit=2).state == "completed"


# Running again


CHAIN = plan(phase("p", *(step(f"s{n}", leaf("a"), leaf("b")) for n in range(3))), leaf("x"))


def done() -> World:
    world = World()
    assert supervise(world, CHAIN).state == "completed"
    world.executed.clear()
    return world


def test_nothing_runs_again_where_nothing_has_run():
    world = World()
    supervise(world, plan(leaf("a"), phase("p")))

    assert say(world, "retry", "p") == "refused: nothing in p has run"


def test_what_is_run_again_runs_alone_and_what_came_after_it_is_named():
    world = done()

    assert say(world, "retry", "p/s1/a") == (
        "p/s1/a runs again; what came after it stays as it is: p/s1/b, p/s2/a, p/s2/b, x"
    )
    assert supervise(world, resume=False).state == "completed"
    assert world.executed == ["p/s1/a"]


def test_downstream_runs_it_all_in_its_order():
    world = done()

    assert say(world, "retry", "p/s1/a", downstream=True) == "p/s1/a runs again, 5 tasks in all"
    assert supervise(world, resume=False).state == "completed"
    assert world.executed == ["p/s1/a", "p/s1/b", "p/s2/a", "p/s2/b", "x"]


def test_a_whole_step_or_phase_can_be_run_again():
    world = done()
    say(world, "retry", "p")
    supervise(world, resume=False)

    assert world.executed == [f"p/s{n}/{name}" for n in range(3) for name in "ab"]


def test_downstream_of_a_step_is_what_depends_on_it():
    steps = [step("a", leaf("l")), step("b", leaf("l"), depends_on=("a",)), step("c", leaf("l"))]
    world = World()
    supervise(
        world, plan(phase("p", *steps, step("d", leaf("l"), depends_on=("b",)), parallel=True)), limit=4
    )
    world.executed.clear()
    say(world, "retry", "p/a", downstream=True)
    supervise(world, resume=False, limit=4)

    assert world.executed == ["p/a/l", "p/b/l", "p/d/l"]


def test_a_gate_passes_anew_when_something_behind_it_has_run_again():
    world = World()
    supervise(world, plan(phase("p", step("s", leaf("a", gate=gate())), gate=gate())))
    world.executed.clear()
    say(world, "retry", "p/s/a")

    assert supervise(world, resume=False).state == "completed"
    assert world.executed == ["p/s/a", "p/s/a#gate", "p#gate"]


def test_what_has_failed_beside_it_still_keeps_the_sprint_from_going_on():
    world = World(by_unit(OK, {"p/s0/l": [End("failed", lasts=50)], "p/s1/l": [FAIL, OK]}))
    made = plan(phase("p", step("s0", leaf("l")), step("s1", leaf("l")), parallel=True))
    supervise(world, made, limit=2)
    say(world, "retry", "p/s1/l")
    sprint = supervise(world, resume=False, limit=2)

    assert (sprint.state, states(sprint)["p/s1/l"], world.counts["p/s0/l"]) == ("blocked", "completed", 1)
    assert sprint_rows(world, "block")[-1]["unit"] in ("p/s0/l", "p")


def test_in_a_paused_sprint_it_waits_for_the_resume():
    world = World()
    world.asked = [(5, ask("pause", "q0"))]
    supervise(world, CHAIN)

    said = say(world, "retry", "p/s0/a")
    assert said.startswith("p/s0/a runs again when the sprint, which is paused, is resumed")
    assert supervise(world, resume=False).state == "paused"
    assert supervise(world).state == "completed"
    assert world.counts["p/s0/a"] == 2


def test_what_still_runs_is_not_run_again():
    world = World(by_unit(OK, {"p/s0/b": [OK._replace(lasts=500)]}))
    world.asked = [(100, ask("retry", unit="p/s0/a", downstream=True))]
    supervise(world, CHAIN)

    assert world.answers[0][1] == "refused: p/s0/b still runs or waits; stop or skip it first"


def test_a_task_that_has_waited_long_enough_for_a_person_starts_at_once():
    world = World(by_unit(OK, {"a": [End("limit"), OK]}))
    world.asked = [(100, ask("retry", unit="a"))]

    assert supervise(world, plan(leaf("a", run=None, prompt="do it"))).state == "completed"
    assert world.answers == [("q1", "a waits no longer")]
    assert world.ms < 1000


# Ending one


def test_one_task_can_be_stopped_and_the_sprint_is_blocked_by_that():
    world = World(by_unit(OK, {"a": [OK._replace(lasts=5000), OK]}))
    world.asked = [(100, ask("stop", unit="a"))]
    sprint = supervise(world, plan(leaf("a"), leaf("b")))

    assert (sprint.state, states(sprint)["a"], sprint.unit("a").tries) == ("blocked", "failed", 0)
    assert sprint_rows(world, "block") == [
        {"unit": "a", "why": "stopped by ann: for a reason", "kind": "stopped"}
    ]
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "a", "b"]


def test_a_background_task_that_is_stopped_stops_nothing_else():
    world = World(by_unit(OK, {"b": [OK._replace(lasts=5000)]}))
    world.asked = [(15, ask("stop", unit="b"))]
    sprint = supervise(world, plan(back("b"), leaf("a"), leaf("x", wait=True)), limit=2)

    assert (sprint.state, states(sprint)["b"]) == ("completed", "failed")
    assert world.counts["b"] == 1


def test_all_that_runs_in_a_phase_can_be_stopped():
    world = World(always(OK._replace(lasts=5000)))
    made = plan(phase("p", *(step(f"s{n}", leaf("l")) for n in range(3)), parallel=True))
    world.asked = [(100, ask("stop", unit="p"))]
    sprint = supervise(world, made, limit=2)

    assert world.answers == [("q1", "stopping p/s0/l, p/s1/l")]
    assert (sprint.state, told(world, "block")) == ("blocked", ["#sprint block"])


def test_a_person_resumes_a_sprint_that_still_runs_out():
    world = World(always(OK._replace(lasts=100)))
    world.asked = [(20, ask("pause", "q1")), (50, ask("resume", "q2"))]

    assert supervise(world, CHAIN).state == "completed"
    assert world.answers[1] == ("q2", "the sprint goes on")


# Whatever comes

VERBS = st.sampled_from(["pause", "resume", "stop", "skip", "retry", "retry", "answer", "approve", "cancel"])


@given(
    st.lists(st.tuples(st.integers(0, 400), VERBS, st.integers(0, 30), st.booleans()), max_size=6),
    st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=3),
    st.integers(1, 3),
)
def test_whatever_is_asked_for_by_name_and_whoever_dies_it_can_be_brought_to_an_end(
    asked: list[tuple[int, str, int, bool]], deaths: list[tuple[int, bool]], limit: int
):
    made = plan(
        leaf("a", run=None, prompt="do it"),
        phase(
            "p",
            step("s", leaf("l", approval=ASK), back("m")),
            step("t", leaf("l", gate=gate()), depends_on=("s",)),
            step("u", leaf("l"), approval=ASK),
            parallel=True,
            gate=gate(),
        ),
        leaf("x", wait=True, breaks=True),
    )
    world = World(by_unit(OK._replace(lasts=40), {"a": [HUMAN, OK], "p/t/l#gate": [FAIL, OK]}))
    units = ["", *PATHS]
    for count, (at, verb, nth, downstream) in enumerate(asked):
        request = ask(verb, f"r{count}", unit=units[nth % len(units)], text="yes", downstream=downstream)
        world.asked.append((at, request))
    for commits, before in deaths:
        try:
            supervise(world, made, limit=limit, journal=Mortal(world.rows, commits, before=before))
        except Died:
            world.supervisor_died()
    for round_ in range(30):
        sprint = supervise(world, made, limit=limit)
        if sprint.state == "completed" and not world.asked:
            break
        for unit in list(sprint.waiting):
            say(world, "approve", unit, f"z{round_}-{unit}-")
    assert sprint.state == "completed"
    for unit in sprint.order:
        if unit.owner is None:
            assert unit.state in ("completed", "skipped", *(("failed",) if unit.background else ())), unit
    assert list(verify(world.rows.committed)) == []


PATHS = ("a", "p", "p/s", "p/s/l", "p/s/m", "p/t", "p/t/l", "p/u", "p/u/l", "x", "p#gate")


def test_what_runs_beside_is_not_run_again_before_what_it_follows():
    world = World(always())
    supervise(world, plan(phase("p", step("s", leaf("a"), back("b"))), leaf("c")))
    say(world, "retry", "p")
    before = world.rows.head[0]
    assert supervise(world, limit=2).state == "completed"

    again = [row for row in world.rows.committed if row.seq > before]
    moves = [f"{row.unit} {row.trigger}" for row in again if row.trigger in ("spawn", "succeed")]
    assert moves.index("p/s/a succeed") < moves.index("p/s/b spawn")


def test_what_runs_beside_is_run_again_by_itself_when_the_line_is_past_it():
    world = World(always())
    supervise(world, plan(phase("p", step("s", leaf("a"), back("b"))), leaf("c")))
    say(world, "retry", "p/s/b")

    assert supervise(world).state == "completed"
    assert told(world, "spawn").count("p/s/b spawn") == 2
