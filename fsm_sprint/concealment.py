"""Secrets that the environment holds, known by their value, and the marks that stand for them.

Rule: a variable is a secret's by its name, or by a password in its URL; in what is recorded or shown, `[NAME]` stands
in its place. Raw logs are not touched. What this process does not have in its environment, it cannot know.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fsm.transition import Facts
from fsm.verdicts import VERDICTS

LEAST = 8
"""Characters of a value that can be told from any other text."""
_LINE = 16
"""Characters of one line of a value that has several."""

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|KEYS?$|(?:^|_)KEYS?_|(?:^|_)(?:PASS|PAT|AUTH|COOKIE)(?:_|$)",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"TOKENS|KEYS", re.IGNORECASE)
"""In a name whose number is a count: MAX_OUTPUT_TOKENS."""
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://[^/@?#]*(?:/[^@?#]*)?", re.IGNORECASE)
"""An address with neither a password nor a query."""
_LOGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/@:?#]*:([^/@?#]+)@", re.IGNORECASE)
_TRIVIAL = frozenset(VERDICTS) | {
    "password", "changeme", "disabled", "required", "optional", "undefined", "localhost", "anonymous", "external",
    "keychain", "keyring", "insecure", "username", "publickey", "completed", "cancelled", "in-progress",
}  # fmt: skip
"""Words that say something else wherever they stand."""


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Names of variables by the values that nobody may see."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        login = _LOGIN.match(value)
        if login is not None and _tells(name, login[1]):
            found.setdefault(login[1], name)
        if _SECRET.search(name) and _tells(name, value.strip()) and not _PLACE.fullmatch(value.strip()):
            found.setdefault(value.strip(), name)
    return found


def _tells(name: str, value: str) -> bool:
    """Whether a value can be looked for: no word that stands everywhere, no count, no file that is there."""
    if len(value) < LEAST or len(set(value)) == 1 or value.lower() in _TRIVIAL:
        return False
    if value.isdecimal() and _COUNTED.search(name):
        return False
    return not (value[0] in "/~." and os.path.exists(os.path.expanduser(value)))  # noqa: PTH110, PTH111  # never raises


class Concealment:
    """What hides the secrets of one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._marks: dict[str, str] = {}
        for value, name in secrets(environment).items():
            for form in _forms(value):
                self._marks.setdefault(form, f"[{name}]")
        longest = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def text(self, text: str) -> str:
        """The text with a mark in the place of each secret."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._marks[found[0]], text)

    def facts(self, facts: Facts) -> Facts:
        """Facts whose texts hold no secret; also none that was cut where a text ends or begins."""
        return facts if self._pattern is None else {name: self._value(value) for name, value in facts.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._ends(self.text(value))
        if isinstance(value, dict):
            return {self._value(name): self._value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value

    def _ends(self, text: str) -> str:
        """Texts are cut to be short: what is left of a secret there tells most of it."""
        for form, mark in self._marks.items():
            bare = text.rstrip("…")
            if form[:LEAST] in bare[-len(form) :]:
                size = next((n for n in range(len(form) - 1, LEAST - 1, -1) if bare.endswith(form[:n])), 0)
                if size:
                    text = f"{bare[: len(bare) - size]}{mark}{text[len(bare) :]}"
            bare = text.lstrip("…")
            if form[-LEAST:] in bare[: len(form)]:
                size = next((n for n in range(len(form) - 1, LEAST - 1, -1) if bare.startswith(form[-n:])), 0)
                if size:
                    text = f"{text[: len(text) - len(bare)]}{mark}{bare[size:]}"
        return text


def _forms(value: str) -> Iterator[str]:
    """A secret as programs print it: as it is, in JSON, in a URL, line by line where it has several."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    if not value.replace("-", "").replace("_", "").isalnum():
        from urllib.parse import quote

        yield quote(value, safe="", errors="replace")
        yield quote(value, errors="replace")
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield " ".join(value.split())  # as one line of a summary
        yield from (line for line in lines if len(line) >= _LINE and not line.startswith("-----"))
