"""What people ask through the command line: every verb in every state of rest, and how answers are told."""

from pathlib import Path

import pytest

from fsm.commands import COMMANDS, VERBS
from fsm.events import Asked
from fsm.plan import Budget, Group, Orchestration
from fsm.states import Machine
from fsm.transition import SPRINT_UNIT
from fsm.waits import LIMIT
from fsm_sprint.cli import request
from fsm_sprint.inbox import Inbox
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.closing import closing
from journal.watch import identity
from tests.cli.command import Command
from tests.fsm.test_commands import FACTS, NOTHING_TO_DO, UNITS, WAYS
from tests.report.scene import Scene, leaf

ALIVE = {"spawned", "running", "verifying", "stopping"}
STATES = [
    (machine, state)
    for machine, ways in WAYS.items()
    for state in ways
    if not (machine == Machine.TASK and state in ALIVE)
]
NAMED = ("skip", "answer", "approve", "reject")
"""Verbs that want a unit."""


def brought(home: Path, machine: str, state: str) -> None:
    """A sprint in which something is in a state, with nobody supervising."""
    group = Group(id="p", path="p", level="phase", children=(step("p/s", leaf("p/s/l")),))
    with Scene(home, group) as scene:
        if machine == Machine.SPRINT:
            scene.unstarted()
        else:
            scene.begin()
        if machine == Machine.TASK:
            scene.move("p", "start")
            scene.move("p/s", "start")
        for trigger in WAYS[machine][state]:
            unit = UNITS[Machine(machine)] or SPRINT_UNIT
            scene.move(
                unit, trigger, FACTS.get(trigger, {}), attempt=1 if "spawn" in WAYS[machine][state] else 0
            )


def step(path: str, *children: object) -> Group:
    return Group(id=path.rpartition("/")[2], path=path, level="step", children=children)  # type: ignore[arg-type]


def words(verb: str, unit: str) -> list[str]:
    """What is typed."""
    typed = ["stop", "--cancel"] if verb == "cancel" else [verb]
    typed += [unit] if unit else []
    said = {"answer": ["yes"] if unit else [], "add-step": ["Write more"]}
    return [*typed, *said.get(verb, [])]


@pytest.mark.parametrize(("machine", "state"), STATES, ids=str)
def test_what_the_table_says_is_what_the_command_line_does(
    home: Path, fsm_sprint: Command, machine: str, state: str
) -> None:
    unit = UNITS[Machine(machine)]
    rows = [COMMANDS[verb, machine, state] for verb in VERBS]
    brought(home, machine, state)
    for row in (row for row in rows if not row.done):
        done = fsm_sprint(*words(row.verb, unit), check=2)
        if row.verb in NAMED and not unit:
            assert f"{row.verb} needs a UNIT" in done.err
        else:
            assert done.out == f"refused: {unit or 'the sprint'} is {state}: {row.meaning}\n"
    for row in (row for row in rows if row.done):
        place = home.parent / row.verb
        brought(place, machine, state)
        excused = (row.verb, row.machine, row.state) in NOTHING_TO_DO
        done = fsm_sprint(*words(row.verb, unit), "--json", "--why", "so", cwd=place, check=None)
        told = done.document
        refused = told["answer"].startswith("refused")
        assert not refused or excused
        assert (told["verb"], told["unit"], told["done"]) == (row.verb, unit or None, not refused)
        assert done.code == (2 if refused else 0)
        last = [one for one in rows_of(fsm_sprint, place) if one["trigger"] == "request"][-1]
        assert (last["facts"]["why"], last["facts"]["answer"]) == ("so", told["answer"])
        assert last["facts"]["who"]
    fsm_sprint("verify")


def rows_of(command: Command, place: Path) -> list[dict[str, object]]:
    return list(command("replay", "--json", cwd=place).document["rows"])


def waiting(home: Path, *more: str) -> Scene:
    """A sprint that needs a yes or no before `b` begins."""
    scene = Scene(home, leaf("a"), leaf("b"), *(leaf(name) for name in more)).begin()
    scene.spawn("a")
    scene.succeed("a")
    scene.move("b", "delay", {"why": "approval", "message": "deploy?"})
    return scene


