"""Whoever reads PROGRESS.yaml or asks for the status, whatever dies meanwhile, gets a whole answer and no older one."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults.campaign import Campaign
from tests.faults.plans import Generated, script
from tests.faults.stage import ROOT, Stage

pytestmark = [pytest.mark.faults, pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(3600)]

READER = """
import json, sys
from io import BytesIO
from pathlib import Path
from journal import heading
path, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads = torn = back = missing = last = 0
seen = set()
while reads % 64 or not stop.exists():
    reads += 1
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        missing += 1
        continue
    found = heading.read(BytesIO(content))
    if found is None or not heading.intact(BytesIO(content)) or not content.endswith(b"\\n"):
        torn += 1
        continue
    back += found.seq < last
    last = max(last, found.seq)
    seen.add(found.seq)
print(json.dumps({"reads": reads, "torn": torn, "back": back, "missing": missing, "versions": len(seen)}))
"""


def busy(tasks: int) -> Generated:
    """Many short tasks, and a PROGRESS.yaml that takes more than one write."""
    part = {"name": "part", "schema-version": "2.0", "phases": [{"id": "do", "run": script("do", 0.02)}]}
    main = {
        "name": "main",
        "schema-version": "2.0",
        "phases": [{"id": "all", "for-each": "item", "workflow": "part", "parallel": True}],
    }
    items = [{"id": f"i{n}", "prompt": "a long prompt " * 20} for n in range(tasks)]
    sprint: dict[str, object] = {"workflow": "main", "sprint-id": "busy", "collections": {"item": items}}
    return Generated(sprint=sprint, workflows={"main.yaml": main, "part.yaml": part}, seed=0)


def test_no_reader_ever_sees_half_a_file_or_goes_back_in_time(tmp_path: Path, campaign: Campaign) -> None:
    wanted, seconds = campaign.pick((2_000, 6.0), (100_000, 60.0), (1_000_000, 900.0))
    dice = random.Random("readers")
    reads = asked = number = 0
    end = time.monotonic() + seconds
    while reads < wanted and time.monotonic() < end:
        stage = Stage(tmp_path / str(number), busy(campaign.pick(40, 150, 300)))
        number += 1
        try:
            stage.write()
            process = stage.start("run", "-j", "3")
            progress, stop = stage.directory / "PROGRESS.yaml", stage.home / "stop"
            wait_until(progress.exists)
            readers = [
                subprocess.Popen(
                    [sys.executable, "-c", READER, str(progress), str(stop)],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for _ in range(2)
            ]
            last = 0
            while True:
                asked += 1
                done = subprocess.run(
                    stage.command("status", "--json"),
                    cwd=stage.directory,
                    env=stage.environment,
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, done.stderr
                seq = json.loads(done.stdout)["head"]["seq"]
                assert seq >= last, "a status that went back in time"
                last = seq
                if process.poll() is not None:
                    if process.returncode == 0:
                        break
                    process = stage.start("run", "-j", "3")
                elif dice.random() < 0.25:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
            stop.touch()
            told = [json.loads(reader.communicate(timeout=30)[0]) for reader in readers]
            for one in told:
                assert (one["torn"], one["back"], one["missing"]) == (0, 0, 0), one
                assert one["versions"] > 1, one
                reads += one["reads"]
            stage.judge_end()
        finally:
            stage.clear()
    campaign.ran("reads of PROGRESS.yaml", reads)
    campaign.ran("answers of status", asked)
    campaign.skipped("reads: out of time", max(0, wanted - reads))
