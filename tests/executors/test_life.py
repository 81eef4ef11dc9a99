"""What a task is given, and how its end is told: real processes, from the spawn to the verdict."""

import os
import signal
from pathlib import Path

import pytest

from fsm.effects import Go, Spawn
from fsm.errors import SprintError
from fsm.events import Ended
from tests.executors.hands import Hands


@pytest.mark.parametrize("code", [0, 1, 2, 125, 126, 127, 137, 255])
def test_the_exit_code_is_told_as_it_was(hands: Hands, code: int):
    ended = hands.ran(hands.shell(f"exit {code}"))
    assert (ended.outcome, ended.verdict) == ("exit", "failed" if code else "ok")
    assert ended.facts["code"] == code
    assert ended.facts["elapsed-ms"] >= 0


SENT = ("HUP", "INT", "QUIT", "KILL", "PIPE", "ALRM", "TERM", "USR1", "USR2", "XFSZ")


@pytest.mark.parametrize("number", [signal.Signals[f"SIG{name}"] for name in SENT])
def test_death_by_a_signal_is_no_exit_code(hands: Hands, number: signal.Signals):
    ended = hands.ran(hands.shell(f"kill -{int(number)} $$"))
    assert ended.verdict == "killed"
    assert ended.facts["signal"] == number.name
    assert "code" not in ended.facts


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL]
)
def test_a_program_that_breaks_down_has_crashed(hands: Hands, number: signal.Signals):
    ended = hands.ran(hands.shell(f"ulimit -c 0; kill -{int(number)} $$"))
    assert (ended.verdict, ended.facts["signal"]) == ("crashed", number.name)


def test_a_command_that_is_not_there_is_a_failure_that_says_so(hands: Hands):
    ended = hands.ran(hands.job("no-such-program-anywhere"))
    assert (ended.verdict, ended.facts["code"]) == ("failed", 127)
    assert ended.facts["error"] == "command not found: no-such-program-anywhere"


@pytest.mark.parametrize("kind", ["plain", "directory", "format", "interpreter"])
def test_what_cannot_be_executed_is_a_failure_that_says_why(hands: Hands, tmp_path: Path, kind: str):
    program = tmp_path / "program"
    if kind == "directory":
        program.mkdir()
    else:
        program.write_text(
            {"interpreter": "#!/no/such/interpreter\n"}.get(kind, "neither script nor binary\n")
        )
        program.chmod(0o644 if kind == "plain" else 0o755)
    ended = hands.ran(hands.job(str(program)))
    assert ended.verdict == "failed"
    assert ended.facts["code"] in (126, 127)
    assert str(program) in ended.facts["error"]
    assert {"format": "format", "interpreter": "interpreter"}.get(kind, "ermission") in ended.facts["error"]


def test_a_working_directory_that_is_not_there_is_a_failure_that_says_so(hands: Hands, tmp_path: Path):
    ended = hands.ran(hands.job("true", cwd=str(tmp_path / "gone")))
    assert ended.verdict == "failed"
    assert str(tmp_path / "gone") in ended.facts["error"]


def test_an_argument_with_a_nul_is_a_failure_and_no_crash(hands: Hands):
    ended = hands.ran(hands.job("echo", "a\0b"))
    assert ended.verdict == "failed"
    assert "null" in ended.facts["error"]


def test_an_argument_that_is_too_long_is_a_failure_and_no_crash(hands: Hands):
    ended = hands.ran(hands.job("true", "x" * 200_000))
    assert "E2BIG" in ended.facts["error"]


def test_the_program_is_looked_for_along_the_path_of_its_own_environment(hands: Hands, tmp_path: Path):
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    hands.ran(hands.job("only-here", env={"PATH": f"/nowhere:{tmp_path}"}))
    assert hands.log() == "found\n"


def test_a_prompt_is_read_to_its_end_and_then_ends(hands: Hands):
    hands.ran(hands.job("cat", stdin="Tell me –\n'\"$`;&|\n".encode()))
    assert hands.log() == "Tell me –\n'\"$`;&|\n"


