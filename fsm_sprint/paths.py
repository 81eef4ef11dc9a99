"""Where a sprint keeps its things on disk. No other module spells these names.

Rule: what is private is made 0700 or 0600 whatever the umask says, and nothing is made before `prepare`. No link is
followed to a place of ours, and nobody else may be able to put something in it.
"""

import grp
import os
import pwd
import stat
from pathlib import Path
from shlex import quote

from fsm.errors import SprintError


class SprintPaths:
    """The places of one sprint directory; the path is made absolute, and nothing is read or made."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.sprint = self.directory / "SPRINT.yaml"
        self.progress = self.directory / "PROGRESS.yaml"
        self.logs = self.directory / "logs"
        self.state = self.directory / ".fsm-sprint"
        self.journal = self.state / "journal.db"
        self.lock = self.state / "lock"
        self.inbox = self.state / "inbox"
        self.answers = self.state / "answers"
        self.attempts = self.state / "attempts"
        self.artifacts = self.state / "artifacts"
        """What attempts leave for others, a directory for each unit."""
        self.pictures = self.state / "pictures"
        """How the work tree looked before each attempt that is under way."""
        self.output = self.state / "run.log"
        """Where a detached run and the launcher write what nobody watches."""

    def prepare(self) -> None:
        """Makes what a run needs, once. SprintError when others can write there, or we cannot, or a link lies there."""
        try:
            _trusted(self.directory)
            inner = (self.inbox, self.answers, self.attempts, self.artifacts, self.pictures, self.logs)
            for folder in (self.state, *inner):
                _private(folder)
            for folder in (self.state, self.logs):
                _made(folder / ".gitignore", b"*\n")
            for file in (self.lock, self.output):
                # A umask that takes the owner's rights away would lock the next run out.
                _made(file, b"")
            for entry in self.state.iterdir():
                _own(entry)
        except OSError as error:
            raise SprintError(
                f"{error.filename or self.state}: {error.strerror}",
                hint="the sprint directory has to be writable, with room for logs and the journal",
            ) from error

    def attempt(self, name: str, number: int) -> Path:
        """The directory of one attempt. SprintError when the name would lead elsewhere."""
        if not name or "/" in name or "\0" in name or name.startswith("."):
            raise SprintError(f"{name!r} is no name of an attempt's directory")
        return self.attempts / f"{name}.{number}"

    def log(self, relative: str) -> Path:
        """A log from its path in the journal. SprintError when it would lie outside of the sprint."""
        path = self.directory / relative
        if ".." in path.parts or not path.is_relative_to(self.directory):
            raise SprintError(f"{relative!r} is no place for a log")
        return path


def errors_of(log: Path) -> Path:
    """Where the stderr of an agent goes whose stdout goes to `log`."""
    return log.with_name(f"{log.name}.err")


def _trusted(directory: Path) -> None:
    """Refuses a directory in which others could put a state, or a SPRINT.yaml, of their own.

    To root every directory is another's sooner or later (containers), so root is only held to the mode.
    """
    found = directory.stat()
    user = os.geteuid()
    if user not in (0, found.st_uid) and found.st_uid != 0:
        raise SprintError(
            f"{directory} belongs to another user (uid {found.st_uid})",
            hint="whoever owns it decides what runs there: work in a directory of your own, or as that user",
        )
    if found.st_mode & stat.S_ISVTX:
        return  # as in /tmp: what is ours can only be replaced by us
    if found.st_mode & stat.S_IWOTH:
        raise SprintError(
            f"everybody may write in {directory}",
            hint=f"they could decide what you run: `chmod o-w {quote(str(directory))}`",
        )
    if found.st_mode & stat.S_IWGRP and not _own_group(found.st_gid, user):
        raise SprintError(
            f"the group {_group(found.st_gid)} may write in {directory}",
            hint=f"its members could decide what you run: `chmod g-w {quote(str(directory))}`",
        )


def _own_group(group: int, user: int) -> bool:
    """Whether a group is the one that a user has alone: of the same number or the same name; or root's."""
    if group in (0, user):
        return True
    try:
        return _group(group) == pwd.getpwuid(user).pw_name
    except KeyError:
        return False


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _private(folder: Path) -> None:
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        _own(folder)
        mode = folder.lstat().st_mode
        if not stat.S_ISDIR(mode):
            raise SprintError(
                f"{folder} is not a directory", hint="move it away; its name is needed"
            ) from None
        if stat.S_IMODE(mode) == 0o700:
            return
    folder.chmod(0o700)


def _own(path: Path) -> None:
    """Refuses a link, and what belongs to somebody else."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return  # somebody's temporary file
    if stat.S_ISLNK(found.st_mode):
        raise SprintError(
            f"{path} is a symbolic link, not a directory or file of this sprint",
            hint="remove it; what is kept there is written to no other place",
        )
    if found.st_uid != os.geteuid():
        raise SprintError(f"{path} belongs to another user", hint="run as the user who began this sprint")


def _made(path: Path, content: bytes) -> None:
    """A private file where there is none; what is there stays as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            _own(path)
            raise SprintError(f"{path} is not a file", hint="move it away; its name is needed") from None
        return
    try:
        os.fchmod(handle, 0o600)  # whatever the umask is
        os.write(handle, content)
    finally:
        os.close(handle)
