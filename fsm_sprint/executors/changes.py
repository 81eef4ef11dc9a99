"""What happens in a git work tree while an attempt runs: commits, files and lines, from a picture before and one after.

Rule: nothing of the repository is changed but the times of objects that are used again, and nothing that it names is
executed: no hook, filter, monitor or text conversion. Pictures go into a place of ours. Git that is slow, broken or not
there means that nothing is known.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from fsm.ports import Clock
from fsm.transition import Facts

PATIENCE = 3.0
"""Seconds that one picture may take. Where it takes longer none is made any more, because a supervisor waits for it."""

_MOST = 10_000
"""Commits that are counted."""

_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "core.safecrlf": "false",
    "core.fsync": "none",
    "core.looseCompression": "0",
    "advice.addEmbeddedRepo": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_FILTER = re.compile(r"filter\.(.+)\.(?:clean|smudge|process|required)")
_STAT = re.compile(r"(\d+) (file|insertion|deletion)")


class Unknown(Exception):
    """Git did not say, or not in time."""


class Changes:
    """The pictures of one work tree."""

    def __init__(self, top: Path, clock: Clock, aside: Path, *, patience: float = PATIENCE) -> None:
        """`top` is the work tree's; `aside` a file in it that does not count, because we write it ourselves."""
        self._patience = patience
        self._top = top
        self._clock = clock
        self._aside = os.path.relpath(aside, top)
        self._git = _program()
        self._settings: dict[str, str] | None = None
        self._index = self._objects = ""
        self._hopeless = self._git is None or not (top / ".git").exists()

    def begin(self, place: Path) -> None:
        """Makes the first picture, in a directory that is there and is private. Never raises."""
        with suppress(Unknown, OSError):
            (place / "objects").mkdir()
            end = self._clock.monotonic() + self._patience
            self._prepare(end)
            head, tree = self._head(place, end), self._tree(place, end)
            (place / "before").write_text(f"{head}\n{tree}\n", encoding="ascii")

    def end(self, place: Path) -> Facts | None:
        """What has changed since the first picture; None when that is unknown. Never raises."""
        with suppress(Unknown, OSError, ValueError):
            head, tree = (place / "before").read_text(encoding="ascii").splitlines()
            end = self._clock.monotonic() + self._patience
            self._prepare(end)
            after = self._tree(place, end)
            said = self._ask(
                place, end, "diff-tree", "--shortstat", "--no-ext-diff", "--no-textconv", tree, after
            )
            found = {what: int(number) for number, what in _STAT.findall(said)}
            return {
                "files": found.get("file", 0),
                "added": found.get("insertion", 0),
                "removed": found.get("deletion", 0),
                "commits": self._commits(place, head, end),
            }
        return None

    def _commits(self, place: Path, head: str, end: float) -> int:
        now = self._head(place, end)
        if not now or now == head:
            return 0
        since = [f"^{head}"] if head else []
        return int(self._ask(place, end, "rev-list", "--count", f"--max-count={_MOST}", now, *since))

    def _prepare(self, end: float) -> None:
        """Finds out once where git keeps things here, and what it must not execute."""
        if self._hopeless:
            raise Unknown
        if self._settings is not None:
            return
        settings = dict(_SETTINGS)
        self._settings = settings
        try:
            said = self._ask(None, end, "rev-parse", "--git-path", "index", "--git-path", "objects")
            index, objects = said.splitlines()
            self._index, self._objects = str(self._top / index), str(self._top / objects)
            if ":" in self._objects or '"' in self._objects:
                raise Unknown  # cannot be named in a list of places
            names = self._ask(
                None, end, "config", "--null", "--name-only", "--get-regexp", r"^filter\.", fails=True
            )
            for name in filter(None, map(_FILTER.fullmatch, names.split("\0"))):
                for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
                    settings[f"filter.{name[1]}.{key}"] = value
        except (Unknown, ValueError):
            self._hopeless = True
            raise Unknown from None

    def _head(self, place: Path, end: float) -> str:
        """The commit that is checked out; '' before the first."""
        return self._ask(place, end, "rev-parse", "--quiet", "--verify", "HEAD^{commit}", fails=True).strip()

    def _tree(self, place: Path, end: float) -> str:
        """Everything in the work tree that is not ignored, as a tree of git's in our own place."""
        index = place / "index"
        with suppress(FileNotFoundError):
            shutil.copy2(self._index, index)  # with its time, by which git knows what it has to look at again
        self._ask(place, end, "add", "--all", "--", ".", f":(exclude,top,literal){self._aside}")
        return self._ask(place, end, "write-tree").strip()

    def _ask(self, place: Path | None, end: float, *words: str, fails: bool = False) -> str:
        """What git says; `fails`: so is status 1. Unknown when it says nothing in time."""
        left = end - self._clock.monotonic()
        if left <= 0:
            self._hopeless = True
            raise Unknown
        assert self._git is not None, "hopeless otherwise"
        asked = subprocess.Popen(
            [self._git, "-C", str(self._top), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(place),
            start_new_session=True,
        )
        with asked:
            try:
                said, _ = asked.communicate(timeout=left)
            except subprocess.TimeoutExpired:
                self._hopeless = True
                raise Unknown from None
            finally:
                # Its group is its own: nothing else can have that number while it, unreaped or not, is ours to end.
                if asked.returncode is None:
                    with suppress(ProcessLookupError):
                        os.killpg(asked.pid, signal.SIGKILL)
        if asked.returncode and not (fails and asked.returncode == 1):
            raise Unknown
        return os.fsdecode(said) if not asked.returncode else ""

    def _environment(self, place: Path | None) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env |= {
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
        }
        if place is not None:
            env |= {
                "GIT_INDEX_FILE": str(place / "index"),
                "GIT_OBJECT_DIRECTORY": str(place / "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": self._objects,
            }
        return env | dict(_configured(self._settings or _SETTINGS))


def _configured(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Settings as variables: names of filters may hold what could not stand on a command line."""
    yield "GIT_CONFIG_COUNT", str(len(settings))
    for number, (name, value) in enumerate(settings.items()):
        yield f"GIT_CONFIG_KEY_{number}", name
        yield f"GIT_CONFIG_VALUE_{number}", value


def _program() -> str | None:
    """Git, from an absolute place of PATH: what lies in the current directory is not asked."""
    places = [
        place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if place.startswith("/")
    ]
    return shutil.which("git", path=os.pathsep.join(places)) if places else None