def test_a_prompt_of_ten_megabytes_arrives_whole(hands: Hands):
    hands.ran(hands.job("wc", "-c", stdin=b"x" * 10_000_000))
    assert hands.log().strip() == "10000000"


def test_without_a_prompt_stdin_is_empty(hands: Hands):
    hands.ran(hands.shell("cat; echo end"))
    assert hands.log() == "end\n"


def test_stderr_goes_to_the_log_unless_it_has_one_of_its_own(hands: Hands):
    hands.ran(hands.shell("echo out; echo err >&2"), "together")
    hands.ran(hands.shell("echo out; echo err >&2", split=True), "apart")
    assert hands.log("together") == "out\nerr\n"
    assert hands.log("apart") == "out\n"
    assert (hands.paths.logs / "apart.log.err").read_text() == "err\n"


def test_what_is_private_is_private_under_any_umask(hands: Hands):
    for unit, umask in (("open", 0o000), ("shut", 0o777)):
        before = os.umask(umask)
        try:
            hands.drop()
            hands.ran(hands.job("cat", stdin=b"secret", split=True), unit)
        finally:
            os.umask(before)
        folder = hands.paths.attempt(unit, 1)
        assert folder.stat().st_mode & 0o777 == 0o700
        found = [*folder.iterdir(), hands.paths.logs / f"{unit}.log", hands.paths.logs / f"{unit}.log.err"]
        assert {path.name: path.stat().st_mode & 0o777 for path in found} == {
            path.name: 0o600 for path in found
        }


def test_a_task_has_the_umask_of_its_user(hands: Hands):
    before = os.umask(0o027)
    try:
        hands.ran(hands.shell("umask"))
    finally:
        os.umask(before)
    assert hands.log().strip().endswith("027")


C_LIBRARY = 0b11 << 31
"""Signals 32 and 33: glibc keeps them to itself, and ignores them in whatever posix_spawn starts."""


