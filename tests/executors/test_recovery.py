"""Whoever dies, at whatever moment: the next supervisor finds out what is true, and nothing runs twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm.errors import SprintError
from fsm.events import Ended
from fsm_sprint.executors import platform
from tests.executors.hands import PATIENCE, Hands, gone

ROOT = Path(__file__).parents[2]


class Supervised:
    """A sprint directory whose supervisor is another process, to be killed."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    def begin(self, stage: str, script: str, *, timeout: float = 0, idle: float = 0) -> dict[str, str]:
        """Starts a supervisor, lets it come to a stage, kills it; returns the identity of the task's shim."""
        arguments = [str(self.hands.paths.directory), self.hands.run, stage, str(timeout), str(idle), script]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.executors.supervisor", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        identity: dict[str, str] = json.loads(self.process.stdout.readline())
        return identity

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def supervised(hands: Hands) -> Iterator[Supervised]:
    made = Supervised(hands)
    yield made
    made.process.kill()
    made.process.wait()
    assert made.process.stdout is not None
    made.process.stdout.close()


RUNS = "echo up; until [ -e go ]; do sleep 0.01; done; echo done; exit 7"


def test_a_killed_supervisor_leaves_the_task_running_and_the_next_one_gets_its_exit_code(
    supervised: Supervised,
):
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    hands.says("up", turning=False)
    supervised.kill()
    hands.attach(identity)
    hands.adopted()
    (hands.paths.directory / "go").touch()
    ended = hands.ended()
    assert (ended.outcome, ended.facts["code"]) == ("exit", 7)
    assert hands.log() == "up\ndone\n"


