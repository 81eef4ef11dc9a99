"""Requests from other terminals: files renamed into `inbox/`, answers renamed into `answers/`.

Rule: a request is taken out of the inbox only when its answer is in place, so whoever dies in between, it is answered
once more and applied once: the journal knows its id.
"""

import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from fsm.effects import Answer
from fsm.errors import SprintError
from fsm.events import Asked
from fsm_sprint.clock import SystemClock
from fsm_sprint.paths import SprintPaths

_LARGEST = 64 * 1024
_SUFFIX = ".json"


class Inbox:
    """The supervisor's end."""

    def __init__(self, paths: SprintPaths) -> None:
        self._paths = paths
        self._seen = -1
        self._given: set[str] = set()

    def collect(self) -> list[Asked]:
        """Requests not handed out before by this supervisor; looks into the folder only when it has changed."""
        try:
            changed = self._paths.inbox.stat().st_mtime_ns
        except FileNotFoundError:
            return []  # with the whole directory, which is noticed elsewhere; or it is made anew for the next request
        if changed == self._seen:
            return []
        self._seen = changed
        found: list[Asked] = []
        for path in sorted(self._paths.inbox.glob(f"*{_SUFFIX}")):
            name = path.name.removesuffix(_SUFFIX)
            if name in self._given:
                continue
            self._given.add(name)
            try:
                found.append(_read(path, name))
            except (OSError, ValueError, TypeError, KeyError) as error:
                self.answer(Answer(name, f"refused: not a request ({error})"))
        return found

    def answer(self, answer: Answer) -> None:
        """Puts the answer where its asker looks, then removes the request."""
        _put(self._paths.answers / f"{answer.id}{_SUFFIX}", {"answer": answer.text})
        with contextlib.suppress(FileNotFoundError):
            (self._paths.inbox / f"{answer.id}{_SUFFIX}").unlink()
        self._given.discard(answer.id)


def ask(paths: SprintPaths, request: Asked) -> None:
    """Leaves a request for the supervisor; it stays there until one has answered."""
    _put(
        paths.inbox / f"{request.id}{_SUFFIX}",
        {key: value for key, value in request._asdict().items() if key != "id"},
    )


def answer_to(paths: SprintPaths, request: str) -> str | None:
    """The answer to a request, taken away once read; None while there is none."""
    path = paths.answers / f"{request}{_SUFFIX}"
    try:
        text = str(json.loads(path.read_text(encoding="utf-8"))["answer"])
    except FileNotFoundError:
        return None
    path.unlink(missing_ok=True)
    return text


def withdraw(paths: SprintPaths, request: str) -> None:
    """Takes back a request that nobody is to answer any more, with the answer if somebody has meanwhile."""
    for folder in (paths.inbox, paths.answers):
        (folder / f"{request}{_SUFFIX}").unlink(missing_ok=True)


def request_id() -> str:
    """A new id: names sort by the time at which they were asked."""
    return f"{SystemClock().now():013d}-{secrets.token_hex(4)}"


def _put(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        os.fchmod(handle, 0o600)  # whatever the umask is
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SprintError(f"{path.parent}: {error.strerror}", hint="the request was not left") from error


def _read(path: Path, name: str) -> Asked:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("no regular file")
        data = json.loads(file.read(_LARGEST))
    fields = {key: str(data.get(key, "")) for key in ("verb", "unit", "who", "why", "text")}
    options = data.get("options") or {}
    if not isinstance(options, dict):
        raise TypeError("its options are no mapping")
    return Asked(id=name, epoch=int(data.get("epoch", 0)), options=options, **fields)
