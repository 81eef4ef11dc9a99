"""What tasks leave behind: jobs, daemons, whatever clears its environment, ignores TERM or forks away. Nothing stays.

Those who flee are known by a number in their command line, because they may have no environment of ours any more.
"""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults.campaign import Campaign
from tests.faults.judge import rows_of
from tests.faults.plans import Generated
from tests.faults.processes import SHIM
from tests.faults.stage import Stage, Violated

pytestmark = [pytest.mark.faults, pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(1800)]

WAYS = {
    "job": "{} &",
    "daemon": "(setsid {} &)",
    "bare": "env -i setsid {} &",
    "nohup": "nohup setsid {} >/dev/null 2>&1 &",
}
STAY = "sh -c ': TOKEN; exec sleep 1000'"
IGNORE = "sh -c 'trap \"\" TERM HUP INT; : TOKEN; while :; do sleep 0.05; done'"
# A fork and an end every few milliseconds, two hundred times: whoever looks it up meets the one that was before.
DODGE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(200):
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.004)
time.sleep(1000)
"""
BOMB = 'i=0; while [ $i -lt 200 ]; do (trap "" TERM; setsid sh -c ": TOKEN; exec sleep 1000" &); i=$((i+1)); done'
KINDS = {
    **{f"{way}": text.format(STAY) for way, text in WAYS.items()},
    **{f"{way}-ignores": text.format(IGNORE) for way, text in WAYS.items()},
    "dodges": f"python3 -I -S -c {shlex.quote(DODGE)} TOKEN &",
    "bomb": BOMB,
}
ENDS = ("ends", "timeout", "stop", "shim killed", "all killed")
VERDICTS = {
    "ends": None,
    "timeout": "timeout",
    "stop": "interrupted",
    "shim killed": "lost",
    "all killed": "lost",
}


def sprint(token: str, end: str) -> Generated:
    """All kinds side by side; each waits when it has let go, unless it is to end by itself."""
    wait = "exit 0" if end == "ends" else "sleep 1000"
    phases: list[dict[str, object]] = []
    for name, text in KINDS.items():
        run = f'{text}\necho "begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT" >>"$LEDGER"; {wait}'
        phase: dict[str, object] = {"id": name, "run": run.replace("TOKEN", token), "parallel": True}
        phases.append(phase | ({"timeout": 2} if end == "timeout" else {}))
    workflow = {"name": "w", "schema-version": "2.0", "phases": phases}
    return Generated(sprint={"workflow": "w", "sprint-id": "flight"}, workflows={"w.yaml": workflow}, seed=0)


def fled(token: str) -> list[int]:
    """Who has the number in his command line, the dead excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if token.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_nothing_that_a_task_has_started_outlives_it(tmp_path: Path, campaign: Campaign) -> None:
    for number in range(campaign.pick(1, 2, 10)):
        for end in campaign.share(ENDS, str, quick=3, normal=1):
            flight(tmp_path / f"{number} {end}", end)
            campaign.ran(f"escapes: {end}", len(KINDS))


def flight(home: Path, end: str) -> None:
    token = f"{time.time_ns()}"
    stage = Stage(home, sprint(token, end))
    try:
        stage.write()
        process = stage.start("run", "-j", "32")
        wait_until(
            lambda: stage.ledger.exists() and stage.ledger.read_text().count("begin") == len(KINDS), 60
        )
        if end == "all killed":
            process.kill()
            process.wait()
        if end.endswith("killed"):
            for victim in stage.victims(SHIM):
                stage.kill(victim)
        if end in ("stop", "all killed"):
            # Also with no supervisor there, it is `stop` that reaps what was left.
            stage.run("stop")
        stage.ended(process, ("run",), (0, 1, 10, -9))
        left = gone(token)
        if left:
            raise Violated(f"{end}: {len(left)} outlived their task: {commands(left)}")
        verdicts = {
            row.unit: row.facts.get("verdict")
            for row in rows_of(stage.journal)
            if row.trigger in ("succeed", "fail", "cancel")
        }
        assert verdicts == dict.fromkeys(KINDS, VERDICTS[end]), end
    finally:
        for pid in fled(token):
            os.kill(pid, signal.SIGKILL)  # a second or so old, and known by a number that nobody else has
        stage.clear()


def gone(token: str, patience: float = 3.0) -> list[int]:
    """Who is still there after a moment for what is just dying."""
    end = time.monotonic() + patience
    while (left := fled(token)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def commands(pids: list[int]) -> list[str]:
    found = []
    for pid in pids[:5]:
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:90])
        except OSError:
            continue
    return found