def dispositions(status: str) -> dict[str, int]:
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {name: int(found[name], 16) & ~C_LIBRARY for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd")}


CLEAN = {"SigBlk": 0, "SigIgn": 0, "SigCgt": 0, "SigPnd": 0}


def test_a_task_begins_with_every_signal_as_the_system_has_it(hands: Hands):
    hands.ran(hands.job("cat", "/proc/self/status"))
    assert dispositions(hands.log()) == CLEAN


def test_signals_that_the_supervisor_ignores_or_blocks_are_no_matter_to_a_task(hands: Hands):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        hands.ran(hands.job("cat", "/proc/self/status"))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
        signal.signal(signal.SIGHUP, before)
    assert dispositions(hands.log()) == CLEAN


OPEN = """
import os
for fd in range(1000):
    try: print(fd, os.readlink(f"/proc/self/fd/{fd}"))
    except OSError: pass
"""


def test_a_task_has_nothing_open_but_its_streams_and_its_lock(hands: Hands):
    stray = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(stray, True)
    try:
        hands.drop()
        hands.ran(hands.python(OPEN))
    finally:
        os.close(stray)
    log, lock = hands.paths.logs / "task.log", hands.paths.attempt("task", 1) / "tree.lock"
    found = [line.split(" ", 1) for line in hands.log().splitlines()]
    assert [what for _, what in found] == ["/dev/null", str(log), str(log), str(lock)]
    assert int(found[3][0]) > 9, "scripts use the small ones"


def test_a_task_is_told_which_attempt_it_is(hands: Hands):
    hands.ran(
        hands.shell("env | grep ^FSM_ | sort", env={"PATH": os.environ["PATH"], "FSM_SPRINT_RUN": "outer"})
    )
    assert hands.log().splitlines() == [
        "FSM_SPRINT_ATTEMPT=1",
        f"FSM_SPRINT_IDEMPOTENCY_KEY={hands.run}/task",
        f"FSM_SPRINT_RUN={hands.run}",
        "FSM_SPRINT_TASK=task",
    ]


def test_a_task_that_signals_its_own_group_does_not_reach_its_shim(hands: Hands):
    ended = hands.ran(hands.shell("kill -TERM 0; sleep 60"))
    assert (ended.verdict, ended.facts["signal"]) == ("killed", "SIGTERM")
    assert "why" not in ended.facts


def test_a_task_that_closes_all_it_has_open_still_ends_as_it_did(hands: Hands):
    ended = hands.ran(hands.python("import os; os.closerange(0, 1000); os._exit(7)"))
    assert ended.facts["code"] == 7


def test_a_task_that_deletes_where_it_works_still_ends_as_it_did(hands: Hands, tmp_path: Path):
    place = tmp_path / "work"
    place.mkdir()
    ended = hands.ran(hands.shell(f"rmdir {place}; exit 3", cwd=str(place)))
    assert ended.facts["code"] == 3


def test_a_task_that_deletes_its_attempt_still_ends_as_it_did(hands: Hands):
    ended = hands.ran(hands.shell(f"rm -rf {hands.paths.attempt('task', 1)}; exit 5"))
    assert (ended.outcome, ended.facts["code"]) == ("exit", 5)


def test_a_task_that_deletes_its_log_still_ends_as_it_did(hands: Hands):
    assert hands.ran(hands.shell(f"rm -r {hands.paths.logs}; exit 6")).facts["code"] == 6


def test_output_is_kept_byte_by_byte(hands: Hands):
    hands.ran(hands.python("import os; os.write(1, bytes(range(256)) * 400)"))
    assert (hands.paths.logs / "task.log").read_bytes() == bytes(range(256)) * 400


def test_nothing_runs_before_its_gate_opens(hands: Hands, tmp_path: Path):
    hands.spawn(hands.shell(f"touch {tmp_path}/ran"))
    hands.ready()
    hands.step(0.05, release=False)
    assert not (tmp_path / "ran").exists()
    hands.go()
    assert hands.ended().verdict == "ok"
    assert (tmp_path / "ran").exists()


def test_asking_twice_is_asking_once(hands: Hands):
    job = hands.shell("echo once")
    for _ in range(3):
        hands.spawn(job)
    hands.ready()
    for _ in range(3):
        hands.perform(Spawn("task", 1, "task", "logs/task.log"), Go("task", 1))
    hands.ended()
    assert hands.log() == "once\n"
    assert [type(event).__name__ for event in hands.seen] == ["Ready", "Ended"]


def test_a_directory_that_is_there_already_is_an_error(hands: Hands):
    hands.paths.attempt("task", 1).mkdir()
    with pytest.raises(SprintError, match="lost rows") as raised:
        hands.spawn(hands.shell("true"))
    assert "journal recover" in (raised.value.hint or "")


def test_attempts_have_directories_and_logs_of_their_own(hands: Hands):
    hands.ran(hands.shell("echo first; exit 1"))
    hands.ran(hands.shell("echo second"), attempt=2)
    assert hands.log() == "first\n"
    assert (hands.paths.logs / "task.2.log").read_text() == "second\n"


def test_several_are_prepared_at_once_and_run_side_by_side(hands: Hands):
    units = [f"unit-{number}" for number in range(50)]
    for number, unit in enumerate(units):
        hands.jobs[unit] = hands.shell(f"exit {number}")
    hands.perform(*(Spawn(unit, 1, unit, f"logs/{unit}.log") for unit in units))
    codes: dict[str, int] = {}
    while len(codes) < 50:
        codes |= {event.unit: event.facts["code"] for event in hands.step(5) if isinstance(event, Ended)}
    assert codes == {unit: number for number, unit in enumerate(units)}


def test_the_times_and_the_memory_of_a_task_are_told(hands: Hands):
    facts = hands.ran(
        hands.python("x = bytearray(40_000_000)\nfor i in range(300000): pass\nimport time; time.sleep(0.05)")
    ).facts
    assert facts["elapsed-ms"] >= 50
    assert facts["user-ms"] > 0
    assert facts["maxrss-kb"] > 40_000
