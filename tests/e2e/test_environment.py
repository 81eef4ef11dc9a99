"""Where a sprint runs: directories that vanish, are copied, moved or cannot be written; odd names; limits."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox, wait_until

LONG = 'echo "begin $FSM_SPRINT_TASK" >>"$LEDGER"; {}; echo "end $FSM_SPRINT_TASK" >>"$LEDGER"'


def sandbox(directory: Path, *runs: str) -> Sandbox:
    """A sprint of shell phases `p0`, `p1`, …"""
    phases = [{"id": f"p{n}", "run": run} for n, run in enumerate(runs)]
    return Sandbox(
        directory,
        "workflow: w\nsprint-id: s\n",
        {"w.yaml": {"name": "w", "schema-version": "2.0", "phases": phases}},
    )


def rescued(home: Path) -> list[Path]:
    return list((home / ".local" / "state" / "fsm-sprint" / "rescue").glob("*.db"))


@pytest.mark.parametrize(
    "harm",
    [
        "rm -rf .fsm-sprint",
        "rm -rf .fsm-sprint logs PROGRESS.yaml",
        "rm .fsm-sprint/lock",
        "rm .fsm-sprint/journal.db*",
        "cp .fsm-sprint/journal.db x && mv x .fsm-sprint/journal.db",
        'rm -rf "$PWD"',
    ],
)
def test_a_journal_that_is_taken_away_is_rescued_at_once_though_the_run_only_waits(
    tmp_path: Path, harm: str
) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format(f"{harm}; sleep 3"), LONG.format("true"))
    done = sprint.run("run", check=5)
    assert "error: " in done.stderr
    (saved,) = rescued(tmp_path / "home")
    assert str(saved) in done.stderr
    assert [words[0] for words in sprint.entries()] == ["begin"], "it was noticed before the task had ended"
    assert "p0 still runs" in done.stderr
    sprint.directory.mkdir(exist_ok=True)
    told = sprint.run("verify", str(saved), check=0)
    assert "whole" in told.stdout


def test_attempts_of_a_journal_that_is_gone_are_not_mixed_with_a_new_one(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format('until [ -e "$LEDGER.go" ]; do sleep 0.05; done'))
    killed = sprint.start("run")
    wait_until(sprint.ledger.exists)
    killed.kill()
    killed.communicate()
    for file in sprint.directory.glob(".fsm-sprint/journal.db*"):
        file.unlink()
    refused = sprint.run("run", check=5).stderr
    assert "still running: p0.1" in refused
    assert "hint: " in refused
    Path(f"{sprint.ledger}.go").touch()
    wait_until(lambda: "still running" not in sprint.run("run", check=5).stderr)
    shutil.rmtree(sprint.directory / ".fsm-sprint")
    sprint.run("run", check=0)
    assert [words[0] for words in sprint.entries()] == ["begin", "end"] * 2


def test_logs_that_are_cleaned_up_under_a_run_are_no_reason_to_end_it(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", "rm -rf logs PROGRESS.yaml; exit 0", "echo here")
    sprint.run("run", check=0)
    assert sprint.run("logs", ".", "p1", check=0).stdout == "here\n"
    sprint.run("verify", check=0)


def masked(mask: int) -> Callable[[], None]:
    return lambda: (os.umask(mask), None)[1]


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_whatever_the_umask_is_files_are_private_and_their_owner_can_use_them(
    tmp_path: Path, mask: int
) -> None:
    sprint = sandbox(tmp_path / "s", "umask")
    for words in (["run"], ["run", "--new"], ["stop"]):
        subprocess.run(
            sprint.command(*words),
            cwd=sprint.directory,
            env=sprint.env,
            preexec_fn=masked(mask),  # no thread runs here
            capture_output=True,
            timeout=60,
            check=words != ["stop"],
        )
    assert sprint.run("logs", ".", "p0", check=0).stdout == f"{mask:04o}\n"
    state = sprint.directory / ".fsm-sprint"
    modes = {path.name: path.stat().st_mode & 0o777 for path in state.iterdir() if path.is_file()}
    assert set(modes.values()) == {0o600}, modes
    assert {path.stat().st_mode & 0o777 for path in state.iterdir() if path.is_dir()} == {0o700}
    assert (sprint.directory / "PROGRESS.yaml").stat().st_mode & 0o600 == 0o600


@pytest.mark.parametrize(
    "name",
    ["new\nline", "quo'te \"$(id)", "-rf", "~ünïcödé{a}", "a\x1b]52;c;x\x07b"],
)
def test_any_directory_will_do_and_the_advice_can_be_typed(tmp_path: Path, name: str) -> None:
    sprint = sandbox(tmp_path / name / name, "pwd", "true")
    parent = sprint.directory.parent
    done = subprocess.run(
        sprint.command("run", "--", name),
        cwd=parent,
        env=sprint.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    advice = done.stderr[done.stderr.index("next:") + 5 :].strip().rpartition("  ")[0]
    if "\x1b" in name:
        assert "\x1b" not in done.stderr
        return
    fsm_sprint = " ".join(map(str, sprint.command()))
    told = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'fsm-sprint() {{ {fsm_sprint} "$@"; }}\n{advice}'.replace("fsm-sprint", "fsm_sprint_"),
        ],
        cwd=parent,
        env=sprint.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "2 of 2 tasks done" in told.stdout


def test_a_copy_is_refused_until_it_is_asked_for_and_then_loses_what_ran(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format('until [ -e "$LEDGER.go" ]; do sleep 0.05; done'))
    original = sprint.start("run")
    wait_until(sprint.ledger.exists)
    copy = tmp_path / "copy"
    shutil.copytree(sprint.directory, copy)
    assert "this is a copy" in sprint.run("status", str(copy), check=0).stdout
    refused = sprint.run("run", str(copy), check=4)
    assert "this is a copy" in refused.stderr
    assert "--copy" in refused.stderr
    Path(f"{sprint.ledger}.go").touch()
    _, said = original.communicate(timeout=30)
    assert original.returncode == 0, said
    again = sprint.run("run", "--copy", str(copy), check=0).stderr
    assert "s is blocked" not in again, "it goes on, so it is not said to have ended"
    assert again.count("next:") == 1
    assert sprint.run("replay", str(copy), check=0).stdout.count("when this directory was copied") == 2
    for place in (sprint.directory, copy):
        sprint.run("verify", str(place), check=0)


def test_a_moved_sprint_goes_on_with_what_runs(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format('until [ -e "$LEDGER.go" ]; do sleep 0.05; done'), "pwd")
    killed = sprint.start("run")
    wait_until(sprint.ledger.exists)
    killed.kill()
    killed.communicate()
    moved = tmp_path / "moved"
    sprint.directory.rename(moved)
    sprint.directory = moved
    Path(f"{sprint.ledger}.go").touch()
    sprint.run("run", check=0)
    assert [words[0] for words in sprint.entries()] == ["begin", "end"]
    assert sprint.run("logs", ".", "p1").stdout == f"{moved}\n"
    sprint.run("verify", check=0)


@pytest.mark.parametrize("files", [10, 16, 20, 40])
def test_few_descriptors_are_an_error_with_a_hint_or_enough(tmp_path: Path, files: int) -> None:
    sprint = sandbox(tmp_path / "s", "ulimit -n")
    done = subprocess.run(
        sprint.command("run"),
        cwd=sprint.directory,
        env=sprint.env,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert (done.returncode, "ulimit -n" in done.stderr) == (4, True), done.stderr
        sprint.run("run", check=0)
    else:
        assert sprint.run("logs", ".", "p0").stdout == f"{files}\n"
    sprint.run("verify", check=0)


def test_a_path_that_is_too_long_for_the_journal_is_said_to_be(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 200] * 3)
    sprint = sandbox(deep, "true")
    done = sprint.run("run", check=4)
    assert "its path is too long" in done.stderr


@pytest.mark.parametrize(
    "environment", [{}, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}, {"HOME": "/nowhere"}]
)
def test_hardly_any_environment_is_enough(tmp_path: Path, environment: dict[str, str]) -> None:
    sprint = sandbox(tmp_path / "s", "printf 'm\\303\\266p\\n'", "true")
    sprint.env = {"PYTHONPATH": sprint.env["PYTHONPATH"], **environment}
    sprint.run("run", check=0)
    for words in (["status"], ["logs", ".", "p0"], ["verify"]):
        sprint.run(*words, check=0)


def test_eight_at_once_are_one_winner_and_seven_who_say_so(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format("sleep 1"))
    all_of_them = [sprint.start("run") for _ in range(8)]
    codes = []
    for one in all_of_them:
        _, said = one.communicate(timeout=60)
        codes.append(one.returncode)
        assert one.returncode == 0 or "another supervisor" in said or "already" in said
    assert set(codes) <= {0, 6}
    assert [words[0] for words in sprint.entries()] == ["begin", "end"]
    sprint.run("verify", check=0)


def test_a_hang_up_ends_nothing(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format("sleep 0.5"), "true")
    run = sprint.start("run")
    wait_until(sprint.ledger.exists)
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=30)
    assert run.returncode == 0
    assert [words[0] for words in sprint.entries()] == ["begin", "end"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_nobody_to_talk_to_and_no_place_for_files(
    tmp_path: Path, closed: str
) -> None:
    sprint = sandbox(tmp_path / "s", "true", "echo out; echo err >&2")
    command = " ".join(sprint.command())
    for words in ("run", "status", "logs . p1", "verify"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec {command} {words} {closed}"],
            cwd=sprint.directory,
            env=sprint.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stderr)
    assert sprint.run("logs", ".", "p1", check=0).stdout == "out\nerr\n"
    assert (sprint.directory / ".fsm-sprint" / "lock").read_text() == ""


@pytest.mark.parametrize("words", ["status", "replay", "--help", "logs . p0"])
def test_a_full_disk_for_the_output_is_one_error_and_its_code(tmp_path: Path, words: str) -> None:
    sprint = sandbox(tmp_path / "s", "echo out")
    sprint.run("run", check=0)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            sprint.command(*words.split()),
            cwd=sprint.directory,
            env=sprint.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert "ignored" not in done.stderr


def test_a_detached_run_that_cannot_begin_says_why_with_its_own_code(tmp_path: Path) -> None:
    sprint = sandbox(tmp_path / "s", LONG.format('until [ -e "$LEDGER.go" ]; do sleep 0.05; done'))
    sprint.run("run", "--detach", check=0)
    wait_until(sprint.ledger.exists)
    held = sprint.run("run", "--detach", check=6).stderr
    assert held.startswith("error: another supervisor runs this sprint")
    copy = tmp_path / "copy"
    shutil.copytree(sprint.directory, copy)
    assert "error: this is a copy" in sprint.run("run", "--detach", str(copy), check=4).stderr
    Path(f"{sprint.ledger}.go").touch()
    wait_until(lambda: sprint.run("status", "--exit-status").returncode == 0)
    assert [words[0] for words in sprint.entries()] == ["begin", "end"]


def test_what_ran_in_a_copied_sprint_can_be_given_up_there(tmp_path: Path) -> None:
    plan = {"name": "m", "schema-version": "2.0", "phases": [{"id": "long", "run": "sleep 30"}]}
    sprint = Sandbox(tmp_path / "s", "workflow: m\nsprint-id: s\n", {"m.yaml": plan})
    process = sprint.start("run")
    wait_until((sprint.directory / "logs" / "long.log").exists)
    copy = tmp_path / "copy"
    shutil.copytree(sprint.directory, copy)
    sprint.run("stop", "--cancel", str(copy), check=0)
    assert process.poll() is None
    sprint.run("stop", check=0)
    process.communicate(timeout=20)
