"""Ending what runs: the whole tree of a task, whatever it does about it, and nothing else."""

import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from fsm_sprint.executors import platform
from tests.executors.hands import Hands

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


def test_a_task_is_told_to_end_and_its_status_is_the_truth(hands: Hands):
    hands.released(hands.shell("trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.02; done"))
    hands.stop()
    ended = hands.ended()
    assert (ended.verdict, ended.facts["code"], ended.facts["why"]) == ("killed", 9, "stopped")
    assert "bye" in hands.log()


def test_a_task_that_ends_well_when_it_is_told_to_has_ended_well(hands: Hands):
    hands.released(hands.shell("trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done"))
    hands.stop()
    assert hands.ended().verdict == "ok"


def test_a_task_that_does_not_listen_is_killed_after_its_grace(hands: Hands):
    hands.released(hands.shell(STUBBORN, grace=0.2))
    hands.stop(within=30)
    ended = hands.ended()
    assert (ended.verdict, ended.facts["signal"]) == ("killed", "SIGKILL")
    assert ended.facts["elapsed-ms"] >= 200


def test_the_supervisor_has_it_killed_when_the_time_has_come(hands: Hands):
    hands.released(hands.shell(STUBBORN, grace=60.0))
    hands.stop(within=0.1)
    assert hands.ended().facts["signal"] == "SIGKILL"


def test_stopping_twice_is_stopping_once(hands: Hands):
    hands.released(hands.shell("trap 'echo told' TERM; echo up; while :; do sleep 0.02; done", grace=0.3))
    for _ in range(3):
        hands.stop()
    hands.ended()
    assert hands.log().count("told") == 1


def test_every_process_of_the_tree_is_told_once(hands: Hands, tmp_path: Path):
    """A second TERM makes some programs give up what the first had them do."""
    one = tmp_path / "one"
    one.write_text("trap 'echo told >> told; exit 0' TERM; touch up-$1; while :; do sleep 0.02; done")
    all_up = "[ -e up-1 ] && [ -e up-2 ] && [ -e up-3 ]"
    script = f"for i in 1 2 3; do sh {one} $i & done; trap '' TERM; until {all_up}; do sleep 0.02; done; echo up; wait"
    hands.released(hands.shell(script, grace=5.0))
    hands.stop()
    hands.ended()
    assert (hands.paths.directory / "told").read_text().split() == ["told"] * 3


def test_a_task_that_was_stopped_by_a_signal_is_set_going_to_end(hands: Hands):
    hands.released(hands.shell("echo up; kill -STOP $$; exit 4", grace=20.0))
    hands.stop(within=20)
    assert hands.ended().facts["signal"] == "SIGTERM"


def test_a_task_that_has_not_been_let_go_never_runs(hands: Hands):
    hands.spawn(hands.shell("echo ran"))
    hands.ready()
    hands.stop()
    assert hands.ended(release=False).outcome == "never-ran"
    assert hands.log() == ""


def test_a_task_can_be_stopped_before_its_shim_is_up(hands: Hands):
    hands.spawn(hands.shell("echo ran"))
    hands.stop()
    assert hands.ended(release=False).outcome == "never-ran"
    assert hands.log() == ""


ESCAPES = {
    "background": "sleep TOKEN &",
    "own session": "setsid sleep TOKEN &",
    "double fork": "(setsid sh -c 'sleep TOKEN & exit' &);",
    "no environment": "env -i setsid sleep TOKEN &",
    "deaf": "(trap '' TERM HUP; sleep TOKEN) &",
    "nothing open": f"{sys.executable} -c 'import os, time; os.closerange(0, 9999); os.setsid(); time.sleep(TOKEN)' &",
    "nothing open and no environment":
        f"env -i {sys.executable} -S -E -c 'import os, time; os.closerange(0, 9999); os.setsid(); time.sleep(TOKEN)' &",
}  # fmt: skip


@pytest.fixture
def token() -> str:
    """A number of seconds by which this test's own processes are known, whatever they have got rid of."""
    return f"60.{secrets.randbelow(10**9):09d}"


