"""`accept` as the shell runs it: what is there, what was written, and what of it is missing."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.accept import Wanted, script
from fsm.plan import Leaf, leaves
from tests.compiler.sprints import compiled

SINCE = "2026-01-02T03:04:05.678Z"
BEFORE, AFTER = 1_767_323_045.0, 1_767_323_046.0
"""Seconds before and after it."""


def made(place: Path, *names: str, at: float = AFTER) -> None:
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
        for one in (path, *path.parents):
            if one == place:
                break
            os.utime(one, (at, at))


def ran(place: Path, wanted: Wanted, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and output of the check, in a directory."""
    given = {"PATH": os.environ["PATH"], "FSM_SPRINT_SINCE": SINCE} if env is None else dict(env)
    found = subprocess.run(
        ["/bin/sh", "-c", script(wanted)],
        cwd=place,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def test_each_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    made(tmp_path, "docs/a.md", "b c/d e.txt")
    wanted = Wanted(exists=("docs/a.md", "gone.md", "b c/*.txt", "no way/*.md", "docs"))
    assert ran(tmp_path, wanted) == (1, "accept: not there: gone.md\naccept: not there: no way/*.md\n")
    assert ran(tmp_path, Wanted(exists=("docs/a.md", "b c/d e.txt", "docs/"))) == (0, "")


ODD = ["-rf", "--", "$(touch hit)", "`touch hit`", "a'b", 'a"b', "a;touch hit", "é ü", "!x", "a\\b"]


@pytest.mark.parametrize("name", ODD)
def test_a_path_is_one_word_whatever_it_holds(tmp_path: Path, name: str) -> None:
    assert ran(tmp_path, Wanted(exists=(name,))) == (1, f"accept: not there: {name}\n")
    made(tmp_path, name)
    assert ran(tmp_path, Wanted(exists=(name,))) == (0, "")
    assert ran(tmp_path, Wanted(changed=(name,))) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("pattern", "there"),
    [
        ("src/*.py", "src/a.py"),
        ("src/?.py", "src/a.py"),
        ("src/[ab].py", "src/a.py"),
        ("src/[!b].py", "src/a.py"),
        ("src/[^b].py", "src/a.py"),
        ("src/**/*.py", "src/a.py"),
        ("src/**/*.py", "src/x y/z/a.py"),
        ("**/a.py", "x/y/a.py"),
        ("**/a.py", "a.py"),
        ("src/**", "src/a"),
        ("p*/src/**/a.py", "p 1/src/x/a.py"),
        (".github/**/*.yml", ".github/workflows/a.yml"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("a[b", "a[b"),
    ],
)
def test_a_glob_finds_what_a_shell_would(tmp_path: Path, pattern: str, there: str) -> None:
    made(tmp_path, "src/b.txt", "other/.hidden/a.py")
    assert ran(tmp_path, Wanted(exists=(pattern,)))[0] == (0 if pattern == "src/**" else 1)
    made(tmp_path, there)
    assert ran(tmp_path, Wanted(exists=(pattern,))) == (0, "")
    assert ran(tmp_path, Wanted(changed=(pattern,))) == (0, "")


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    made(tmp_path, "a b/c")
    assert ran(tmp_path, Wanted(exists=(f"{tmp_path}/a b/c", f"{tmp_path}/**/c"))) == (0, "")


def test_a_link_to_nothing_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone")
    assert ran(tmp_path, Wanted(exists=("link",)))[0] == 1


def test_changed_means_written_since_the_task_began(tmp_path: Path) -> None:
    made(tmp_path, "old.md", "dir/old.md", "deep/x/old.md", at=BEFORE)
    wanted = Wanted(changed=("old.md", "dir", "deep/**/*.md", "gone.md"))
    code, said = ran(tmp_path, wanted)
    assert code == 1
    assert said.splitlines() == [
        "accept: not changed since the task began: old.md",
        "accept: not changed since the task began: dir",
        "accept: not changed since the task began: deep/**/*.md",
        "accept: not there: gone.md",
    ]
    made(tmp_path, "old.md", "dir/new.md", "deep/x/y/new.md", "gone.md")
    assert ran(tmp_path, wanted) == (0, "")


def test_what_git_and_we_write_ourselves_is_no_change(tmp_path: Path) -> None:
    made(tmp_path, "a/file", at=BEFORE)
    made(tmp_path, "a/.git/index", "a/.fsm-sprint/journal.db")
    os.utime(tmp_path / "a", (BEFORE, BEFORE))
    assert ran(tmp_path, Wanted(changed=("a",)))[0] == 1


def test_nobody_knows_what_has_changed_without_a_beginning(tmp_path: Path) -> None:
    made(tmp_path, "a")
    code, said = ran(tmp_path, Wanted(changed=("a",)), {"PATH": os.environ["PATH"]})
    assert code == 2
    assert "FSM_SPRINT_SINCE is not set" in said


def test_the_command_runs_when_all_paths_are_there(tmp_path: Path) -> None:
    wanted = Wanted(exists=("a",), run="echo asked; exit 7 # it's fine")
    assert ran(tmp_path, wanted) == (1, "accept: not there: a\n")
    made(tmp_path, "a")
    assert ran(tmp_path, wanted) == (7, "asked\n")
    assert script(Wanted(run="make test")) == "make test"


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    made(tmp_path, "a")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    env = {"PATH": os.environ["PATH"], "FSM_SPRINT_SINCE": SINCE, "TMPDIR": str(scratch)}
    assert ran(tmp_path, Wanted(changed=("a",)), env) == (0, "")
    assert list(scratch.iterdir()) == []


NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/*?["), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None)
@given(NAMES.filter(lambda name: name not in (".", "..")))
def test_any_name_is_found_as_it_is(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    place = tmp_path_factory.mktemp("a")
    assert ran(place, Wanted(exists=(name,)))[0] == 1
    made(place, name)
    assert ran(place, Wanted(exists=(name,))) == (0, "")


def test_the_variables_of_paths_are_filled_in_and_still_one_word(tmp_path: Path) -> None:
    plan = compiled(
        tmp_path / "s",
        "workflow: main\ncollections: {step: [{prompt: A, id: \"x'; touch hit; '\"}]}\n",
        main='name: main\nschema-version: "2.0"\nphases: [{id: all, for-each: step, workflow: item}]\n',
        item="name: item\nschema-version: '2.0'\nphases: [{id: do, prompt: B, accept: ['{{item.id}}.md']}]\n",
    ).plan
    (leaf,) = leaves(plan)
    assert isinstance(leaf, Leaf)
    assert leaf.gate is not None
    found = subprocess.run(
        ["/bin/sh", "-c", leaf.gate.script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.stdout == "accept: not there: x'; touch hit; '.md\n"
    assert not (tmp_path / "hit").exists()
