"""A supervisor to be killed: spawns one shell task, goes as far as it is told, says so, and then does nothing more.

`python -m tests.executors.supervisor DIRECTORY RUN STAGE TIMEOUT IDLE SCRIPT`; stages: spawned, ready, released.
"""

import json
import signal
import sys
from pathlib import Path

from fsm.effects import Spawn
from tests.executors.hands import Hands


def main(directory: str, run: str, stage: str, timeout: str, idle: str, script: str) -> None:
    hands = Hands(Path(directory), run)
    bounds = {"timeout": float(timeout) or None, "idle_timeout": float(idle) or None, "grace": 0.3}
    hands.jobs["task"] = hands.shell(script, **bounds)
    hands.perform(Spawn("task", 1, "task", "logs/task.log"))
    identity = {} if stage == "spawned" else hands.ready()
    if stage == "released":
        hands.go()
    print(json.dumps(identity), flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
