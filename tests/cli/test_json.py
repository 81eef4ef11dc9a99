"""What docs/reference/json.md says of the documents is what the commands print: every key, and no other."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm.plan import Group, Orchestration
from fsm.transition import SPRINT_UNIT
from fsm_sprint.report.feed import Objects
from tests.cli.command import Command
from tests.report.scene import Scene, leaf
from tests.report.test_watching import run_of_a, watched

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
OPEN = ("compile", "run --dry-run", "check")
"""Documents with parts that this page leaves to others, or that depend on what is there."""


def documented() -> dict[str, set[str]]:
    """The keys that the page has for each command."""
    sections = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    pairs = zip(sections[::2], sections[1::2], strict=True)
    return {name: set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) for name, text in pairs}


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The paths of a document's leaves and lists."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path
        for item in value:
            yield from keys(item, f"{path}[]")
    elif not path.endswith("[]"):
        yield path


def matches(key: str, known: set[str]) -> bool:
    return key in known or any(
        re.fullmatch(re.escape(one).replace(r"\*", ".+"), key) for one in known if "*" in one
    )


@pytest.fixture
def documents(home: Path, fsm_sprint: Command) -> dict[str, list[Any]]:
    """Documents of every command, of sprints in which everything occurs."""
    found: dict[str, list[Any]] = {name: [] for name in documented()}

    def take(name: str, *words: str | Path, check: int | None = None) -> None:
        found[name].append(fsm_sprint(*name.split(), "--json", *words, check=check).document)

    (home / "SPRINT.yaml").write_text("workflow: none\n")
    take("status")
    take("check", check=3)
    group = Group(
        id="g", path="g", level="phase", children=(leaf("g/a"), leaf("g/b"), leaf("g/c", parallel=True))
    )
    with Scene(home, group).begin() as scene:
        scene.move("g", "start")
        scene.spawn("g/a")
        scene.fail("g/a")
        scene.move("g/a", "delay", {"delay": 5, "until": scene.at, "why": "back-off", "after": "failed"})
        scene.spawn("g/c", task="g-c-1")
        scene.fail("g/c", changes={"files": 1, "added": 2, "removed": 0, "commits": 1, "shared": True})
        scene.spawn("g/b")
        scene.commit()
        take("status", "--all")
        with scene.supervise():
            take("status")
        scene.succeed("g/b")
        scene.move(SPRINT_UNIT, "block", {"unit": "g/a", "why": "it does"})
    take("status")
    take("replay", check=0)
    take("explain", check=0)
    take("explain", ".", "g/c", check=0)
    take("retry", "g/a", check=0)
    take("retry", "g/a", check=2)
    queue = Orchestration(enabled=True)
    with Scene(
        home.parent / "asking", leaf("c"), leaf("a"), leaf("b"), orchestration=queue
    ).begin() as asking:
        asking.spawn("c")
        proposed: Any = {"proposed-steps": [{"prompt": "Test it"}]}
        asking.succeed("c", **proposed)
        asking.move("a", "delay", {"why": "approval", "message": "go?"})
        asking.move(SPRINT_UNIT, "ask", {"unit": "a", "why": "approval: go?", "kind": "approval"})
    out = io.StringIO()
    with Scene(home.parent / "looked-at", leaf("a")).begin() as moving, moving.supervise():
        watched(
            moving,
            lambda watcher, clock: Objects(watcher, clock, moving.paths.directory, out.write),
            run_of_a(moving),
        )
    found["watch"] += map(json.loads, out.getvalue().splitlines())
    for looked_at in (asking.paths.directory, home):
        told = fsm_sprint("watch", "--json", looked_at, check=0).out
        found["watch"] += map(json.loads, told.splitlines())
    take("status", asking.paths.directory)
    take("explain", asking.paths.directory)
    take("verify", check=0)
    scene.paths.progress.write_text("mine\n")
    take("verify", check=5)
    take("doctor")
    made = home.parent / "made"
    fsm_sprint("init", made)
    for name in OPEN:
        take(name, made, check=0)
    script = home.parent / "outcomes.yaml"
    script.write_text("- {chance: 0.5, ends: failed, cost-usd: 1, tokens: 1}\n- {try: 9, ends: failed}\n")
    take("simulate", made, check=0)
    take("simulate", made, "--script", script, "--runs", "9", check=1)
    return found


def test_every_key_is_documented_and_every_documented_key_occurs(documents: dict[str, list[Any]]) -> None:
    for name, known in documented().items():
        seen = {key for document in documents[name] for key in keys(document)}
        if name == "compile":
            seen = {key.partition(".")[0] for key in seen}
        unknown = sorted(key for key in seen if not matches(key, known))
        never = sorted(one for one in known if not any(matches(key, {one}) for key in seen))
        # An object that may be null is documented as itself and by its keys.
        never = [one for one in never if not any(key.startswith(f"{one}.") for key in seen)]

        assert (name, unknown, never) == (name, [], [])


def test_every_document_has_its_version(documents: dict[str, list[Any]]) -> None:
    for made in documents.values():
        assert made
        assert all(document["version"] == 1 for document in made)


def test_names_that_no_encoding_has_do_not_break_a_document(home: Path, fsm_sprint: Command) -> None:
    with Scene(home, leaf("a")).begin() as scene:
        scene.spawn("a")
        scene.fail("a", error="half a pair: \udc80 ünïcode")
    error = fsm_sprint("status", "--json").document["failed"][0]["error"]

    assert error == "half a pair: \udc80 ünïcode"
