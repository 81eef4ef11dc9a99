"""Every way in which a command can end, be ended or make trouble: its true end is on record, and nothing of it is left.

Each command is a background task of one sprint, so that all of them run beside each other and none ends the run.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm_sprint.executors import platform
from tests.e2e.sprints import Sandbox, wait_until

# What is told: (verdict, code or name of the signal), or the verdict alone where there is neither.
End = tuple[str, int | str | None]
BROKEN = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS"}
HARMLESS = {"SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"}
STOPPING = {"SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"}

FILL = """
import os
try:
    while True:
        os.dup(1)
except OSError:
    os._exit(11)
"""

Case = tuple[Any, End, dict[str, object]]


def cases() -> Iterator[tuple[str, Case]]:
    for code in (0, 1, 2, 77, 125, 126, 127, 137, 255):
        yield f"exit-{code}", (f"exit {code}", ("ok" if code == 0 else "failed", code), {})
    for number in signal.Signals:
        name = number.name
        if number > 31:
            continue
        if name in STOPPING:
            yield name, (f"kill -{number} $$; exit 9", ("timeout", "SIGTERM"), {"timeout": 1})
        elif name in HARMLESS:
            yield name, (f"kill -{number} $$; exit 9", ("failed", 9), {})
        else:
            yield name, (f"kill -{number} $$; exit 9", ("crashed" if name in BROKEN else "killed", name), {})
    yield from TROUBLE.items()


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


def simple(run: Any, verdict: str, end: int | str | None, **settings: object) -> Case:
    return run, (verdict, end), settings


TROUBLE: dict[str, Case] = {
    "missing": simple(["/nonexistent/program"], "failed", 127),
    "not-on-path": simple(["no-such-program"], "failed", 127),
    "directory": simple(["/tmp"], "failed", 126),
    "not-executable": simple(["/etc/passwd"], "failed", 126),
    "no-format": simple(["./garbage"], "failed", 126),
    "no-interpreter": simple(["./headless"], "failed", 127),
    "no-folder": simple("true", "failed", 126, cwd="nowhere"),
    "ignores-term": simple("trap '' TERM; echo on; sleep 30 & wait; sleep 30", "timeout", "SIGKILL", timeout=1),
    "closes-everything": simple(
        "exec 0<&- 1>&- 2>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sleep 0.2; exit 5", "failed", 5
    ),
    "daemonises": simple("setsid sleep 8717 >/dev/null 2>&1 & exit 0", "ok", 0),
    "leaves-with-nohup": simple("nohup env -i sleep 8717 >/dev/null 2>&1 & exit 4", "failed", 4),
    "prints-bytes": simple("head -c 100000 /dev/urandom", "ok", 0),
    "prints-sequences": simple("printf '\\033]52;c;ZXZpbA==\\007\\033[2J\\033[31mred\\n'", "ok", 0),
    "prints-much": simple("head -c 5000000 /dev/zero", "ok", 0),
    "reads-stdin": simple("cat; read -r line; exit 6", "failed", 6),
    "deletes-its-folder": simple("mkdir gone; cd gone; rmdir ../gone; exit 7", "failed", 7),
    "deletes-its-attempt": simple("rm -rf .fsm-sprint/attempts/deletes-its-attempt*; exit 8", "failed", 8),
    "fills-its-descriptors": simple(["python3", "-c", FILL], "failed", 11),
    "kills-its-group": simple("kill -9 0; sleep 9", "killed", "SIGKILL"),
    "kills-its-guard": simple("kill -9 $PPID; sleep 8717", "lost", None),
    "ends-its-guard": simple("kill -TERM $PPID; sleep 8717", "killed", "SIGTERM"),
    "suspends-its-guard": simple("kill -STOP $PPID; (sleep 0.5; kill -CONT $PPID) & sleep 0.1; exit 3", "failed", 3),
}  # fmt: skip


def sprint_of(directory: Path, commands: dict[str, Case]) -> Sandbox:
    """All of them in the background of one sprint."""
    phases: list[dict[str, object]] = [
        {"id": name, "run": run, "parallel": True, **settings}
        for name, (run, _, settings) in commands.items()
    ]
    phases.append({"id": "over", "run": "echo over", "wait-for-parallel": True})
    plan = {"name": "w", "schema-version": "2.0", "phases": phases}
    return Sandbox(directory, "workflow: w\nsprint-id: deaths\n", {"w.yaml": plan})


def facts(row: dict[str, object]) -> dict[str, Any]:
    found = row["facts"]
    assert isinstance(found, dict)
    return found


def ends(sprint: Sandbox) -> dict[str, End]:
    """By unit, how the journal says that it ended."""
    found: dict[str, End] = {}
    for row in sprint.rows():
        if row["trigger"] in ("succeed", "fail") and row["machine"] == "task":
            told = facts(row)
            assert str(row["unit"]) not in found, "nothing ends twice"
            found[str(row["unit"])] = told.get("verdict", "ok"), told.get("signal", told.get("code"))
    return found


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_end_is_on_record_and_nothing_of_any_command_is_left(tmp_path: Path) -> None:
    commands = dict(cases())
    sprint = sprint_of(tmp_path / "s", commands)
    for name, content in (("garbage", b"\0\1\2\3"), ("headless", b"#!/no/such/interpreter\n")):
        (sprint.directory / name).write_bytes(content)
        (sprint.directory / name).chmod(0o755)

    sprint.run("run", "-j", "16", check=1)

    assert ends(sprint) == {**{name: end for name, (_, end, _) in commands.items()}, "over": ("ok", 0)}
    document = json.loads(sprint.run("replay", "--json", check=0).stdout)
    mark = f"FSM_SPRINT_RUN={document['run']}".encode()
    live = [row.pid for row in platform.processes() if not row.dead]
    assert [pid for pid in live if mark in platform.environment(pid) or b"8717" in command(pid)] == []
    sprint.run("verify", check=0)
    progress = (sprint.directory / "PROGRESS.yaml").read_text(encoding="utf-8")
    for _ in range(2):
        assert sprint.run("replay", "--rebuild", "-o", "-", check=0).stdout == progress
    assert sprint.run("status", "--exit-status").returncode == 1


def test_what_commands_print_is_kept_as_it_is_and_shown_harmless(tmp_path: Path) -> None:
    commands = {name: case for name, case in cases() if name.startswith("prints-")}
    sprint = sprint_of(tmp_path / "s", commands)
    sprint.run("run", check=0)
    assert sprint.run("logs", ".", "prints-sequences", check=0).stdout == "red\n"
    for name in commands:
        shown = sprint.run("logs", ".", name, check=0).stdout
        assert not any(char < " " and char not in "\n\t" for char in shown)
    (raw,) = sprint.directory.glob("logs/prints-bytes-*.log")
    assert raw.stat().st_size == 100_000


# Deaths of those who look after the commands


def waiting(directory: Path, code: int = 5) -> Sandbox:
    """A task that does not mind TERM and ends with `code` when it is told to, and one after it."""
    run = f"""trap '' TERM; echo begin >>"$LEDGER"; until [ -e "$LEDGER.go" ]; do sleep 0.02; done; exit {code}"""
    plan = {
        "name": "w",
        "schema-version": "2.0",
        "phases": [{"id": "long", "run": run}, {"id": "next", "run": "true"}],
    }
    return Sandbox(directory, "workflow: w\nsprint-id: s\n", {"w.yaml": plan})


def begun(sprint: Sandbox) -> "subprocess.Popen[str]":
    """A run that has got as far as its task."""
    run = sprint.start("run")
    wait_until(sprint.ledger.exists)
    return run


def test_a_killed_launcher_is_replaced_and_what_runs_goes_on(tmp_path: Path) -> None:
    sprint = waiting(tmp_path / "s")
    run = begun(sprint)
    (launcher,) = [row.pid for row in platform.processes() if row.parent == run.pid]
    os.kill(launcher, signal.SIGKILL)
    Path(f"{sprint.ledger}.go").touch()
    run.communicate(timeout=30)
    assert run.returncode == 1
    assert ends(sprint)["long"] == ("failed", 5)
    sprint.run("verify", check=0)


def test_a_shim_killed_while_nobody_looks_is_lost_and_its_task_does_not_outlive_it(tmp_path: Path) -> None:
    sprint = waiting(tmp_path / "s")
    run = begun(sprint)
    (shim,) = [
        facts(row)["pid"] for row in sprint.rows() if row["unit"] == "long" and row["trigger"] == "start"
    ]
    run.kill()
    run.communicate()
    os.kill(int(shim), signal.SIGKILL)
    sprint.run("run", check=1)
    assert ends(sprint)["long"] == ("lost", None)
    document = json.loads(sprint.run("replay", "--json", check=0).stdout)
    mark = f"FSM_SPRINT_RUN={document['run']}".encode()
    assert [
        row for row in platform.processes() if mark in platform.environment(row.pid) and not row.dead
    ] == []
    sprint.run("verify", check=0)


@pytest.mark.parametrize("interrupts", [1, 2, 3])
def test_ctrl_c_drains_then_stops_then_leaves_and_nothing_is_lost(tmp_path: Path, interrupts: int) -> None:
    sprint = waiting(tmp_path / "s", code=0)
    run = begun(sprint)
    for seen in ("paused", "stopping", "")[:interrupts]:
        run.send_signal(signal.SIGINT)
        if seen:
            wait_until(lambda: seen in sprint.run("status").stdout)  # noqa: B023
    if interrupts == 3:
        run.wait(timeout=20)
    Path(f"{sprint.ledger}.go").touch()
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130, said
    assert json.loads(sprint.run("status", "--json", check=0).stdout)["why"] == "Ctrl-C"
    sprint.run("run", check=0)
    assert ends(sprint) == {"long": ("ok", 0), "next": ("ok", 0)}
    assert sprint.entries() == [["begin"]], "it was never begun twice"
    sprint.run("verify", check=0)


def test_a_task_that_kills_the_supervisor_ends_as_if_it_had_not(tmp_path: Path) -> None:
    who = r"""$(sed 's/.*"pid": *\([0-9]*\).*/\1/' .fsm-sprint/lock)"""
    kill = f'kill -9 {who}; echo end >>"$LEDGER"; exit 5'
    plan = {"name": "w", "schema-version": "2.0", "phases": [{"id": "long", "run": kill}]}
    sprint = Sandbox(tmp_path / "s", "workflow: w\nsprint-id: s\n", {"w.yaml": plan})
    sprint.run("run", check=-signal.SIGKILL)
    sprint.run("run", check=1)
    assert sprint.entries() == [["end"]]
    assert ends(sprint)["long"] == ("failed", 5)
