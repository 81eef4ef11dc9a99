"""No key is taken in and passed over in silence: what nothing acts upon is told, and what is told is still so."""

import re
from pathlib import Path

import pytest

from compiler.unheeded import UNHEEDED
from tests.compiler.sprints import compiled

ROOT = Path(__file__).parents[2]
ONLY_SHOWN = ("fsm/plan.py", "fsm/forecast.py", "journal/overview.py")
"""What knows of a key without acting upon it."""
READ = {
    "worktree": (r"plan\.worktree\b", "."),
}
"""By key, how a module that acts upon it reads the plan, and where such modules can be."""


@pytest.mark.parametrize("key", list(UNHEEDED))
def test_what_is_said_to_have_no_effect_has_none(key: str) -> None:
    pattern, below = READ[key]
    packages = ("fsm", "fsm_sprint", "journal") if below == "." else (below,)
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    readers = [
        str(path.relative_to(ROOT))
        for path in files
        if str(path.relative_to(ROOT)) not in ONLY_SHOWN
        and re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    assert readers == [], f"`{key}` has an effect now: take its row out of compiler/unheeded.py"


FLOW = """\
name: main
schema-version: "2.0"
worktree: {enabled: true}
orchestration: {enabled: true}
per-iteration-hooks: [{id: h, prompt: H, enabled: true}]
phases: [{id: a, prompt: A, approve: Go?, budget: {attempts: 3}}, {id: b, for-each: step}]
"""
SPRINT = """\
workflow: main
budget: {attempts: 9}
on: {blocked: x}
collections: {step: [{prompt: B, approve: Go?}]}
"""


def test_each_place_in_which_it_is_said_is_told(tmp_path: Path) -> None:
    told = [
        found for found in compiled(tmp_path, SPRINT, main=FLOW).warnings if found.code == "NO_EFFECT_YET"
    ]
    keys = [re.findall(r"`(.*?)`", found.message)[0] for found in told]
    every = [
        "budget",
        "on",
        "approve",
        "worktree",
        "orchestration",
        "per-iteration-hooks",
        "approve",
        "budget",
    ]
    assert keys == [key for key in every if key in UNHEEDED]


def test_what_is_turned_off_is_not_told(tmp_path: Path) -> None:
    off = "name: main\nschema-version: '2.0'\nphases: [{id: a, prompt: A}]\nworktree: {enabled: false}\n"
    more = "orchestration: {enabled: false}\nper-iteration-hooks: [{id: h, prompt: H}]\n"
    assert compiled(tmp_path, "workflow: main\n", main=off + more).warnings == ()
