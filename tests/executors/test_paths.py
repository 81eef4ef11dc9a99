"""Where things lie, and that nobody else can lay something there."""

import os
from pathlib import Path

import pytest

from fsm.errors import SprintError
from fsm_sprint.paths import SprintPaths, errors_of


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_sprint_is_prepared_privately_and_kept_from_version_control(tmp_path: Path, umask: int):
    before = os.umask(umask)
    try:
        paths = SprintPaths(tmp_path)
        paths.prepare()
        paths.prepare()
    finally:
        os.umask(before)
    for folder in (paths.state, paths.inbox, paths.answers, paths.attempts, paths.logs):
        assert folder.stat().st_mode & 0o777 == 0o700
    for folder in (paths.state, paths.logs):
        assert (folder / ".gitignore").read_text() == "*\n"


def test_nothing_is_made_by_looking(tmp_path: Path):
    SprintPaths(tmp_path).attempt("a", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_was_too_open_is_closed(tmp_path: Path):
    (tmp_path / ".fsm-sprint").mkdir(mode=0o755)
    SprintPaths(tmp_path).prepare()
    assert (tmp_path / ".fsm-sprint").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_in_the_place_of_the_state_is_an_error(tmp_path: Path, kind: str):
    place = tmp_path / ".fsm-sprint"
    if kind == "file":
        place.touch()
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SprintError, match="not a directory"):
        SprintPaths(tmp_path).prepare()


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(SprintError, match="gone"):
        SprintPaths(tmp_path / "gone").prepare()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "a\0b"])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str):
    with pytest.raises(SprintError):
        SprintPaths(tmp_path).attempt(name, 1)


@pytest.mark.parametrize("log", ["../x.log", "/etc/passwd", "logs/../../x.log"])
def test_a_log_outside_of_the_sprint_is_refused(tmp_path: Path, log: str):
    with pytest.raises(SprintError):
        SprintPaths(tmp_path).log(log)


def test_names_that_are_no_paths_are_names(tmp_path: Path):
    paths = SprintPaths(tmp_path)
    assert paths.attempt("a.b+gate", 12) == paths.attempts / "a.b+gate.12"
    assert errors_of(paths.log("logs/a.log")) == paths.logs / "a.log.err"
