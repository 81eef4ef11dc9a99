"""An agent that does not mind TERM, holds its stdin and has a daemon: however its run ends, nothing of it is left.

All ends are brought about side by side, because each of them takes as long as TERM is given before KILL.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from fsm_sprint.executors import platform
from tests.agents.streams import OURS
from tests.e2e.sprints import Sandbox, wait_until
from tests.e2e.test_agents import sandbox
from tests.faults.judge import rows_of

pytestmark = [pytest.mark.process, pytest.mark.slow]

AGENT = """\
trap '' TERM INT HUP
exec 3<&0
setsid sh -c 'trap "" TERM INT HUP; : {mark}; while :; do sleep 9; done' &
cat <&3 >/dev/null
echo begin >>"$LEDGER"
until [ -e "$LEDGER.go" ]; do sleep 0.3; done
cat {stream}
exit {code}
"""
Run = subprocess.Popen[str]


class End(NamedTuple):
    """One way to end: what is done to the run once the agent has begun, and what is to come of it."""

    bring: Callable[[Sandbox, Run], object]
    code: int
    end: str
    exit: int = 0
    settings: Mapping[str, object] = MappingProxyType({})


def told(box: Sandbox, *triggers: str) -> list[str]:
    """The verdicts of the rows that moved the agent's task so, or how they moved it."""
    found = rows_of(box.directory / ".fsm-sprint" / "journal.db")
    return [
        row.facts.get("verdict", row.trigger)
        for row in found
        if row.unit == "ask" and row.trigger in triggers
    ]


def let_go(box: Sandbox, run: Run) -> None:
    Path(f"{box.ledger}.go").touch()


def interrupt(box: Sandbox, run: Run) -> None:
    run.send_signal(signal.SIGINT)
    wait_until(lambda: "paused" in box.run("status").stdout)
    run.send_signal(signal.SIGINT)


def stop(*words: str) -> Callable[[Sandbox, Run], object]:
    return lambda box, run: box.start("stop", *words)


def kill_and_run_again(box: Sandbox, run: Run) -> Run:
    run.kill()
    again = box.start("run")
    wait_until(lambda: told(box, "adopt") == ["adopt"])
    let_go(box, again)
    return again


ENDS = {
    "completed": End(let_go, 0, "succeed"),
    "failed": End(let_go, 1, "failed", exit=3),
    "over its budget": End(
        let_go, 12, "failed", exit=3, settings={"budget": {"attempts": 1}, "retry": {"max-attempts": 2}}
    ),
    "out of time": End(lambda box, run: None, 1, "timeout", settings={"timeout": 3}),
    "Ctrl-C, twice": End(interrupt, 130, "interrupted"),
    "stop": End(stop(), 10, "interrupted"),
    "stop --cancel": End(stop("--cancel"), 11, "cancel"),
    "kill -9, and run again": End(kill_and_run_again, 0, "succeed"),
}


def begun(folder: Path, end: End) -> tuple[Sandbox, Run]:
    """A run whose agent has begun."""
    stream = OURS / ("claude-silent.jsonl" if end.exit else "claude-tried-again.jsonl")
    script = AGENT.format(mark=folder, stream=stream, code=end.exit)
    folder.mkdir()
    box = sandbox(folder, script, **{"retry": {"max-attempts": 1}, **end.settings})
    return box, box.start("run")


def alive(folder: Path) -> list[int]:
    """Who is of this run, by what it inherited or by its command line."""
    mark = str(folder).encode()
    found = []
    for row in platform.processes():
        if row.dead:
            continue
        try:
            command = Path(f"/proc/{row.pid}/cmdline").read_bytes()
        except OSError:
            continue
        if mark in command or any(mark in line for line in platform.environment(row.pid)):
            found.append(row.pid)
    return found


def test_however_a_run_ends_nothing_of_its_agent_is_left(tmp_path: Path) -> None:
    runs = {name: (*begun(tmp_path / f"{at}", end), end) for at, (name, end) in enumerate(ENDS.items())}
    others: list[Run] = []
    for box, run, end in runs.values():
        wait_until(box.ledger.exists, 60)
        more = end.bring(box, run)
        others += [more] if isinstance(more, subprocess.Popen) else []
    for other in others:
        other.communicate(timeout=60)
    for name, (box, run, end) in runs.items():
        run.communicate(timeout=60)
        assert told(box, "succeed", "fail", "cancel") == [end.end], name
        assert name.startswith("kill") or run.returncode == end.code, name
    patience = time.monotonic() + 3
    while (left := alive(tmp_path)) and time.monotonic() < patience:
        time.sleep(0.05)
    assert left == []
