"""A journal in which something makes no sense: every reading command says so, and none breaks."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fsm.transition import SPRINT_UNIT
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

COMMANDS = [
    ["status"],
    ["status", "--all", "--json"],
    ["logs"],
    ["logs", "b"],
    ["logs", "b", "--attempt", "1"],
    ["replay"],
    ["replay", "--json"],
    ["replay", "--at", "2024-01-18T12:00:03Z"],
    ["replay", "--rebuild", "-o", "-"],
    ["verify"],
    ["diagram", "run"],
    ["doctor"],
]

DAMAGE = [
    "UPDATE transitions SET facts = '{\"a' WHERE seq > 3",
    "UPDATE transitions SET facts = '[1]'",
    "UPDATE transitions SET facts = x'ff00' WHERE seq = 5",
    'UPDATE transitions SET facts = \'{"until": "soon", "elapsed-ms": [], "log": 7, "failed": 3}\'',
    "UPDATE transitions SET at = 'noon'",
    "UPDATE transitions SET at = 99999999999999999",
    "UPDATE transitions SET unit = 'nobody', \"trigger\" = 'teleport' WHERE seq = 6",
    "UPDATE transitions SET unit = x'80' WHERE seq = 6",
    "UPDATE transitions SET attempt = 'first'",
    "UPDATE transitions SET run = 'other' WHERE seq > 4",
    "DELETE FROM transitions WHERE seq < 5",
    "DELETE FROM transitions",
    "UPDATE units SET state = 'asleep'",
    "UPDATE units SET since = 'noon', seq = 'many'",
    "DELETE FROM units",
    "DROP TABLE units",
    "DROP TABLE totals",
    "UPDATE texts SET text = '{}'",
    "UPDATE texts SET text = '[' || text",
    "DELETE FROM texts",
]


@pytest.mark.parametrize("statement", DAMAGE)
def test_no_damage_breaks_a_reading_command(home: Path, fsm_sprint: Command, statement: str) -> None:
    with Scene(home, leaf("a"), leaf("b"), leaf("c")).begin() as scene:
        for name in "ab":
            scene.spawn(name, f"{name}!\n")
        scene.fail("b")
        scene.move("b", "delay", {"delay": 1, "until": scene.at, "why": "back-off", "after": "failed"})
        scene.fail("a")
        scene.move(SPRINT_UNIT, "block", {"unit": "a", "why": "exit code 3"})
    with closing(sqlite3.connect(scene.paths.journal, isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    codes = {}
    for words in COMMANDS:
        done = fsm_sprint(*words, check=None)
        codes[" ".join(words)] = done.code
        if done.code:
            assert "error: " in done.err or words[0] in ("verify", "doctor"), (words, done)

    assert codes["verify"] == 5
    assert set(codes.values()) <= {0, 2, 4, 5}, codes