def alive(token: str) -> list[bytes]:
    found = []
    for row in platform.processes():
        with suppress(OSError):
            found.append(Path(f"/proc/{row.pid}/cmdline").read_bytes())
    return [command for command in found if token.encode() in command]


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_nothing_of_a_task_outlives_it(hands: Hands, escape: str, token: str):
    ended = hands.ran(hands.shell(f"{escape.replace('TOKEN', token)} sleep 0.1; exit 3"))
    assert ended.facts["code"] == 3
    assert ended.facts["elapsed-ms"] < 5_000
    assert not alive(token)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_nothing_of_a_task_outlives_its_being_stopped(hands: Hands, escape: str, token: str):
    script = (
        f"trap '' TERM; {escape.replace('TOKEN', token)} sleep 0.1; echo up; while :; do sleep 0.05; done"
    )
    hands.released(hands.shell(script, grace=0.1))
    hands.stop()
    assert hands.ended().facts["signal"] == "SIGKILL"
    assert not alive(token)


def test_two_hundred_processes_that_do_not_listen_are_all_ended(hands: Hands, token: str):
    script = f"trap '' TERM; for i in $(seq 200); do sleep {token} & done; echo up; wait; wait"
    hands.released(hands.shell(script, grace=0.1))
    assert len(alive(token)) > 150
    hands.stop()
    hands.ended()
    assert not alive(token)


def test_a_task_that_ignores_term_and_keeps_forking_is_ended(hands: Hands, token: str):
    fork = f"while :; do (setsid sleep {token} &) ; sleep 0.01; done"
    hands.released(hands.shell(f"trap '' TERM; f() {{ {fork}; }}; f & f & echo up; wait", grace=0.1))
    hands.stop()
    hands.ended()
    assert not alive(token)


def test_a_timeout_ends_a_task_and_says_so(hands: Hands):
    ended = hands.ran(hands.shell("exec sleep 60", timeout=0.1))
    assert (ended.verdict, ended.facts["signal"], ended.facts["why"]) == ("timeout", "SIGTERM", "timeout")
    assert 100 <= ended.facts["elapsed-ms"] < 10_000


def test_a_task_that_prints_nothing_is_ended_after_its_idle_time(hands: Hands):
    ended = hands.ran(
        hands.shell("for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; exec sleep 60", idle_timeout=0.4)
    )
    assert ended.verdict == "idle"
    assert hands.log().split() == ["1", "2", "3", "4", "5", "6"]


def test_what_is_printed_on_stderr_alone_is_a_sign_of_life_too(hands: Hands):
    job = hands.shell("for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.1; done", idle_timeout=0.4, split=True)
    assert hands.ran(job).verdict == "ok"


def test_a_shim_that_cannot_act_is_done_without(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    """It is stopped for good each time it is set going, so that it never hears."""
    monkeypatch.setattr("fsm_sprint.executors.ending._REACTION", 0.2)
    monkeypatch.setattr("fsm_sprint.executors.ending._AGAIN", 0.1)
    identity = hands.released(hands.shell(STUBBORN, grace=60.0))
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import os, signal\nwhile True: os.kill({identity['pid']}, signal.SIGSTOP)"],
        stderr=subprocess.DEVNULL,
    )
    try:
        hands.stop(within=0.1)
        ended = hands.ended()
    finally:
        holder.kill()
        holder.wait()
    assert ended.outcome in ("lost", "exit")
    assert "code" not in ended.facts


def test_only_the_very_process_is_signalled():
    """A pid that now belongs to another process is left alone."""
    victim = subprocess.Popen(["sleep", "60"])
    try:
        start = platform.start_time(victim.pid)
        assert start is not None
        assert not platform.send(victim.pid, str(int(start) - 1), signal.SIGKILL)
        assert victim.poll() is None
        assert platform.send(victim.pid, start, signal.SIGKILL)
    finally:
        victim.kill()
        victim.wait()
    assert not platform.send(victim.pid, start, signal.SIGKILL)
    assert os.getpid() in {row.pid for row in platform.processes()}
