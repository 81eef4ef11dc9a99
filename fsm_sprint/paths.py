"""Where a sprint keeps its things on disk. No other module spells these names.

Rule: what is private is made 0700 or 0600 whatever the umask says, and nothing is made before `prepare`.
"""

import os
import stat
from pathlib import Path

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
        self.output = self.state / "run.log"
        """Where a detached run and the launcher write what nobody watches."""

    def prepare(self) -> None:
        """Makes what a run needs, once. SprintError when the directory is another's or cannot be written."""
        try:
            for folder in (self.state, self.inbox, self.answers, self.attempts, self.logs):
                _private(folder)
            for folder in (self.state, self.logs):
                _ignored(folder / ".gitignore")
            for file in (self.lock, self.output):
                _usable(file)
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


def _private(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise SprintError(
                f"{folder} is not a directory", hint="move it away; its name is needed"
            ) from None
        if found.st_uid != os.geteuid():
            hint = "run as the user who began this sprint"
            raise SprintError(f"{folder} belongs to another user", hint=hint) from None
        if stat.S_IMODE(found.st_mode) == 0o700:
            return
    folder.chmod(0o700)


def _usable(path: Path) -> None:
    """An empty file where there is none: a umask that takes the owner's rights away would lock the next run out."""
    if not path.exists():
        path.touch(0o600)
        path.chmod(0o600)


def _ignored(path: Path) -> None:
    """Keeps version control away from what lies beside `path`; a file that is there stays as it is."""
    if not path.exists():
        path.write_text("*\n", encoding="utf-8")
        path.chmod(0o600)