def test_an_approval_is_told_with_the_command_that_gives_it(home: Path, fsm_sprint: Command) -> None:
    with waiting(home) as scene:
        scene.move(SPRINT_UNIT, "ask", {"unit": "b", "why": "approval: deploy?", "kind": "approval"})
    shown = fsm_sprint("status").out
    document = fsm_sprint("status", "--json", "--exit-status", check=10).document

    assert "b  until somebody answers: approval: deploy?" in shown
    assert "next:  fsm-sprint approve b  lets it start" in shown
    assert "       fsm-sprint reject b " in shown
    assert "logs b" not in shown
    assert (document["kind"], document["asks"]) == ("approval", [{"unit": "b", "kind": "approval"}])
    assert "fsm-sprint approve b  lets it start" in fsm_sprint("explain", "b").out
    assert (
        fsm_sprint("explain", "--json").document["units"]["b"]["next"][0]["command"] == "fsm-sprint approve b"
    )

    done = fsm_sprint("approve", "b", "--why", "tested")
    assert (done.out, done.err) == ("b is approved\n", "next:  fsm-sprint run  goes on\n")
    assert fsm_sprint("status", "--json").document["asks"] == []


def test_what_is_rejected_can_be_left_out_or_asked_for_once_more(home: Path, fsm_sprint: Command) -> None:
    with waiting(home):
        pass
    done = fsm_sprint("reject", "b", "--why", "not today")
    shown = fsm_sprint("status").out

    assert done.out == "b is rejected\n"
    assert "is blocked" in done.err
    for said in (done.err, shown):
        assert "next:  fsm-sprint skip b  leaves it out; then `run` goes on" in said
        assert "asks once more" in said


def test_an_answer_may_hold_anything(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.fail("a", verdict="needs-human", error="which one?")
    said = "\x1b[31mthe \udcff one\n{{x}} ünïcode"
    fsm_sprint("answer", "a", said)
    assert rows_of(fsm_sprint, home)[-1]["facts"]["answer"] == said  # type: ignore[index]
    fsm_sprint("verify")


def test_a_phase_that_waits_for_approval_is_shown_as_a_task_is(home: Path, fsm_sprint: Command) -> None:
    group = Group(id="p", path="p", level="phase", children=(leaf("p/a"),))
    with Scene(home, group).begin() as scene:
        scene.move("p", "delay", {"why": "approval", "message": "begin?"})
        scene.move(SPRINT_UNIT, "ask", {"unit": "p", "why": "approval: begin?", "kind": "approval"})
    assert "next:  fsm-sprint approve p  lets it start" in fsm_sprint("status").out
    assert "approval: begin?" in fsm_sprint("explain", "p").out


def test_a_question_is_told_with_the_command_that_answers_it(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.fail("a", verdict="needs-human", error="which one?")
        scene.move(SPRINT_UNIT, "ask", {"unit": "a", "why": "which one?"})
    shown = fsm_sprint("status").out

    assert "next:  fsm-sprint answer a TEXT  answers its agent, and runs it again" in shown
    assert "fsm-sprint answer a TEXT" in fsm_sprint("explain", "a").out
    assert fsm_sprint("status", "--json").document["asks"] == [{"unit": "a", "kind": "question"}]
    done = fsm_sprint("answer", ".", "a", "the second one")
    assert done.out == "answered; a runs again and is told so\n"
    assert rows_of(fsm_sprint, home)[-1]["facts"]["answer"] == "the second one"  # type: ignore[index]


def test_a_usage_limit_is_told_with_its_end_and_what_can_be_done(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a", run=None, prompt="work")).begin() as scene:
        scene.spawn("a")
        scene.fail("a", verdict="limit", account="claude", lifts=scene.at + 60_000)
        facts = {"why": LIMIT, "account": "claude", "delay": 60_000, "until": scene.at + 60_000}
        scene.move("a", "delay", facts)
        scene.commit()
        with scene.supervise():
            assert "fsm-sprint retry a  asks its agent now" in fsm_sprint("status").out
        pause = {
            "why": "usage limit of claude, and told not to wait",
            "kind": "limit",
            "until": facts["until"],
        }
        scene.move(SPRINT_UNIT, "pause", pause)
    shown = fsm_sprint("status", "--exit-status", check=75).out
    told = fsm_sprint("explain", "a").out

    assert "next:  fsm-sprint run      waits for the usage limit, and goes on" in shown
    assert "a waits (usage limit of claude) until its time has come" in told
    assert "that is at " in told
    assert "fsm-sprint run --no-wait" in told
    assert fsm_sprint("retry", "a").out == "a waits no longer\n"


def test_a_reached_budget_has_its_own_code(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "too many attempts", "kind": "budget"})
    fsm_sprint("status", "--exit-status", check=12)


def test_what_is_resumed_at_rest_waits_for_run(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.move(SPRINT_UNIT, "pause", {"who": "ann", "why": "lunch"})
    done = fsm_sprint("resume", "--why", "back")
    assert (done.out, done.err) == ("the sprint goes on\n", "next:  fsm-sprint run  goes on\n")
    assert "no supervisor" in fsm_sprint("status").out
    assert "resume" in [row["trigger"] for row in rows_of(fsm_sprint, home)]
    assert "which had ended in the middle" not in fsm_sprint("pause").err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["approve"], "approve needs a UNIT"),
        (["retry", "--downstream"], "retry needs a UNIT"),
        (["answer", "b"], "answer needs a UNIT and the answer"),
        (["answer", ".", "b", "two", "words"], "answer needs a UNIT and the answer"),
        (["answer", "b", "ä" * 9000], "the answer has at most 16 KiB"),
        (["approve", "lost"], "did you mean last?"),
        (["stop", "lost"], "did you mean last?"),
        (["approve", "nowhere", "b"], "there is no directory nowhere"),
    ],
)
def test_what_cannot_be_meant_is_said_and_not_recorded(
    home: Path, fsm_sprint: Command, typed: list[str], said: str
) -> None:
    with waiting(home, "last") as scene:
        pass
    done = fsm_sprint(*typed, check=2)
    assert said in done.err
    assert len(rows_of(fsm_sprint, home)) == scene.sprint.seq


