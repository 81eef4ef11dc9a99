"""Real sprints of the predecessor show as it compiled them, apart from what docs/differences.md lists."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from journal.progress import initial

pipeline = pytest.importorskip("compiler.pipeline", reason="there is no compiler to make plans with")

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))

pytestmark = pytest.mark.skipif(not CASES, reason="the corpus of real sprints is not on this machine")


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def compiled(case: Path, tmp_path: Path) -> Any:
    facts = json.loads((case / "case.json").read_text(encoding="utf-8"))
    sprint = tmp_path / facts["sprint_dir_name"]
    sprint.mkdir()
    shutil.copy(case / "SPRINT.yaml", sprint)
    today = date.fromisoformat(facts["compile_date"])
    plan = pipeline.compile_sprint(sprint, workflows=[case / "workflows"], today=today).plan
    return load(initial(plan))


def flat_loops(case: Path) -> set[str]:
    """Ids of for-each phases whose own prompt the predecessor lost: those with a prompt and no workflow."""
    main = load((case / "SPRINT.yaml").read_text(encoding="utf-8"))["workflow"]
    phases = load((case / "workflows" / f"{main}.yaml").read_text(encoding="utf-8"))["phases"]
    return {
        found["id"] for found in phases if {"for-each", "prompt"} <= found.keys() and "workflow" not in found
    }


def comparable(shown: Any, flat: set[str], kept: set[str]) -> Any:
    """Without what may differ; every mapping as a list of pairs, so that the order of keys counts."""
    for phase in shown["phases"]:
        for step in phase["steps"] if phase["id"] in flat else ():
            for sub in step["phases"]:
                del sub["prompt"]
    return _pairs({key: value for key, value in shown.items() if key in kept})


def _pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _pairs(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_pairs(item) for item in value]
    return value.strip() if isinstance(value, str) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_real_sprint_shows_as_it_did(case: Path, tmp_path: Path) -> None:
    ours = compiled(case, tmp_path)
    theirs = load((case / "PROGRESS.expected.yaml").read_text(encoding="utf-8"))
    # Old versions wrote no `parallel-tasks` and no `worktree`; of hooks we show those that are on.
    kept = {"sprint-id", "status", "phases", "current", "stats"} | (
        theirs.keys() & {"parallel-tasks", "worktree"}
    )
    flat = flat_loops(case)

    assert comparable(ours, flat, kept) == comparable(theirs, flat, kept)
