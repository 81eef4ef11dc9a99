"""What PROGRESS.yaml says, and that it says the same however it came to be rendered."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fsm.machine import destination
from fsm.plan import Gate, Group, Hook, Leaf, Node, Orchestration, Plan, Retry, Worktree, digest, dump
from fsm.ports import Journal
from fsm.simulate import RUN, Simulation
from fsm.sprint import Sprint, fold
from fsm.states import GroupState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition, encode_facts
from fsm.unit import Unit
from journal.memory import MemoryJournal, Rows
from journal.progress import WORDS, Progress, initial, render

NOON = 1_705_579_200_000
"""2024-01-18T12:00:00Z"""


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


class Run:
    """A run made by hand: a second passes with every row, and every look compares the kept text with a new one."""

    def __init__(self, *phases: Node, **plan: Any) -> None:
        text = dump(Plan(sprint_id="2024-01-18_hand-made", phases=phases, **plan))
        self.sprint = Sprint("r", {digest(text): text}.__getitem__)
        self.progress = Progress(self.sprint)
        self.move(SPRINT_UNIT, "amend", {"plan": digest(text)})
        self.move(SPRINT_UNIT, "start")

    def move(self, path: str, trigger: str, facts: Facts | None = None, *, attempt: int = 0) -> None:
        unit = self.sprint.unit(path)
        dest = destination(unit.machine, trigger, unit.state, path)
        seq = self.sprint.seq + 1
        moved = (
            str(unit.machine),
            trigger,
            str(unit.state),
            dest,
            attempt,
            encode_facts(facts or {}),
            f"{seq:064x}",
        )
        row = Transition(seq, "r", 1, NOON + seq * 1000, path, *moved)
        self.sprint.apply(row)
        self.progress.touch([row])

    def begin(self, path: str, *, attempt: int = 1, task: str | None = None) -> None:
        facts: Facts = {"name": path, "log": f"logs/{task or path}.log"}
        self.move(path, "spawn", facts if task is None else {**facts, "task": task}, attempt=attempt)
        self.move(path, "start", {"pid": "7"}, attempt=attempt)

    def end(self, path: str, facts: Facts | None = None, *, attempt: int = 1) -> None:
        self.begin(path, attempt=attempt)
        self.move(path, "succeed", facts or {"code": 0}, attempt=attempt)

    def read(self) -> Any:
        text = self.progress.text()
        assert text == render(self.sprint)
        return load(text)


def leaf(path: str, **more: Any) -> Leaf:
    return Leaf(id=path.rpartition("/")[2], path=path, **({"run": "true"} | more))


def step(path: str, *names: str, **more: Any) -> Group:
    children = tuple(leaf(f"{path}/{name}") for name in names)
    return Group(
        id=path.rpartition("/")[2], path=path, level="step", prompt="Do", **({"children": children} | more)
    )


def phase(path: str, *steps: Group, **more: Any) -> Group:
    return Group(id=path, path=path, level="phase", children=steps, **more)


def test_a_plan_shows_as_the_predecessor_compiled_it() -> None:
    gate = Gate(script="make test", prompt="Mend it.\n", tries=2, timeout=30.0)
    docs = Leaf(id="docs", path="dev/a/docs", prompt="Document\nit\n", parallel=True, model="haiku")
    implement = Leaf(id="implement", path="dev/a/implement", prompt="Implement", gate=gate)
    plan = Plan(
        sprint_id="2024-01-18_all",
        phases=(
            phase(
                "dev",
                step("dev/a", children=(implement, docs), model="opus"),
                step("dev/b", "x", depends_on=("a",)),
                breaks=True,
            ),
            Leaf(id="sync", path="sync", prompt="Check", wait=True, model="opus", breaks=True, gate=gate),
            Leaf(id="qa", path="qa", run=("make", "test")),
            Group(id="end", path="end", level="phase", wait=True),
        ),
        prompts=(("header", "Hello"),),
        orchestration=Orchestration(enabled=True),
        worktree=Worktree(branch="sprint/all", path="../all-worktree", cleanup="never"),
        hooks=(Hook(id="learn", prompt="Learn", parallel=True),),
    )

    gate_shown = {"script": "make test", "on-fail-prompt": "Mend it.\n", "max-retries": 2, "timeout": 30}
    shown = load(initial(plan))

    assert shown == {
        "sprint-id": "2024-01-18_all",
        "status": "not-started",
        "phases": [
            {
                "id": "dev",
                "status": "pending",
                "steps": [
                    {
                        "id": "a",
                        "prompt": "Do",
                        "status": "pending",
                        "phases": [
                            {
                                "id": "implement",
                                "status": "pending",
                                "prompt": "Implement",
                                "gate": gate_shown,
                            },
                            {
                                "id": "docs",
                                "status": "pending",
                                "prompt": "Document\nit\n",
                                "parallel": True,
                                "model": "haiku",
                            },
                        ],
                        "model": "opus",
                    },
                    {
                        "id": "b",
                        "prompt": "Do",
                        "status": "pending",
                        "phases": [{"id": "x", "status": "pending", "run": "true"}],
                        "depends-on": ["a"],
                    },
                ],
                "break": True,
            },
            {
                "id": "sync",
                "status": "pending",
                "prompt": "Check",
                "wait-for-parallel": True,
                "model": "opus",
                "break": True,
                "gate": gate_shown,
            },
            {"id": "qa", "status": "pending", "run": ["make", "test"]},
            {"id": "end", "status": "pending", "wait-for-parallel": True},
        ],
        "current": {"phase": 0, "step": 0, "sub-phase": 0},
        "stats": {
            "started-at": None,
            "total-phases": 7,
            "completed-phases": 0,
            "total-steps": 2,
            "completed-steps": 0,
        },
        "parallel-tasks": [],
        "orchestration": {"enabled": True, "insertStrategy": "after-current", "autoApprove": False},
        "step-queue": [],
        "prompts": {"header": "Hello"},
        "worktree": {"enabled": True, "branch": "sprint/all", "path": "../all-worktree", "cleanup": "never"},
        "dependency-graph": [
            {
                "phase-id": "dev",
                "nodes": [
                    {"id": "a", "depends-on": [], "blocked-by": []},
                    {"id": "b", "depends-on": ["a"], "blocked-by": ["a"]},
                ],
            }
        ],
        "per-iteration-hooks": [{"id": "learn", "prompt": "Learn", "parallel": True, "enabled": True}],
        "hook-tasks": [],
    }
    assert list(shown) == [
        *(
            "sprint-id",
            "status",
            "phases",
            "current",
            "stats",
            "parallel-tasks",
            "orchestration",
            "step-queue",
        ),
        *("prompts", "worktree", "dependency-graph", "per-iteration-hooks", "hook-tasks"),
    ]
    assert list(shown["phases"][1]) == [
        "id",
        "status",
        "prompt",
        "wait-for-parallel",
        "model",
        "break",
        "gate",
    ]


def test_the_plan_alone_in_a_journal_shows_what_compiling_shows() -> None:
    text = dump(Plan(sprint_id="x", phases=(phase("p", step("p/s", "a")), leaf("b"))))
    sprint = Sprint("r", {digest(text): text}.__getitem__)
    facts = encode_facts({"plan": digest(text)})
    sprint.apply(
        Transition(1, "r", 1, NOON, SPRINT_UNIT, "sprint", "amend", "not-started", "not-started", 0, facts)
    )

    assert load(render(sprint)) == load(initial(sprint.plan))


def test_an_empty_plan_and_a_loop_over_nothing_still_have_their_lists() -> None:
    assert load(initial(Plan(sprint_id="x", phases=())))["phases"] == []
    shown = load(initial(Plan(sprint_id="x", phases=(phase("p"), phase("q", step("q/s"))))))

    assert shown["phases"][0]["steps"] == []
    assert shown["phases"][1]["steps"][0]["phases"] == []
    assert shown["current"] == {"phase": 0, "step": None, "sub-phase": None}
    assert shown["stats"]["total-steps"] == 1


# ---------------------------------------------------------------------------------------------------- while it runs


def test_counts_are_true_and_the_pointer_follows_the_main_line() -> None:
    run = Run(phase("p", step("p/s", "a", "b"), step("p/t", "c")), leaf("q"))
    run.move("p", "start")
    run.move("p/s", "start")
    run.end("p/s/a")
    shown = run.read()

    assert shown["current"] == {"phase": 0, "step": 0, "sub-phase": 1}
    assert (shown["stats"]["completed-phases"], shown["stats"]["total-phases"]) == (1, 5)
    assert shown["phases"][0]["status"] == "in-progress"

    run.end("p/s/b")
    run.move("p/s", "complete")
    run.move("p/t", "start")
    run.end("p/t/c")
    run.move("p/t", "complete")
    run.move("p", "complete")
    shown = run.read()

    assert shown["current"] == {"phase": 1, "step": None, "sub-phase": None}
    assert (shown["stats"]["completed-phases"], shown["stats"]["completed-steps"]) == (4, 2)

    run.end("q")
    run.move(SPRINT_UNIT, "complete")
    shown = run.read()

    assert shown["stats"] == {
        "started-at": "2024-01-18T12:00:02.000Z",
        "total-phases": 5,
        "completed-phases": 5,
        "total-steps": 2,
        "completed-steps": 2,
        "completed-at": "2024-01-18T12:00:21.000Z",
        "elapsed": "19s",
    }
    assert shown["current"] == {"phase": 1, "step": None, "sub-phase": None}
    assert (shown["status"], shown["completed-at"]) == ("completed", "2024-01-18T12:00:21.000Z")
    assert "failed-tasks" not in shown


def test_what_is_done_again_counts_no_more_until_it_is_done() -> None:
    run = Run(leaf("a"), leaf("b"))
    run.end("a")
    run.move("a", "retry", {"by": "run"}, attempt=1)
    shown = run.read()

    assert shown["stats"]["completed-phases"] == 0
    assert shown["phases"][0] == {"id": "a", "status": "pending", "run": "true"}


def test_a_finished_leaf_says_when_how_long_and_with_what_result() -> None:
    run = Run(leaf("a"))
    run.end("a", {"code": 0, "elapsed-ms": 754_321, "summary": "It works.\nAll of it."})

    assert run.read()["phases"][0] == {
        "id": "a",
        "status": "completed",
        "run": "true",
        "started-at": "2024-01-18T12:00:04.000Z",
        "completed-at": "2024-01-18T12:00:05.000Z",
        "elapsed": "12m 34s",
        "summary": "It works.\nAll of it.",
    }


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"verdict": "failed", "code": 7}, "exit code 7"),
        ({"verdict": "failed", "signal": 11}, "killed by signal 11"),
        ({"verdict": "timeout", "signal": 15}, "timeout (killed by signal 15)"),
        ({"verdict": "lost"}, "lost"),
        ({"verdict": "denied", "error": "the agent may not write"}, "the agent may not write"),
    ],
)
def test_a_failure_says_why_and_invents_no_exit_code(facts: Facts, error: str) -> None:
    run = Run(leaf("a"))
    run.begin("a")
    run.move("a", "fail", facts, attempt=1)
    run.move(SPRINT_UNIT, "block", {"unit": "a", "why": error, "kind": "failed"})
    shown = run.read()

    assert (shown["phases"][0]["status"], shown["phases"][0]["error"]) == ("failed", error)
    assert (shown["status"], shown["error"], shown["failed-phase"]) == ("blocked", error, "a")
    assert shown["blocked-at"] == shown["last-activity"] == "2024-01-18T12:00:06.000Z"
    assert "completed-at" not in shown


def test_a_waiting_leaf_is_pending_with_its_time_and_reason() -> None:
    run = Run(leaf("a", retry=Retry(max_attempts=3, backoff=(90.0,))))
    run.begin("a")
    run.move("a", "fail", {"verdict": "timeout"}, attempt=1)
    wait = {"delay": 90_000, "until": NOON + 95_000, "why": "back-off", "after": "timeout"}
    run.move("a", "delay", wait, attempt=1)
    shown = run.read()["phases"][0]

    assert shown == {
        "id": "a",
        "status": "pending",
        "run": "true",
        "error": "timeout",
        "retry-count": 1,
        "next-retry-at": "2024-01-18T12:01:35.000Z",
        "reason": "back-off after timeout",
    }

    run.move("a", "wake", attempt=1)
    run.begin("a", attempt=2)
    shown = run.read()["phases"][0]

    assert (shown["status"], shown["retry-count"]) == ("in-progress", 1)
    assert "error" not in shown

    run.move("a", "fail", {"verdict": "interrupted"}, attempt=2)
    assert run.read()["phases"][0]["retry-count"] == 1


def test_tries_are_counted_beyond_the_first_and_an_interruption_is_none() -> None:
    run = Run(leaf("a"))
    for attempt, verdict in enumerate(("failed", "interrupted", "failed"), start=1):
        run.begin("a", attempt=attempt)
        run.move("a", "fail", {"verdict": verdict}, attempt=attempt)
        run.move("a", "delay", {"delay": 0, "until": NOON, "why": "back-off"}, attempt=attempt)
        run.move("a", "wake", attempt=attempt)
    run.end("a", attempt=4)

    assert run.read()["phases"][0]["retry-count"] == 2


def test_a_gate_is_tracked_while_it_is_tried() -> None:
    run = Run(leaf("a", gate=Gate(script="false", prompt="mend it", tries=2)))
    run.begin("a")
    run.move("a", "verify", {"code": 0}, attempt=1)
    assert "gate-tracking" not in run.read()["phases"][0]

    run.begin("a#gate")
    assert run.read()["phases"][0]["gate-tracking"] == {"attempts": 1, "status": "running"}

    run.move("a#gate", "fail", {"verdict": "failed", "code": 3}, attempt=1)
    failed = {"attempts": 1, "status": "retrying", "last-exit-code": 3, "error": "exit code 3"}
    assert run.read()["phases"][0]["gate-tracking"] == failed

    run.end("a#fix")
    run.move("a#gate", "retry", {"by": "gate"}, attempt=1)
    run.begin("a#gate", attempt=2)
    assert run.read()["phases"][0]["gate-tracking"]["attempts"] == 2

    run.move("a#gate", "fail", {"verdict": "failed", "code": 4}, attempt=2)
    run.move("a", "fail", {"verdict": "gate", "error": "gate failed after 2 of 2 tries"}, attempt=1)
    shown = run.read()["phases"][0]

    assert (shown["status"], shown["error"]) == ("failed", "gate failed after 2 of 2 tries")
    tracking = {"attempts": 2, "status": "blocked", "last-exit-code": 4, "error": "exit code 4"}
    assert shown["gate-tracking"] == tracking


def test_the_gate_of_a_phase_is_tracked_too() -> None:
    run = Run(phase("p", step("p/s", "a"), gate=Gate(script="true")))
    run.move("p", "start")
    run.move("p/s", "start")
    run.end("p/s/a")
    run.move("p/s", "complete")
    run.end("p#gate")
    run.move("p", "complete")

    passed = {"attempts": 1, "status": "passed", "last-exit-code": 0}
    assert run.read()["phases"][0]["gate-tracking"] == passed


def test_a_parallel_task_is_told_twice_and_the_main_line_goes_on() -> None:
    task = "s-docs-1705579205"
    docs = leaf("p/s/docs", parallel=True)
    run = Run(phase("p", step("p/s", children=(docs, leaf("p/s/next")))), leaf("sync", wait=True))
    assert run.read()["current"] == {"phase": 0, "step": 0, "sub-phase": 0}

    run.move("p", "start")
    run.move("p/s", "start")
    run.move("p/s/docs", "spawn", {"name": "d", "log": f"logs/{task}.log", "task": task}, attempt=1)
    shown = run.read()
    entry = {
        "id": task,
        "step-id": "s",
        "phase-id": "docs",
        "status": "spawned",
        "log-file": f"logs/{task}.log",
        "spawned-at": "2024-01-18T12:00:05.000Z",
    }

    assert shown["parallel-tasks"] == [entry]
    assert shown["phases"][0]["steps"][0]["phases"][0]["status"] == "spawned"
    assert shown["current"] == {"phase": 0, "step": 0, "sub-phase": 1}

    run.move("p/s/docs", "start", {"pid": "7"}, attempt=1)
    shown = run.read()
    sub = shown["phases"][0]["steps"][0]["phases"][0]

    assert shown["parallel-tasks"] == [{**entry, "status": "running"}]
    assert (sub["status"], sub["parallel-task-id"]) == ("spawned", task)

    run.move("p/s/docs", "fail", {"verdict": "failed", "code": 9}, attempt=1)
    shown = run.read()
    sub = shown["phases"][0]["steps"][0]["phases"][0]
    over = {
        "status": "failed",
        "completed-at": "2024-01-18T12:00:07.000Z",
        "exit-code": 9,
        "error": "exit code 9",
    }

    assert shown["parallel-tasks"] == [{**entry, **over}]
    assert (sub["status"], sub["error"], sub["parallel-task-id"]) == ("failed", "exit code 9", task)


def test_background_failures_that_were_tolerated_are_listed_at_the_end() -> None:
    run = Run(leaf("docs", parallel=True), leaf("a"))
    run.begin("docs", task="docs-1")
    run.end("a")
    run.move("docs", "fail", {"verdict": "lost"}, attempt=1)
    run.move(SPRINT_UNIT, "complete", {"failed": ["docs"]})
    shown = run.read()

    assert (shown["status"], shown["failed-tasks"]) == ("completed", ["docs"])
    assert shown["stats"]["completed-phases"] == 1
    assert shown["parallel-tasks"][0]["step-id"] is None
    assert "exit-code" not in shown["parallel-tasks"][0]


def test_what_blocks_a_step_is_kept_true() -> None:
    run = Run(phase("p", step("p/a", "x"), step("p/b", "y"), step("p/c", "z", depends_on=("a", "b"))))
    run.move("p", "start")
    run.move("p/a", "start")
    run.end("p/a/x")

    def blocking() -> Any:
        return run.read()["dependency-graph"][0]["nodes"][2]["blocked-by"]

    assert blocking() == ["a", "b"]
    run.move("p/a", "complete")
    assert blocking() == ["b"]
    run.move("p/b", "skip")
    assert blocking() == []
    run.move("p/a", "reopen")
    assert blocking() == ["a"]


@pytest.mark.parametrize(
    ("trigger", "facts", "status", "told"),
    [
        ("pause", {"who": "ann", "why": "lunch"}, "paused", {"pause-reason": "lunch, ann"}),
        ("break", {"unit": "p/s"}, "paused-at-breakpoint", {"breakpoint-phase-id": "s"}),
        (
            "ask",
            {"unit": "p/s/a", "why": "which colour?"},
            "needs-human",
            {"human-needed": {"reason": "which colour?", "details": "asked by p/s/a"}},
        ),
        (
            "block",
            {"why": "nothing that is left can start", "kind": "stuck"},
            "blocked",
            {"error": "nothing that is left can start", "blocked-at": "2024-01-18T12:00:03.000Z"},
        ),
        (
            "cancel",
            {"who": "ann", "why": ""},
            "cancelled",
            {"error": "cancelled: ann", "completed-at": "2024-01-18T12:00:03.000Z"},
        ),
    ],
)
def test_a_sprint_at_rest_says_why(trigger: str, facts: Facts, status: str, told: dict[str, Any]) -> None:
    run = Run(phase("p", step("p/s", "a")))
    run.move(SPRINT_UNIT, trigger, facts)
    shown = run.read()

    assert shown["status"] == status
    assert list(shown)[6:] == ["last-activity", *told]
    assert {key: shown[key] for key in told} == told

    run.move(SPRINT_UNIT, "resume", {"who": "ann", "why": "again"})
    shown = run.read()

    assert shown["status"] == "in-progress"
    assert list(shown)[6:] == ["last-activity"]


def test_what_was_skipped_or_cancelled_says_so() -> None:
    run = Run(leaf("a"), leaf("b"))
    run.begin("a")
    run.move("a", "fail", {"verdict": "failed", "code": 1}, attempt=1)
    run.move("a", "skip", {"who": "ann", "why": "not needed"}, attempt=1)
    run.move("b", "cancel")
    first, second = run.read()["phases"]

    assert first == {
        "id": "a",
        "status": "skipped",
        "run": "true",
        "completed-at": "2024-01-18T12:00:06.000Z",
        "reason": "skipped: not needed, ann",
    }
    assert (second["status"], second["reason"]) == ("skipped", "cancelled")


def test_time_set_back_gives_no_negative_duration() -> None:
    run = Run(leaf("a"))
    run.begin("a")
    row = Transition(5, "r", 1, NOON, "a", "task", "succeed", "running", "completed", 1, "")
    run.sprint.apply(row)
    run.progress.touch([row])

    assert run.read()["phases"][0]["elapsed"] == "0ms"


def test_text_that_is_no_text_does_not_break_the_file() -> None:
    run = Run(leaf("a"))
    run.end("a", {"summary": "a torn \ud83d line\x00\x85"})

    assert run.read()["phases"][0]["summary"] == "a torn \ufffd line\x00\x85"


# ------------------------------------------------------------------------------------------------ words and histories


def test_every_state_of_tasks_and_groups_has_its_word() -> None:
    assert set(WORDS) == {*TaskState, *GroupState}
    ours_only = {"running", "verifying", "stopping", "waiting", "cancelled"}
    assert not ours_only & {word for words in WORDS.values() for word in (words.main, words.background)}
    assert {words.task for words in WORDS.values()} == {"spawned", "running", "completed", "failed"}


def test_the_page_has_the_table_of_words() -> None:
    page = (Path(__file__).parents[2] / "docs" / "progress.md").read_text(encoding="utf-8")
    for state, words in WORDS.items():
        assert f"| {state} | {words.main} | {words.background} | {words.task} |" in page


class Observed(Simulation):
    """Looks at the live fold, which the engine has walked, after every supervisor that ended by itself."""

    looks = 0

    def _same(self, live: Sprint, again: Sprint) -> None:
        super()._same(live, again)
        assert render(live) == render(again)
        self.looks += 1


def again(journal: Journal) -> Sprint:
    return fold(journal.read(), RUN, journal.text)


def test_a_live_fold_and_its_replay_show_the_same() -> None:
    looks = 0
    for seed in range(40):
        rows = Rows()
        simulation = Observed(seed, lambda rows=rows: MemoryJournal(rows))
        simulation.run()
        looks += simulation.looks

    assert looks > 40


@given(st.integers(0, 1 << 32), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_what_is_kept_up_to_date_equals_what_is_rendered_anew(seed: int, random: Any) -> None:
    rows = Rows()
    Simulation(seed, lambda: MemoryJournal(rows)).run()
    sprint = Sprint(RUN, rows.texts.__getitem__)
    progress = Progress(sprint)
    batch: list[Transition] = []
    for row in rows.committed:
        sprint.apply(row)
        batch.append(row)
        if random.random() < 0.5:
            progress.touch(batch)
            batch = []
            assert progress.text() == render(sprint)
    progress.touch(batch)

    assert progress.text() == render(sprint) == render(again(MemoryJournal(rows)))
    assert counted(sprint) == load(progress.text())["stats"]["completed-phases"]


def counted(sprint: Sprint) -> int:
    """Completed phases by the predecessor's rule: top phases and sub-phases, not steps."""
    return sum(_counts(unit) for unit in sprint.order)


def _counts(unit: Unit) -> bool:
    is_step = isinstance(unit.node, Group) and unit.node.level == "step"
    return unit.owner is None and unit.leaf is None and not is_step and unit.state == "completed"