def test_a_step_is_added_where_it_is_wanted(home: Path, fsm_sprint: Command) -> None:
    children = [step(f"p/{name}", leaf(f"p/{name}/l", run=None, prompt="work")) for name in "st"]
    with Scene(home, Group(id="p", path="p", level="phase", children=tuple(children))).begin():
        pass
    assert fsm_sprint("add-step", "p/s", "Write", "--id", "new", "--depends-on", "t").out == "added p/new\n"
    assert fsm_sprint("add-step", ".", "Say so", "--id", "end").out == "added end\n"
    assert fsm_sprint("add-step", "And again").out.startswith("added ")
    assert "what is to be done" in fsm_sprint("add-step", check=2).err
    shown = fsm_sprint("status", "--all").out
    assert "p/new/l" in shown
    assert "\n  end " in shown


def test_a_step_that_was_proposed_is_decided_on_by_its_id(home: Path, fsm_sprint: Command) -> None:
    work = leaf("a", run=None, prompt="work")
    with Scene(home, work, orchestration=Orchestration(enabled=True)).begin() as scene:
        scene.spawn("a")
        steps = [{"id": "docs", "prompt": "Write"}, {"id": "more", "prompt": "More"}]
        scene.succeed("a", **{"proposed-steps": steps})
        one, two = scene.sprint.proposed
    assert f"fsm-sprint approve {one}  adds the step that was proposed" in fsm_sprint("explain").out
    assert fsm_sprint("approve", one).out == f"{one} is added\n"
    assert [found["id"] for found in fsm_sprint("status", "--json").document["proposed"]] == [two]
    assert fsm_sprint("reject", two).out == f"{two} is rejected\n"
    assert "refused" in fsm_sprint("approve", two, check=2).out


def test_a_larger_budget_takes_a_sprint_up_again(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), budget=Budget(cost_usd=1)).begin() as scene:
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "spent", "kind": "budget"})
    assert "has no budget of tokens" in fsm_sprint("resume", "--budget", "tokens=5", check=2).out
    assert "is no budget" in fsm_sprint("resume", "--budget", "cost-usd=much", check=2).err
    assert "only the whole sprint is resumed" in fsm_sprint("resume", "a", check=2).out
    assert "a has no budget of cost-usd" in fsm_sprint("resume", "a", "--budget", "cost-usd=5", check=2).out
    assert fsm_sprint("resume", "--budget", "cost-usd=2.5").out == "the sprint goes on\n"
    facts = next(row["facts"] for row in reversed(rows_of(fsm_sprint, home)) if row["trigger"] == "retry")
    assert facts["budget"] == {"cost-usd": 2.5}  # type: ignore[index]


