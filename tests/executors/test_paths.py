"""Where things lie, and that nobody else can lay something there."""

import os
import tempfile
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


FOLDERS = (".fsm-sprint", "logs", ".fsm-sprint/attempts", ".fsm-sprint/inbox", ".fsm-sprint/answers")
FILES = (
    ".fsm-sprint/.gitignore", "logs/.gitignore", ".fsm-sprint/lock", ".fsm-sprint/run.log", ".fsm-sprint/journal.db",
    ".fsm-sprint/journal.db-wal",
)  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path, name: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(SprintError, match="not a directory"):
        SprintPaths(tmp_path).prepare()


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", [*FOLDERS, *FILES])
def test_no_link_is_followed_to_a_place_of_ours(tmp_path: Path, name: str, there: bool):
    home, elsewhere = tmp_path / "sprint", tmp_path / "elsewhere"
    (home / name).parent.mkdir(parents=True)
    if there and name in FOLDERS:
        elsewhere.mkdir(mode=0o755)
    elif there:
        elsewhere.write_text("theirs")
    (home / name).symlink_to(elsewhere)
    with pytest.raises(SprintError, match="symbolic link"):
        SprintPaths(home).prepare()
    if not there:
        assert not elsewhere.exists()
    elif name in FOLDERS:
        assert list(elsewhere.iterdir()) == []
        assert elsewhere.stat().st_mode & 0o777 == 0o755
    else:
        assert elsewhere.read_text() == "theirs"


def test_a_directory_in_the_place_of_the_lock_is_an_error(tmp_path: Path):
    (tmp_path / ".fsm-sprint" / "lock").mkdir(parents=True)
    with pytest.raises(SprintError, match="not a file"):
        SprintPaths(tmp_path).prepare()


@pytest.mark.parametrize(("mode", "who"), [(0o777, "everybody"), (0o757, "everybody"), (0o775, "the group")])
def test_a_directory_in_which_others_may_write_is_refused(tmp_path: Path, mode: int, who: str):
    home = tmp_path / "a sprint"
    home.mkdir()
    _given_away(home)
    home.chmod(mode)
    with pytest.raises(SprintError, match=f"{who}.* may write in") as refused:
        SprintPaths(home).prepare()
    assert refused.value.hint is not None
    assert f"-w '{home}'`" in refused.value.hint
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o1777, 0o755, 0o700])
def test_a_directory_in_which_only_we_can_replace_what_is_ours_is_not(tmp_path: Path, mode: int):
    tmp_path.chmod(mode)
    SprintPaths(tmp_path).prepare()


def test_a_group_of_its_owner_alone_may_write(tmp_path: Path):
    try:
        os.chown(tmp_path, -1, os.geteuid())
    except PermissionError:
        pytest.skip("this user has no group of the same number")
    tmp_path.chmod(0o775)
    SprintPaths(tmp_path).prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("name", [".fsm-sprint", "logs", ".fsm-sprint/inbox", ".fsm-sprint/journal.db"])
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path, name: str):
    SprintPaths(tmp_path).prepare()
    (tmp_path / name).touch()
    os.chown(tmp_path / name, 65534, 65534)
    with pytest.raises(SprintError, match="belongs to another user"):
        SprintPaths(tmp_path).prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_directory_of_another_user_is_refused():
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, 65533, 65533)
        Path(place).chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(SprintError, match="belongs to another user"):
                SprintPaths(Path(place)).prepare()
        finally:
            os.seteuid(0)


def _given_away(folder: Path):
    """To a group that is not of its owner alone."""
    others = [65534] if os.geteuid() == 0 else [group for group in os.getgroups() if group != os.getegid()]
    if not others:
        pytest.skip("this user is in no other group")
    os.chown(folder, -1, others[0])


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
