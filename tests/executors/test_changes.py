"""Pictures of a work tree: what they count, and that nothing of the repository is changed or executed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fsm_sprint.clock import SystemClock
from fsm_sprint.executors.changes import Changes

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


class Repository:
    """A work tree with two files in one commit."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "work"
        self.place = folder / "picture"
        self.top.mkdir()
        self.place.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
        self.git("init", "-q")
        for key, value in (("user.name", "n"), ("user.email", "e@x"), ("commit.gpgsign", "false")):
            self.git("config", key, value)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.top), *words], env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def write(self, name: str, lines: int, word: str = "line") -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{word} {n}\n" for n in range(lines)))

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "more")

    def changes(self, **more: float) -> Changes:
        return Changes(self.top, SystemClock(), self.top / "PROGRESS.yaml", **more)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Repository(tmp_path)
    made.write("a", 10)
    made.write("b", 10)
    made.commit()
    return made


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def counted(files: int, added: int, removed: int, commits: int) -> dict[str, int]:
    return {"files": files, "added": added, "removed": removed, "commits": commits}


def test_what_is_committed_changed_added_and_taken_away_counts(repository: Repository) -> None:
    changes = repository.changes()
    changes.begin(repository.place)
    repository.write("sub/new", 4)
    repository.commit()
    repository.write("a", 12)
    (repository.top / "b").unlink()
    repository.write("untracked", 3)

    assert changes.end(repository.place) == counted(4, 9, 10, 1)
    assert repository.changes().end(repository.place) == counted(4, 9, 10, 1), "another supervisor can go on"


def test_what_was_there_before_does_not_count(repository: Repository) -> None:
    repository.write("a", 99)
    repository.write("mine", 5)
    changes = repository.changes()
    changes.begin(repository.place)
    assert changes.end(repository.place) == counted(0, 0, 0, 0)
    repository.commit()
    assert changes.end(repository.place) == counted(0, 0, 0, 1)
    repository.write("mine", 6)
    assert changes.end(repository.place) == counted(1, 1, 0, 1)


def test_what_is_ignored_and_what_we_write_ourselves_does_not_count(repository: Repository) -> None:
    (repository.top / ".gitignore").write_text("built\n")
    changes = repository.changes()
    changes.begin(repository.place)
    repository.write("built", 5)
    repository.write("PROGRESS.yaml", 5)
    assert changes.end(repository.place) == counted(0, 0, 0, 0)


def test_a_tree_without_a_commit_has_changes_too(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    changes = made.changes()
    changes.begin(made.place)
    made.write("a", 2)
    made.commit()
    assert changes.end(made.place) == counted(1, 2, 0, 1)


def test_nothing_that_the_repository_names_is_executed_and_nothing_of_it_changes(
    repository: Repository, tmp_path: Path
) -> None:
    trap, hooks = tmp_path / "trap", tmp_path / "hooks"
    trap.write_text(f"#!/bin/sh\n: >{tmp_path}/tripped\ncat\n")
    trap.chmod(0o755)
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        shutil.copy(trap, hooks / name)
    (repository.top / ".gitattributes").write_text("* filter=it diff=it\n*.y filter=other\n")
    repository.commit()
    for key in (
        "filter.it.clean",
        "filter.it.process",
        "filter.other.clean",
        "diff.it.textconv",
        "diff.it.command",
    ):
        repository.git("config", key, str(trap))
    repository.git("config", "filter.it.required", "true")
    repository.git("config", "core.fsmonitor", str(trap))
    repository.git("config", "core.hooksPath", str(hooks))
    repository.write("a", 11)
    before = everything(repository.top / ".git")
    changes = repository.changes()
    changes.begin(repository.place)
    repository.write("a", 13)
    repository.write("x.y", 1)

    assert changes.end(repository.place) == counted(2, 3, 0, 0)
    assert not (tmp_path / "tripped").exists()
    assert everything(repository.top / ".git") == before


def test_where_there_is_no_repository_nothing_is_known(tmp_path: Path) -> None:
    place = tmp_path / "picture"
    place.mkdir()
    changes = Changes(tmp_path, SystemClock(), tmp_path / "PROGRESS.yaml")
    changes.begin(place)
    assert changes.end(place) is None
    assert not (place / "before").exists()


def test_a_broken_repository_and_a_picture_that_is_gone_mean_that_nothing_is_known(
    repository: Repository,
) -> None:
    changes = repository.changes()
    changes.begin(repository.place)
    shutil.rmtree(repository.place / "objects")
    repository.write("a", 11)
    (repository.top / ".git" / "HEAD").write_text("nonsense\n")
    assert changes.end(repository.place) is None
    (repository.place / "before").unlink()
    assert changes.end(repository.place) is None


def test_git_that_is_slow_is_asked_once_and_leaves_nothing_running(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/asked\nsleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"bin:{slow.parent}:{os.environ['PATH']}")
    changes = repository.changes(patience=0.3)
    for _ in range(3):
        changes.begin(repository.place)
        assert changes.end(repository.place) is None
        shutil.rmtree(repository.place)
        repository.place.mkdir()
    asked = (tmp_path / "asked").read_text().split()

    assert len(asked) == 1
    assert not Path(f"/proc/{asked[0]}").exists()
