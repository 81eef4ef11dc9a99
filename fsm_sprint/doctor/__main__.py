"""`python -m fsm_sprint.doctor [SPRINT]`: for installations so broken that the command line does not start."""

import sys
from pathlib import Path

from fsm_sprint.doctor.examination import count, examine, page
from fsm_sprint.doctor.finding import Mark
from fsm_sprint.paths import SprintPaths

found = examine(SprintPaths(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
sys.stdout.write("".join(f"{line}\n" for line in page(found)))
sys.exit(4 if count(found, Mark.BAD) else 0)
