"""`run`, `stop`, `init`, `compile`, `check`: what a person sees of them, and the codes that a script does."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox, wait_until

pytestmark = pytest.mark.process

SPRINT = "workflow: m\nsprint-id: s\ncollections: {x: [{prompt: p}]}\n"


def sandbox(tmp_path: Path, *phases: dict[str, object], sprint: str = SPRINT) -> Sandbox:
    workflow = {"name": "m", "schema-version": "2.0", "phases": list(phases)}
    return Sandbox(tmp_path / "s", sprint, {"m.yaml": workflow})


def started(box: Sandbox, name: str) -> None:
    wait_until((box.directory / "logs" / f"{name}.log").exists)


def test_a_sprint_made_by_init_checks_and_runs(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    made = tmp_path / "made"
    box.run("init", str(made), check=0)
    box.run("check", str(made), check=0)
    box.run("run", str(made), check=0)
    assert "id: first" in (made / "PROGRESS.yaml").read_text()
    assert stat.S_IMODE((made / ".fsm-sprint").stat().st_mode) == 0o700
    again = box.run("init", str(made), check=2)
    assert "exists already" in again.stderr


def test_phases_run_in_order_and_their_output_is_in_their_logs(tmp_path: Path) -> None:
    box = sandbox(
        tmp_path, {"id": "one", "run": "echo 1 | tee -a order"}, {"id": "two", "run": "echo 2 | tee -a order"}
    )
    box.run("run", check=0)
    assert (box.directory / "order").read_text() == "1\n2\n"
    assert (box.directory / "logs" / "two.log").read_text() == "2\n"


def test_a_failed_phase_blocks_the_sprint_and_the_next_run_retries_it(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "bad", "run": "test -e mended"}, {"id": "after", "run": "touch after"})
    first = box.run("run", check=1)
    assert "bad" in first.stderr
    assert not (box.directory / "after").exists()
    (box.directory / "mended").touch()
    box.run("run", check=0)
    assert (box.directory / "after").exists()
    assert "already" in box.run("run", check=0).stderr


def test_a_gate_that_never_passes_blocks_after_its_tries_and_starts_anew(tmp_path: Path) -> None:
    gate = {"script": "echo x >>gates; test -e good", "on-fail": {"prompt": "mend", "max-retries": 3}}
    agent = {"command": ["/bin/sh", "-c", "cat >>prompts"]}
    box = sandbox(tmp_path, {"id": "work", "prompt": "do it", "agent": agent, "gate": gate})
    box.run("run", check=1)
    assert (box.directory / "gates").read_text() == "x\n" * 3
    prompts = (box.directory / "prompts").read_text()
    assert prompts.count("mend") == 2
    assert "exit code 1" in prompts
    (box.directory / "good").touch()
    box.run("run", check=0)
    assert (box.directory / "gates").read_text() == "x\n" * 4
    assert (box.directory / "prompts").read_text().count("do it") == 1


def test_a_break_pauses_the_sprint_with_code_ten(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "true", "break": True}, {"id": "two", "run": "touch two"})
    box.run("run", check=10)
    assert not (box.directory / "two").exists()
    box.run("run", check=0)
    assert (box.directory / "two").exists()


def test_values_reach_the_shell_as_environment_and_are_never_executed(tmp_path: Path) -> None:
    evil = "$(touch owned); `touch owned`; touch owned"
    sprint = json.dumps({"workflow": "m", "collections": {"x": [{"id": "i", "prompt": evil}]}})
    phase = {"id": "say", "for-each": "x", "run": 'printf %s "$ITEM_PROMPT" >said'}
    box = sandbox(tmp_path, phase, sprint=sprint)
    box.run("run", check=0)
    assert (box.directory / "said").read_text() == evil
    assert not (box.directory / "owned").exists()


def test_a_prompt_of_ten_megabytes_arrives_whole_and_in_no_argv(tmp_path: Path) -> None:
    text = "a line of a long prompt\n" * 450_000
    agent = {"command": ["/bin/sh", "-c", "wc -c >size"]}
    box = sandbox(tmp_path, {"id": "big", "prompt": text, "agent": agent})
    box.run("run", check=0)
    assert int((box.directory / "size").read_text()) >= 10_000_000


def test_an_agent_that_is_not_installed_is_said_before_anything_starts(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "touch one"}, {"id": "two", "prompt": "work"})
    box.env["PATH"] = "/usr/bin:/bin"
    said = box.run("run", check=4)
    assert "claude" in said.stderr
    assert "hint:" in said.stderr
    assert not (box.directory / "one").exists()


def test_ctrl_c_lets_what_runs_finish_and_the_next_run_goes_on(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 0.5; touch one"}, {"id": "two", "run": "touch two"})
    process = box.start("run")
    started(box, "one")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert (box.directory / "one").exists()
    assert not (box.directory / "two").exists()
    box.run("run", check=0)
    assert (box.directory / "two").exists()


def test_ctrl_c_twice_stops_what_runs_and_it_runs_again(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "echo x >>tries; test -e go || sleep 60"})
    process = box.start("run")
    wait_until((box.directory / "tries").exists)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "paused" in box.run("status", check=0).stdout)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    (box.directory / "go").touch()
    box.run("run", check=0)
    assert (box.directory / "tries").read_text() == "x\nx\n"


def test_sigterm_stops_the_whole_tree_of_a_task_with_code_143(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 61 & echo $! >pid; wait"})
    process = box.start("run")
    wait_until(lambda: (box.directory / "pid").exists() and (box.directory / "pid").read_text() != "")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert not alive(int((box.directory / "pid").read_text()))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def test_stop_from_another_terminal_is_answered_and_pauses(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 60"}, {"id": "two", "run": "true"})
    process = box.start("run")
    started(box, "one")
    said = box.run("stop", check=0)
    assert "stopping 1" in said.stdout
    process.communicate(timeout=20)
    assert process.returncode == 10


def test_stop_reaps_what_a_killed_supervisor_left_running(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "echo $$ >pid; sleep 60"})
    process = box.start("run")
    wait_until(lambda: (box.directory / "pid").exists() and (box.directory / "pid").read_text() != "")
    process.kill()
    process.communicate()
    pid = int((box.directory / "pid").read_text())
    assert alive(pid)
    box.run("stop", check=0)
    assert not alive(pid)
    assert "paused" in box.run("status", check=0).stdout


def test_cancel_is_for_good(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 60"})
    process = box.start("run")
    started(box, "one")
    box.run("stop", "--cancel", check=0)
    process.communicate(timeout=20)
    assert process.returncode == 11
    assert "cancelled" in box.run("run", check=11).stderr
    box.run("run", "--new", "--dry-run", check=0)


def test_a_detached_run_outlives_its_terminal(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 0.3; touch one"})
    said = box.run("run", "--detach", check=0)
    assert "running as process" in said.stdout
    wait_until((box.directory / "one").exists)
    wait_until(lambda: "completed" in box.run("status", check=0).stdout)


def test_a_detached_run_that_cannot_start_says_why(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "prompt": "work"})
    box.env["PATH"] = "/usr/bin:/bin"
    said = box.run("run", "--detach", check=4)
    assert "claude" in said.stderr


def test_a_changed_sprint_file_does_not_change_a_run_in_flight(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "test -e mended"})
    box.run("run", check=1)
    path = box.directory / ".claude" / "workflows" / "m.yaml"
    path.write_text(path.read_text().replace("test -e mended", "touch changed"))
    (box.directory / "mended").touch()
    said = box.run("run", check=0)
    assert "changed since" in said.stderr
    assert not (box.directory / "changed").exists()
    box.run("run", "--new", check=0)
    assert (box.directory / "changed").exists()


def test_a_dry_run_shows_everything_and_runs_nothing(tmp_path: Path) -> None:
    agent = {"command": ["mender", "--fast"]}
    box = sandbox(
        tmp_path, {"id": "one", "run": "touch one"}, {"id": "two", "prompt": "do this", "agent": agent}
    )
    shown = json.loads(box.run("run", "--dry-run", "--json", check=0).stdout)
    assert [task["argv"] for task in shown["tasks"]] == [["/bin/sh", "-c", "touch one"], ["mender", "--fast"]]
    assert "## Your Task\ndo this\n" in shown["tasks"][1]["prompt"]
    assert shown["missing"]
    assert not (box.directory / "one").exists()
    assert not (box.directory / ".fsm-sprint").exists()


def test_errors_of_a_definition_are_all_shown_with_code_three(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "promt": "x"}, {"id": "one", "run": "{{item.id}}"})
    said = box.run("run", check=3)
    assert "promt" in said.stderr
    assert "did you mean" in said.stderr
    assert "^" in said.stderr
    document = json.loads(box.run("check", "--json", check=3).stdout)
    assert not document["valid"]
    assert len(document["diagnostics"]) >= 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere"], "no directory"),
        (["run", "/"], "no SPRINT.yaml"),
        (["rnu"], "No such command"),
        (["run", "--jbos", "3"], "No such option"),
        (["run", "-j", "0"], "0"),
        (["stop"], "nothing was ever run"),
    ],
)
def test_a_wrong_command_line_is_two_lines_and_code_two(tmp_path: Path, words: list[str], said: str) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "true"})
    assert said in box.run(*words, check=2).stderr


def test_compile_prints_what_a_run_begins_with(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "true"})
    assert "status: not-started" in box.run("compile", check=0).stdout
    box.run("compile", "-o", "out.yaml", check=0)
    assert "id: one" in (box.directory / "out.yaml").read_text()
    assert json.loads(box.run("compile", "--json", check=0).stdout)["version"] == 1


@pytest.mark.parametrize("code", [1, 125, 126, 127, 137, 255])
def test_the_code_of_a_task_is_kept_as_it_is(tmp_path: Path, code: int) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": f"exit {code}"})
    box.run("run", check=1)
    facts = next(row["facts"] for row in box.rows() if row["trigger"] == "fail")
    assert isinstance(facts, dict)
    assert facts["code"] == code


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["no-such-program"], "command not found"),
        (["/etc/hostname"], "cannot execute"),
        (["/"], "cannot execute"),
    ],
)
def test_a_command_that_cannot_start_says_why(tmp_path: Path, argv: list[str], said: str) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": argv})
    assert said in box.run("run", check=1).stderr


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_any_umask_will_do(tmp_path: Path, umask: int) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "umask >seen; chmod 644 seen"})
    before = os.umask(umask)
    try:
        process = box.start("run")
    finally:
        os.umask(before)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert int((box.directory / "seen").read_text(), 8) == umask
    assert stat.S_IMODE((box.directory / ".fsm-sprint" / "journal.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("missing", ["HOME", "LANG", "USER"])
def test_an_environment_without_a_variable_is_no_reason_to_fail(tmp_path: Path, missing: str) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "true"})
    box.env.pop(missing, None)
    box.run("run", check=0)


@pytest.mark.parametrize("name", ["with space", "new\nline", "quote'\"s", "-rf", "ünï", "x" * 200])
def test_any_name_of_a_directory_will_do(tmp_path: Path, name: str) -> None:
    box = sandbox(tmp_path / name, {"id": "one", "run": "true"})
    box.run("run", check=0)
    assert "completed" in box.run("status", check=0).stdout


def test_a_read_only_directory_is_an_error_of_the_environment(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "true"})
    if os.geteuid() == 0:
        (box.directory / ".fsm-sprint").symlink_to("/proc")
        box.run("run", check=4)
        return
    box.directory.chmod(0o500)
    box.run("run", check=4)


def two_in_one_tree(tmp_path: Path, first: str, second: str) -> tuple[Sandbox, Sandbox]:
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    slow = {"name": "m", "schema-version": "2.0", "phases": [{"id": "one", "run": "sleep 30"}]}
    quick = {"name": "m", "schema-version": "2.0", "phases": [{"id": "one", "run": "true"}]}
    return Sandbox(tree / "a", first, {"m.yaml": slow}), Sandbox(tree / "b", second, {"m.yaml": quick})


def test_a_second_sprint_in_the_same_work_tree_says_so(tmp_path: Path) -> None:
    first, second = two_in_one_tree(tmp_path, SPRINT, SPRINT)
    process = first.start("run")
    started(first, "one")
    assert f"{first.directory} (pid {process.pid}) works in" in second.run("run", check=0).stderr
    first.run("stop", check=0)
    process.communicate(timeout=20)


def test_a_sprint_that_wants_the_work_tree_for_itself_waits_for_nobody(tmp_path: Path) -> None:
    first, second = two_in_one_tree(tmp_path, SPRINT, f"{SPRINT}exclusive: true\n")
    process = first.start("run")
    started(first, "one")
    assert "wants it for itself" in second.run("run", check=6).stderr
    first.run("stop", check=0)
    process.communicate(timeout=20)
    second.run("run", check=0)


def test_what_is_skipped_is_left_out_and_the_line_goes_on(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "bad", "run": "false"}, {"id": "after", "run": "touch after"})
    box.run("run", check=1)
    assert "skipped bad" in box.run("skip", "bad", check=0).stdout
    box.run("run", check=0)
    assert (box.directory / "after").exists()


def test_skipping_opens_the_groups_that_failed_because_of_it(tmp_path: Path) -> None:
    sprint = "workflow: m\ncollections: {x: [{id: a, prompt: p}, {id: b, prompt: p}]}\n"
    phase = {"id": "each", "for-each": "x", "run": "test $ITEM_ID = b && touch b"}
    box = sandbox(tmp_path, phase, sprint=sprint)
    box.run("run", check=1)
    box.run("skip", "each/a", check=0)
    box.run("run", check=0)
    assert (box.directory / "b").exists()


def test_what_runs_is_not_skipped(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"id": "one", "run": "sleep 30"})
    process = box.start("run")
    started(box, "one")
    assert "still runs" in box.run("skip", "one", check=2).stdout
    box.run("stop", check=0)
    process.communicate(timeout=20)


def test_a_background_failure_that_blocks_can_be_skipped(tmp_path: Path) -> None:
    box = sandbox(
        tmp_path,
        {"id": "beside", "run": "false", "parallel": True},
        {"id": "sync", "wait-for-parallel": True, "on-parallel-failure": "block", "run": "touch synced"},
    )
    box.run("run", check=1)
    box.run("skip", "beside", check=0)
    box.run("run", check=0)
    assert (box.directory / "synced").exists()