def test_a_bound_on_time_is_written_as_in_the_files(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a"), budget=Budget(wall=1)).begin() as scene:
        scene.move(SPRINT_UNIT, "block", {"why": "spent", "kind": "budget"})
    assert "wall=8h" in fsm_sprint("resume", "--budget", "wall=long", check=2).err
    assert "attempts" in fsm_sprint("resume", "--budget", "cost=5", check=2).err
    assert fsm_sprint("resume", "--budget", "wall=1h30m").out == "the sprint goes on\n"
    facts = next(row["facts"] for row in reversed(rows_of(fsm_sprint, home)) if row["trigger"] == "retry")
    assert facts["budget"] == {"wall": 5400}  # type: ignore[index]


def test_whose_budget_ended_is_told_how_to_allow_more(home: Path, fsm_sprint: Command) -> None:
    spent = {"unit": "a", "why": "spent", "kind": "budget", "measure": "tokens", "spent": 2, "bound": 1}
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.move(SPRINT_UNIT, "block", spent)
        scene.commit()
        last = closing(scene.sprint, home)[-1]
    status = fsm_sprint("status").out
    assert last.endswith("a --budget tokens=N  allows more in all; then `run` goes on")
    assert status.splitlines()[-1].split() == last.replace(f"{home} ", "").split()
    assert "logs" not in status


def test_when_what_had_failed_is_left_out_nothing_is_said_to_be_tried_again(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a")
        scene.fail("a")
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 1", "kind": "failed"})
    assert "tries again what has failed" in fsm_sprint("status").out
    assert fsm_sprint("skip", "a").err == "next:  fsm-sprint run  goes on\n"


def test_what_was_cancelled_can_be_taken_up_again_and_that_is_said(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin():
        pass
    fsm_sprint("stop", "--cancel", check=0)
    last = fsm_sprint("status").out.splitlines()[-1]
    assert last == "       fsm-sprint resume     takes this one up again; then `run` goes on"
    assert fsm_sprint("resume").out == "the sprint goes on\n"


def test_a_unit_is_meant_by_the_end_of_its_path_or_the_id_of_a_parallel_task(
    home: Path, fsm_sprint: Command
) -> None:
    group = Group(id="p", path="p", level="phase", children=(step("p/s", leaf("p/s/l", parallel=True)),))
    with Scene(home, group).begin() as scene:
        scene.move("p", "start")
        scene.move("p/s", "start")
        scene.spawn("p/s/l", task="s-l-1705579200")
        scene.fail("p/s/l")
    assert fsm_sprint("retry", "s-l-1705579200").out == "p/s/l runs again\n"
    assert fsm_sprint("skip", "s/l").out == "skipped p/s/l\n"


def test_what_a_dead_supervisor_left_running_is_ended_before_anything_else_is_asked(
    home: Path, fsm_sprint: Command
) -> None:
    with Scene(home, leaf("a", parallel=True), leaf("b")).begin() as scene:
        scene.spawn("a", task="a-1")
        scene.spawn("b")
        scene.live("a")
        scene.live("b")
        scene.move(SPRINT_UNIT, "lease", {"pid": 4711, **identity(scene.paths.journal)})
        scene.commit()
        for typed in (["pause"], ["retry", "a"], ["stop", "b"]):
            done = fsm_sprint(*typed, check=2)
            assert "tasks still run although their supervisor has ended" in done.err


def test_a_supervisor_that_says_nothing_is_not_waited_for_for_ever(
    home: Path, fsm_sprint: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "_PATIENCE", 0.3)
    with waiting(home) as scene:
        scene.commit()
        with scene.supervise():
            done = fsm_sprint("approve", "b", check=6)
    assert "the supervisor did not answer" in done.err
    assert list(scene.paths.inbox.iterdir()) == []


def test_what_a_supervisor_did_before_it_ended_is_answered_and_not_done_again(
    home: Path, fsm_sprint: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm_sprint.inbox.request_id", lambda: "1-a")
    with waiting(home) as scene:
        scene.move(
            SPRINT_UNIT, "request", {"id": "1-a", "verb": "approve", "unit": "b", "answer": "b is approved"}
        )
    assert fsm_sprint("approve", "b").out == "b is approved\n"
    assert len(rows_of(fsm_sprint, home)) == scene.sprint.seq


def test_a_request_is_left_for_the_supervisor_that_was_seen_and_for_no_other(
    home: Path, fsm_sprint: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Asked] = []
    monkeypatch.setattr(request, "_PATIENCE", 0.3)
    monkeypatch.setattr("time.sleep", lambda _: left.extend(Inbox(SprintPaths(home)).collect()))
    with waiting(home) as scene:
        scene.lease()
        scene.commit()
        with scene.supervise():
            fsm_sprint("approve", "b", "--why", "tested", check=6)
    assert {(one.verb, one.unit, one.epoch, one.why) for one in left} == {("approve", "b", 2, "tested")}
