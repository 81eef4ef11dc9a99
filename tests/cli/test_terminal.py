"""Nothing that a sprint, an agent or a program says has power over the terminal on which it is shown."""

import io
import json
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fsm.transition import SPRINT_UNIT
from fsm_sprint.report.document import Tamed, printed
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

POWER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What is never printed, but by our own colours, which nobody has asked for here. Tabs and line breaks may."""
EVIL = "a\x1b]52;c;cGxhbQ==\x07b\x1b[2Jc\x9b1md\u202eb\r\x08e\x85\x7f"

evil = st.text(
    st.sampled_from("ab\x1b[]0;?\x07\x9b\x9d\x9c\x90\x85\r\n\t\x08\x7f\x00\u202e\u2066\u2028\u200fé\ufeff")
)
names = evil.filter(lambda text: bool(text.strip()) and "\0" not in text).map(lambda text: f"x{text}")

SHOWN = (
    "status", "status --all", "status --json", "explain", "explain --json", "replay", "replay --json", "logs",
    "logs . --stderr", "watch", "watch --json", "verify", "verify --json", "diagram run",
    "diagram run --format mermaid", "doctor", "doctor --json", "journal recover",
)  # fmt: skip


def spoilt(shown: str) -> list[str]:
    """Lines of an output in which something is left that a terminal would obey."""
    return [repr(line) for line in shown.split("\n") if POWER.search(line)]


def told(home: Path, name: str, text: str) -> None:
    """A sprint whose ids and whose facts are anybody's."""
    phases = [leaf(name), leaf(f"{name}2", parallel=True), leaf("last", prompt=text, run=None)]
    with Scene(home, *phases, name=text, sprint_id=name).begin() as scene:
        scene.spawn(name, f"{text}\n")
        scene.move(name, "report", {"session": text, "model": text}, attempt=1)
        scene.fail(name, error=text, summary=text, why=text)
        scene.spawn(f"{name}2", text, task=f"{name}-1705579205")
        scene.move(SPRINT_UNIT, "block", {"unit": name, "why": text})
        scene.commit()
        scene.publish()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names, evil)
@example(EVIL, EVIL)
def test_no_command_prints_what_a_terminal_obeys(fsm_sprint: Command, name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "sprint"
        told(home, name, text)
        for words in SHOWN:
            done = fsm_sprint(*words.split(), cwd=home, check=None)
            assert spoilt(done.out + done.err) == [], words
            if "--json" in words and done.out:
                parts = done.out.splitlines() if words.startswith("watch") else [done.out]
                assert [json.loads(part)["version"] for part in parts] == [1] * len(parts)
        typed = text.replace("\0", "") or "x"
        for asked in (
            ["explain", ".", name],
            ["logs", ".", typed],
            ["status", typed],
            ["replay", "--at", typed],
        ):
            done = fsm_sprint(*asked, cwd=home, check=None)
            assert spoilt(done.out + done.err) == [], asked


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evil)
@example(EVIL)
def test_no_file_of_a_sprint_does_it_either(fsm_sprint: Command, text: str) -> None:
    shown = "".join(char for char in text if char not in "\0\ufeff")  # what an argv can hold
    agent = {"command": ["mender", f"x{shown}"]}
    phases = [
        {
            "id": "a",
            "prompt": f"Do {shown}",
            "agent": agent,
            "gate": {"script": f"true {shown}", "on-fail": {"prompt": f"Mend {shown}"}},
        },
        {"id": "b", "run": f"true {shown}", "env": {"A": f"x{shown}"}},
    ]
    refused = [{"id": f"i{text}", "run": ["true", text], f"k{text}": 1, "env": {f"A{text}": text}}]
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "sprint"
        (home / ".claude" / "workflows").mkdir(parents=True)
        for content, code in ((phases, 0), (refused, 3)):
            workflow = {"name": "w", "schema-version": "2.0", "description": shown, "phases": content}
            # JSON is YAML, and escapes what YAML does not take as it is.
            (home / ".claude" / "workflows" / "w.yaml").write_text(json.dumps(workflow), encoding="utf-8")
            sprint = {"workflow": "w", "sprint-id": "s", "on": {"blocked": f"x{shown}"}}
            (home / "SPRINT.yaml").write_text(json.dumps(sprint), encoding="utf-8")
            for words in (
                "check",
                "compile",
                "compile --json",
                "run --dry-run",
                "run --dry-run --json",
                "simulate",
            ):
                done = fsm_sprint(*words.split(), cwd=home, check=None)
                assert spoilt(done.out + done.err) == [], words
                assert done.code == code, (words, done.err)


def test_an_export_is_tamed_where_somebody_looks_at_it() -> None:
    document = {"a": EVIL, "b": "é"}
    line = json.dumps(document, ensure_ascii=False) + "\n"
    shown = io.BytesIO()

    assert Tamed(shown).write(line.encode()) == len(line.encode())
    assert spoilt(shown.getvalue().decode()) == []
    assert json.loads(shown.getvalue()) == document
    assert json.loads(printed(document)) == document
