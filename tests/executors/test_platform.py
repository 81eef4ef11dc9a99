"""Telling processes apart: by pid and start time, whatever they call themselves, and never one that is not ours."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsm_sprint.executors import platform, trees
from fsm_sprint.executors.marks import lines

SLEEP = shutil.which("sleep") or "/bin/sleep"


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of somebody else, first of its session."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_name_with_parentheses_and_spaces_confuses_nobody(tmp_path: Path):
    program = tmp_path / "a) Z 1 1 (b"
    program.symlink_to(SLEEP)
    process = subprocess.Popen([program, "60"])
    try:
        found = platform.process(process.pid)
        assert found is not None
        assert (found.parent, found.session, found.dead) == (os.getpid(), os.getsid(0), False)
    finally:
        process.kill()
        process.wait()


def test_a_zombie_is_dead_although_its_pid_is_taken():
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    found = platform.process(process.pid)
    assert found is not None
    assert found.dead
    assert platform.start_time(process.pid) is None
    process.wait()
    assert platform.process(process.pid) is None


def test_a_process_that_came_to_the_pid_of_a_dead_shim_is_left_alone(
    stranger: "subprocess.Popen[bytes]", tmp_path: Path
):
    start = platform.start_time(stranger.pid)
    assert start is not None
    identity = {"pid": str(stranger.pid), "start": str(int(start) - 1)}
    assert trees.members(tmp_path, identity, lines("run", "task", 1)) == []
    assert not platform.send(stranger.pid, identity["start"], signal.SIGKILL)
    assert platform.watchable(stranger.pid, identity["start"]) == -1
    assert stranger.poll() is None


def test_a_process_of_another_attempt_or_run_is_left_alone(tmp_path: Path):
    def of(run: str, attempt: str) -> "subprocess.Popen[bytes]":
        marks = {"FSM_SPRINT_RUN": run, "FSM_SPRINT_TASK": "t", "FSM_SPRINT_ATTEMPT": attempt}
        return subprocess.Popen(
            ["sleep", "60"], env={**marks, "FSM_SPRINT_IDEMPOTENCY_KEY": f"{run}/t"}, start_new_session=True
        )

    run = f"run-{os.getpid()}"
    processes = [of(run, "1"), of(run, "2"), of(f"{run}0", "1")]
    try:
        for process in processes:
            while not platform.environment(process.pid) or b"sleep" not in command(process.pid):
                pass  # until it has become what it is to be
        assert [row.pid for row in trees.members(tmp_path, {}, lines(run, "t", 1))] == [processes[0].pid]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_whoever_holds_a_lock_is_found(tmp_path: Path):
    lock = tmp_path / "tree.lock"
    lock.touch()
    with lock.open() as file:
        process = subprocess.Popen(["sleep", "60"], pass_fds=[file.fileno()], start_new_session=True)
    try:
        assert [row.pid for row in trees.holders(lock)] == [process.pid]
        assert [row.pid for row in trees.members(tmp_path, {}, frozenset())] == [process.pid]
    finally:
        process.kill()
        process.wait()
    assert trees.holders(lock) == []


def test_the_boot_and_the_namespace_have_names():
    assert platform.boot_id() == platform.boot_id() != ""
    assert sys.platform != "linux" or platform.pid_namespace().startswith("pid:[")


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