def test_a_task_may_be_adopted_again_and_again(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    supervised.kill()
    for _ in range(3):
        hands.attach(identity)
        hands.adopted()
        hands.drop()
    (hands.paths.directory / "go").touch()
    hands.attach(identity)
    assert hands.ended().facts["code"] == 7


def test_attaching_twice_is_attaching_once(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    supervised.kill()
    for _ in range(3):
        hands.attach(identity)
    (hands.paths.directory / "go").touch()
    hands.ended()
    assert [type(event).__name__ for event in hands.seen] == ["Adopted", "Ended"]


def test_a_task_that_ended_while_nobody_looked_has_its_true_exit_code(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", "exit 9")
    supervised.kill()
    gone(identity)
    hands.attach(identity)
    ended = hands.ended()
    assert (ended.outcome, ended.facts["code"]) == ("exit", 9)
    assert [type(event).__name__ for event in hands.seen] == ["Ended"]


def test_a_task_whose_gate_was_never_opened_never_runs(supervised: Supervised):
    """Its `start` row may be on disk: it is the attempt file that tells."""
    hands = supervised.hands
    identity = supervised.begin("ready", "echo ran")
    supervised.kill()
    hands.attach(identity)
    assert hands.ended().outcome == "never-ran"
    assert hands.log() == ""


def test_an_attempt_that_was_only_spawned_leaves_room_for_the_next(supervised: Supervised):
    hands = supervised.hands
    supervised.begin("spawned", "echo ran")
    supervised.kill()
    ended = hands.ran(hands.shell("echo second"), attempt=2)
    assert ended.verdict == "ok"
    assert hands.log() == ""
    assert (hands.paths.logs / "task.2.log").read_text() == "second\n"


def test_the_next_attempt_waits_until_the_last_one_is_gone(hands: Hands):
    """The shim of attempt 1 is kept from leaving; it is waited for, then killed, and only then attempt 2 begins."""
    hands.spawn(hands.shell("echo ran"))
    identity = hands.ready()
    pid = int(identity["pid"])
    os.kill(pid, signal.SIGSTOP)
    hands.drop()
    hands.spawn(hands.shell("echo second"), attempt=2)
    assert not hands.paths.attempt("task", 2).exists()
    assert hands.ended().verdict == "ok"
    assert platform.start_time(pid) != identity["start"]
    assert hands.log() == ""


def test_a_timeout_holds_while_no_supervisor_lives(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", "echo up; exec sleep 60", timeout=0.3)
    supervised.kill()
    gone(identity)
    hands.attach(identity)
    assert hands.ended().verdict == "timeout"


def test_an_idle_time_holds_while_no_supervisor_lives(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", "trap '' TERM; echo up; exec sleep 60", idle=0.3)
    supervised.kill()
    gone(identity)
    hands.attach(identity)
    ended = hands.ended()
    assert (ended.verdict, ended.facts["signal"]) == ("idle", "SIGKILL")


def test_an_adopted_task_can_be_stopped(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    supervised.kill()
    hands.attach(identity)
    hands.adopted()
    hands.stop()
    ended = hands.ended()
    assert (ended.verdict, ended.facts["why"]) == ("killed", "stopped")


def test_a_killed_shim_takes_its_task_with_it_and_nobody_invents_a_code(hands: Hands):
    identity = hands.released(hands.shell("trap '' TERM HUP; setsid sleep 60 & echo up; sleep 60"))
    os.kill(int(identity["pid"]), signal.SIGKILL)
    ended = hands.ended()
    assert (ended.outcome, ended.verdict) == ("lost", "lost")
    assert "code" not in ended.facts
    assert "signal" not in ended.facts


def test_a_task_that_kills_its_shim_is_lost(hands: Hands):
    ended = hands.ran(hands.shell("kill -9 $PPID; sleep 60"))
    assert (ended.outcome, ended.verdict) == ("lost", "lost")
    assert "code" not in ended.facts


def test_a_shim_killed_while_nobody_looked_leaves_a_lost_task_and_no_orphan(supervised: Supervised):
    hands = supervised.hands
    escape = "setsid sleep 60 & env -i setsid sleep 60 & echo up; sleep 60"
    identity = supervised.begin("released", escape)
    hands.says("up", turning=False)
    supervised.kill()
    os.kill(int(identity["pid"]), signal.SIGKILL)
    hands.attach(identity)
    ended = hands.ended()
    assert ended.outcome == "lost"
    assert not any(isinstance(event, Ended) and "code" in event.facts for event in hands.seen)


def test_a_shim_killed_at_the_gate_has_run_nothing(hands: Hands):
    hands.spawn(hands.shell("echo ran"))
    os.kill(int(hands.ready()["pid"]), signal.SIGKILL)
    assert hands.ended(release=False).outcome == "never-ran"
    assert hands.log() == ""


def test_a_deleted_attempt_whose_shim_lives_is_adopted_all_the_same(supervised: Supervised):
    """Without its locks on disk the recorded process is what is left to go by; starting it again would be worse."""
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    hands.says("up", turning=False)
    supervised.kill()
    for path in hands.paths.attempt("task", 1).iterdir():
        path.unlink()
    hands.paths.attempt("task", 1).rmdir()
    hands.attach(identity)
    hands.adopted()
    (hands.paths.directory / "go").touch()
    ended = hands.ended()
    assert (ended.outcome, ended.verdict) == ("lost", "lost")
    assert hands.log() == "up\ndone\n"


def test_after_a_reboot_pids_mean_nothing(supervised: Supervised):
    """The recorded pid is this very process; nothing may be signalled, and the attempt file decides."""
    hands = supervised.hands
    identity = supervised.begin("released", "exit 4")
    supervised.kill()
    gone(identity)
    start = platform.start_time(os.getpid())
    assert start is not None
    hands.attach({**identity, "boot": "another", "pid": str(os.getpid()), "start": start})
    hands.stop(within=0)
    assert hands.ended().facts["code"] == 4


def test_what_was_started_before_a_reboot_and_left_no_record_is_lost(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", "echo up; sleep 60")
    hands.says("up", turning=False)
    supervised.kill()
    os.kill(int(identity["pid"]), signal.SIGKILL)
    hands.attach({**identity, "boot": "another"})
    assert hands.ended().outcome == "lost"
    hands.drop()
    hands.attach(identity)  # the machine was not really started anew: end what lives
    assert hands.ended().outcome == "lost"


def test_a_task_of_another_pid_namespace_is_named_and_left_alone(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", RUNS)
    supervised.kill()
    with pytest.raises(SprintError, match="another container or pid namespace"):
        hands.attach({**identity, "namespace": "pid:[1]"})
    assert platform.start_time(int(identity["pid"])) == identity["start"]
    (hands.paths.directory / "go").touch()
    gone(identity)


def test_a_task_of_another_pid_namespace_that_has_ended_is_read_as_any_other(supervised: Supervised):
    hands = supervised.hands
    identity = supervised.begin("released", "exit 5")
    supervised.kill()
    gone(identity)
    hands.attach({**identity, "namespace": "pid:[1]"})
    assert hands.ended().facts["code"] == 5


def launcher_of(hands: Hands) -> int:
    return hands.executor._link._pid


def test_a_killed_launcher_takes_nothing_with_it_that_was_let_go(hands: Hands):
    hands.released(hands.shell(RUNS))
    os.kill(launcher_of(hands), signal.SIGKILL)
    hands.step(0.05)
    (hands.paths.directory / "go").touch()
    assert hands.ended().facts["code"] == 7


def test_what_waits_at_its_gate_when_the_launcher_dies_never_runs_and_the_next_gets_a_new_one(hands: Hands):
    hands.spawn(hands.shell("echo ran"))
    hands.ready()
    first = launcher_of(hands)
    os.kill(first, signal.SIGKILL)
    assert hands.ended(release=False).outcome == "never-ran"
    assert hands.ran(hands.shell("echo second"), attempt=2).verdict == "ok"
    assert launcher_of(hands) != first
    assert hands.log() == ""


def test_a_spawn_that_meets_a_dead_launcher_never_ran(hands: Hands):
    hands.executor.start()
    os.kill(launcher_of(hands), signal.SIGKILL)
    hands.spawn(hands.shell("echo ran"))
    assert hands.ended().outcome == "never-ran"


def test_a_launcher_that_dies_three_times_running_is_given_up(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fsm_sprint.executors.link._ROOT", hands.paths.directory / "nowhere")
    for attempt in (1, 2, 3):
        hands.spawn(hands.shell("true"), attempt=attempt)
        assert hands.ended().outcome == "never-ran"
    with pytest.raises(SprintError, match="has died 3 times") as caught:
        hands.spawn(hands.shell("true"), attempt=4)
    assert "run.log" in str(caught.value.hint)
    assert "ModuleNotFoundError" in hands.paths.output.read_text()


def test_a_limit_on_open_files_delays_tasks_and_loses_none(supervised: Supervised):
    """Twelve tasks at once with twenty descriptors: what does not fit is asked for again by the next turn."""
    hands = supervised.hands
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20));"
        "from pathlib import Path; from fsm.effects import Spawn; from tests.executors.hands import Hands;"
        "h = Hands(Path(sys.argv[1]), sys.argv[2]);"
        "units = [f'u{n}' for n in range(12)]; h.jobs = {u: h.shell('sleep 0.05; exit 3') for u in units}; over = {}\n"
        "while len(over) < 12:\n"
        "    h.perform(*(Spawn(u, 1, u, f'logs/{u}.log') for u in units if u not in over))\n"
        "    over |= {e.unit: e.facts['code'] for e in h.step(5) if hasattr(e, 'verdict')}\n"
        "h.executor.close(); print(sorted(set(over.values())))"
    )
    supervised.process = subprocess.Popen(
        [sys.executable, "-c", program, str(hands.paths.directory), hands.run],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert supervised.process.communicate(timeout=PATIENCE)[0] == "[3]\n"
