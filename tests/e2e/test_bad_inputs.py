"""Ids, prompts and files as nobody should write them: told by `check`, or run and recorded as they are."""

import json
import os
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox

ODD_IDS = [
    ".",
    "..",
    "../x",
    "/",
    "a/b",
    "con",
    "CON",
    "-rf",
    "--help",
    "$(touch pwned)",
    ";",
    "'",
    '"',
    "a b",
    "*",
    "~",
    "A",
    "a",
    "a#gate",
    "a.b",
    "e\u0301",
    "\u00e9",
    "\U0001f600",
    "{{item.id}}",
    "x" * 256,
]
REFUSED_IDS = ["", " ", "a\n", "\u202eevil", "a\0b", "\x1b[31m", "\ud800"]


def sprint_of(directory: Path, ids: list[str]) -> Sandbox:
    phases: list[dict[str, object]] = [{"id": one, "run": 'printf "%s" "$PHASE_ID"'} for one in ids]
    # JSON escapes keep what no text may hold for the reader of the file to judge.
    plan = json.dumps({"name": "w", "schema-version": "2.0", "phases": phases})
    return Sandbox(directory, "workflow: w\nsprint-id: ids\n", {"w.yaml": plan})


@pytest.mark.parametrize("bad", REFUSED_IDS)
def test_an_id_that_cannot_be_is_told_with_its_place(tmp_path: Path, bad: str) -> None:
    sprint = sprint_of(tmp_path / "s", ["fine", bad])
    for command in ("check", "run"):
        said = sprint.run(command, check=3).stderr
        assert "w.yaml:1:" in said
        assert "\x1b" not in said
    assert not list(sprint.directory.glob("logs/*.log"))


def test_ids_are_never_paths_options_or_commands(tmp_path: Path) -> None:
    sprint = sprint_of(tmp_path / "s", ODD_IDS)
    before = sorted(path.name for path in tmp_path.iterdir())
    sprint.run("run", check=0)
    ended = [str(row["unit"]) for row in sprint.rows() if row["trigger"] == "succeed"]
    assert len(set(ended)) == len(ODD_IDS)
    logs = {path.read_text(encoding="utf-8") for path in sprint.directory.glob("logs/*.log")}
    assert logs == set(ODD_IDS), "each has a log of its own, and knows its id"
    for place in (4, 9, -1):
        shown = sprint.run("logs", "--raw", "--", ".", ended[place], check=0).stdout
        assert shown == ODD_IDS[place]
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert sorted(path.name for path in sprint.directory.iterdir()) == [
        ".claude",
        ".fsm-sprint",
        "PROGRESS.yaml",
        "SPRINT.yaml",
        "logs",
    ]
    for command in (["status", "--all"], ["verify"], ["diagram", "run"]):
        sprint.run(*command, check=0)
    rebuilt = sprint.run("replay", "--rebuild", "-o", "-", check=0).stdout
    assert rebuilt == (sprint.directory / "PROGRESS.yaml").read_text(encoding="utf-8")


PROMPTS = {
    "one": "x",
    "longest-argument": "x" * 131_071,
    "too-long-for-an-argument": "x" * 131_072,
    "huge": "y" * 10_000_000,
    "shell": "'\"$\\`;&|$(touch pwned)`touch pwned`",
    "flag": "--flag",
    "several": "ünï\U0001f600\r\n\ttwo\u2028three",
}


def test_prompts_of_any_size_and_text_reach_an_agent_whole_and_a_command_as_environment(
    tmp_path: Path,
) -> None:
    sprint = Sandbox(
        tmp_path / "s",
        json.dumps(
            {
                "workflow": "w",
                "sprint-id": "prompts",
                "agent": {"command": ["tee", "/dev/null"]},
                "collections": {"i": [{"id": key, "prompt": text} for key, text in PROMPTS.items()]},
            },
            ensure_ascii=False,
        ),
        {
            "w.yaml": {
                "name": "w",
                "schema-version": "2.0",
                "phases": [
                    {"id": "ask", "for-each": "i", "prompt": "<<<{{item.prompt}}>>>"},
                    {"id": "say", "for-each": "i", "run": 'printf %s "$ITEM_PROMPT"'},
                ],
            }
        },
    )
    sprint.run("run", check=0)
    for key, text in PROMPTS.items():
        (asked,) = sprint.directory.glob(f"logs/ask.{key}.execute.log")
        assert f"<<<{text}>>>".encode() in asked.read_bytes()
        (said,) = sprint.directory.glob(f"logs/say.{key}.execute.log")
        assert said.read_bytes() == (text.encode() if len(text) < 100_000 else b"")
    assert not (sprint.directory / "pwned").exists()
    sprint.run("verify", check=0)


@pytest.mark.parametrize("prompt", ["", " ", None, 7, ["x"]])
def test_a_prompt_that_is_none_is_told(tmp_path: Path, prompt: object) -> None:
    sprint = Sandbox(
        tmp_path / "s",
        json.dumps({"workflow": "w", "collections": {"i": [{"id": "x", "prompt": prompt}]}}),
        {"w.yaml": {"name": "w", "schema-version": "2.0", "phases": [{"id": "a", "for-each": "i"}]}},
    )
    assert "SPRINT.yaml:1:" in sprint.run("check", check=3).stderr


WORKFLOW = "name: w\nphases:\n  - {id: a, run: 'true'}\n"
FILES: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "has to be a mapping"),
    "a list": ("- a\n", "has to be a mapping"),
    "unclosed": ("name: [w\n", "w.yaml:"),
    "deep": ("phases: " + "[" * 100_000, "nested more than"),
    "laughs": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "w.yaml:",
    ),
    "itself": ("a: &a [*a]\n", "inside of what it names"),
    "tagged": ("a: !!python/object/apply:os.system [id]\n", "w.yaml:"),
    "twice": (WORKFLOW + "name: again\n", "w.yaml:4:1"),
    "two documents": (WORKFLOW + "---\nb: 1\n", "more than one document"),
    "escape": ("name: '\x1b]52;c;eA==\x07'\n", "U+001B"),
    "utf-16": (b"\xff\xfe\x00a", "UTF-16"),
    "binary": (b"\x80\x81\xfe", "UTF-8"),
    "slips": ("name: w\nphases:\n  - {id: a, rnu: 'true'}\n  - {id: b, promt: x}\n", "did you mean `run`?"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_that_cannot_be_read_is_told_with_file_and_line(tmp_path: Path, name: str) -> None:
    content, told = FILES[name]
    sprint = Sandbox(tmp_path / "s", "workflow: w\n", {})
    path = sprint.directory / ".claude" / "workflows" / "w.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = sprint.run("check", check=3).stderr
    assert told in said
    assert "w.yaml" in said
    assert "\x1b" not in said
    found = json.loads(sprint.run("check", "--json", check=3).stdout)
    assert found["valid"] is False
    assert found["diagnostics"]


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "endless", "unreadable-link"])
def test_a_sprint_that_is_no_file_is_told_and_never_opened(tmp_path: Path, kind: str) -> None:
    sprint = Sandbox(tmp_path / "s", "", {"w.yaml": WORKFLOW})
    path = sprint.directory / "SPRINT.yaml"
    path.unlink()
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "endless":
            path.symlink_to("/dev/zero")
        case "unreadable-link":
            path.symlink_to(path)
    for command in (["check"], ["run"], ["status"]):
        done = sprint.run(*command)
        assert done.returncode in (0, 2, 3, 4)
        assert done.returncode or command == ["status"]
        assert command == ["status"] or "SPRINT.yaml" in done.stderr
