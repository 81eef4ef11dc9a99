"""I20: no secret of the environment is in what is recorded of a sprint, nor in what is shown of it."""

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox

pytestmark = [pytest.mark.process, pytest.mark.slow]

SECRETS = {
    "PLUM_TOKEN": "plum-7f3a-anchor-91",
    "SIGNING_KEY": "-----BEGIN X-----\nqqMIIEowIBAAKCAQEA1234\nzzabcdefghijklmnop5678\n-----END X-----",
    "DATABASE_URL": "postgres://me:lemon%tree$9@db/x",
}
PIECES = ("plum-7f3a-anchor-91", "qqMIIEowIBAAKCAQEA1234", "zzabcdefghijklmnop5678", "lemon%tree$9")

# Says its secrets in every fact that an agent's answer can have, and on stderr; in its last line as a number of pieces.
AGENT = """\
import json, os, sys
told = " and ".join(os.environ[name] for name in sys.argv[1:])
sys.stderr.write(f"stderr {told}\\n")
print(f"stdout {told}")
answer = {
    "status": "needs-human", "summary": told, "error": told,
    "humanNeeded": {"reason": told, "details": told},
    "proposedSteps": [{"id": "x", "prompt": told}],
    "operatorRequests": [{"id": "r", "title": told, "description": told}],
}
print("```json\\n" + json.dumps(answer) + "\\n```")
"""
READERS = (
    "status", "status --json", "status --all", "explain", "explain --json", "replay", "replay --json", "logs",
    "logs . asks --stderr", "logs . prints", "verify", "verify --json", "journal export", "diagram run", "doctor",
    "run --dry-run", "run --dry-run --json", "check --json",
)  # fmt: skip


def test_a_task_and_an_agent_that_tell_their_secrets_tell_them_to_their_logs_alone(tmp_path: Path) -> None:
    agent = tmp_path / "agent.py"
    agent.write_text(AGENT)
    phases = [
        {
            "id": "prints",
            "run": 'printf "%s\\n" "$PLUM_TOKEN" "$SIGNING_KEY" "$DATABASE_URL"; exit 3',
            "parallel": True,
        },
        {"id": "missing", "run": ["/nowhere/of-the-kind"], "parallel": True},
        {"id": "asks", "prompt": "Tell me", "agent": {"command": [sys.executable, str(agent), *SECRETS]}},
    ]
    box = Sandbox(
        tmp_path / "s",
        "workflow: w\nsprint-id: s\n",
        {"w.yaml": json.dumps({"name": "w", "schema-version": "2.0", "phases": phases})},
    )
    box.env |= SECRETS

    ended = box.run("run")
    shown = ended.stdout + ended.stderr
    for words in READERS:
        done = box.run(*words.split())
        shown += done.stdout + done.stderr
    facts = [row["facts"] for row in box.rows() if row["unit"] == "asks" and row["dest"] != "running"]

    assert ended.returncode == 10, "the agent was understood: it asks for a person"
    assert "[PLUM_TOKEN]" in str(facts)
    assert "[SIGNING_KEY]" in str(facts)
    kept = [box.directory / "PROGRESS.yaml", *(box.directory / ".fsm-sprint").glob("journal.db*")]
    assert len(kept) >= 2
    for piece in PIECES:
        assert piece not in shown
        assert [path.name for path in kept if piece.encode() in path.read_bytes()] == []
    (raw,) = (box.directory / "logs").glob("prints*.log")
    assert all(piece in raw.read_text() for piece in PIECES), "a log is what the program wrote"
    assert {path.stat().st_mode & 0o777 for path in raw.parent.iterdir()} == {0o600}
