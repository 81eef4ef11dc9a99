"""Pids that come back: runs in a pid namespace where the next pid can be chosen, as its first process.

`python -m tests.faults.reuse HOME ROUNDS TASKS`. In each round a supervisor is killed with tasks at work, then their
shims and children; strangers get the very pids that were recorded; and the next supervisor has to leave them alone,
whatever it is told to do. A stranger has every signal blocked, so that one that was sent stays to be seen.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.sprints import wait_until
from tests.faults.judge import rows_of
from tests.faults.plans import AGAIN, Generated, script
from tests.faults.processes import CHILD, LAUNCHER, SHIM, Victim
from tests.faults.stage import Stage, Violated

_NEXT = Path("/proc/sys/kernel/ns_last_pid")


def sprint(tasks: int) -> Generated:
    """So many at a time, which wait for a word, and are tried again for ever."""
    waits = script("do", 0).replace('echo "end', 'read word <"$LEDGER.word"; echo "end')
    part = {"name": "part", "schema-version": "2.0", "phases": [{"id": "do", "run": waits, "retry": AGAIN}]}
    main = {
        "name": "main",
        "schema-version": "2.0",
        "phases": [{"id": "all", "for-each": "item", "workflow": "part", "parallel": True}],
    }
    items = [{"id": f"i{number}", "prompt": "p"} for number in range(tasks)]
    return Generated(
        sprint={"workflow": "main", "sprint-id": "reuse", "collections": {"item": items}},
        workflows={"main.yaml": main, "part.yaml": part},
        seed=0,
    )


class Stranger:
    """A process under a given pid that has nothing to do with us, and notices every signal."""

    def __init__(self, pid: int) -> None:
        _NEXT.write_text(str(pid - 1))
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
                os.setsid()
                os.execve("/bin/sleep", ["sleep", "1000"], {})
            finally:
                os._exit(1)

    def molested(self) -> str:
        """What was done to it, '' for nothing."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if fields["State"].startswith("Z"):
            return f"{self.pid} was killed"
        pending = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
        return f"{self.pid} was sent signals {pending:x}" if pending else ""

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def reap() -> None:
    """We are the first process here, so whoever loses his parent is ours."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def recorded(stage: Stage) -> Iterator[int]:
    """The pids that the journal names, of shims, tasks and supervisors."""
    for row in rows_of(stage.journal):
        if row.trigger in ("start", "report", "lease") and "pid" in row.facts:
            yield int(str(row.facts["pid"]))


def campaign(home: Path, rounds: int, tasks: int) -> dict[str, int]:
    """So many rounds; what was done. Violated when a stranger was touched."""
    done = {"adoptions": 0, "strangers": 0, "lost": 0}
    stage = Stage(home, sprint(tasks))
    os.mkfifo(f"{stage.ledger}.word")
    dice = random.Random("reuse")
    stage.write()
    begun = 0
    process = stage.start("run", "-j", str(tasks))
    for number in range(rounds):
        alive = len(stage.victims(SHIM))
        wait_until(lambda: len(stage.victims(SHIM)) == tasks and count(stage) >= begun + tasks - alive, 60)  # noqa: B023
        shims = stage.victims(SHIM)
        known = set(recorded(stage)) | {victim.pid for victim in stage.victims()}
        process.kill()
        process.wait()
        wait_until(lambda: not stage.victims(LAUNCHER))
        reap()
        begun = count(stage)
        # Half of them go on and are adopted; of the others everything dies, and their pids are given away.
        dice.shuffle(shims)
        kept = shims[: tasks // 2]
        for victim in shims[tasks // 2 :]:
            if not stage.kill(victim):
                raise Violated(f"{victim} ended by itself")
        kept_units = attempts(stage, kept)
        for victim in stage.victims(CHILD):
            if victim.attempt not in kept_units:
                stage.kill(victim)
        wait_until(lambda: not [one for one in stage.victims(CHILD) if one.attempt not in kept_units])  # noqa: B023
        reap()
        strangers = [Stranger(pid) for pid in sorted(known) if not Path(f"/proc/{pid}").exists()]
        missed = [one.pid for one in strangers if one.pid not in known]
        if len(missed) > len(strangers) // 4:
            raise Violated(f"the pids could not be had: {missed}")
        if number % 3 == 2:
            stage.harm.stopped = True
            stage.run("stop")
        process = stage.start("run", "-j", str(tasks))
        wait_until(lambda: len(stage.victims(SHIM)) == tasks, 60)
        reap_only_strays(strangers, process.pid)
        touched = [found for one in strangers if (found := one.molested())]
        for one in strangers:
            one.end()
        if touched:
            raise Violated(f"round {number}: {touched}")
        stage.judge()
        done["adoptions"] += len(kept) if number % 3 != 2 else 0
        done["strangers"] += len(strangers)
    word = os.open(f"{stage.ledger}.word", os.O_RDWR)
    os.write(word, b"\n" * 4 * tasks)
    if process.wait(timeout=60) != 0:
        raise Violated(stage.said())
    stage.judge_end()
    done["lost"] = sum(row.facts.get("verdict") == "lost" for row in rows_of(stage.journal))
    return done


def reap_only_strays(strangers: list[Stranger], supervisor: int) -> None:
    """Collects what has ended here but whose end is somebody's to see."""
    theirs = {one.pid for one in strangers} | {supervisor}
    for entry in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        if int(entry) not in theirs:
            os.waitpid(int(entry), os.WNOHANG)


def attempts(stage: Stage, shims: list[Victim]) -> set[str]:
    """`<unit> <number>` of what these shims guard."""
    names = {
        f"{row.facts['name']}.{row.attempt}": f"{row.unit} {row.attempt}"
        for row in rows_of(stage.journal)
        if row.trigger == "spawn"
    }
    return {names[victim.attempt] for victim in shims}


def count(stage: Stage) -> int:
    return stage.ledger.read_text().count("begin") if stage.ledger.exists() else 0


if __name__ == "__main__":
    began = time.monotonic()
    figures = campaign(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(figures | {"seconds": round(time.monotonic() - began)}))
