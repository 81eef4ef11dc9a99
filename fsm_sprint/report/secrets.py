"""Hides what looks like a secret in text that is shown. The text on disk stays as the program wrote it.

Rule: by shape, and by the values that secrets have in the environment of whoever looks. A token that looks like nothing
in particular and is not in the environment passes, so logs stay private files (0600) all the same.
"""

import os
import re
from collections.abc import Mapping

from fsm_sprint.concealment import Concealment

HIDDEN = "[redacted]"

_SHAPES = (
    r"sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}",  # Anthropic, OpenAI, OpenRouter
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{30,}",
    r"gl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_.-]{18,}",  # GitLab
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}",  # Slack
    r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}",  # Google
    r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}",  # package registries
    r"hf_[A-Za-z0-9]{30,}|dop_v1_[a-f0-9]{40,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"eyJ[A-Za-z0-9_-]{8,5000}\.eyJ[A-Za-z0-9_-]{8,5000}\.[A-Za-z0-9_-]*",  # JWT
)
_TOKENS = re.compile("|".join(rf"(?<![A-Za-z0-9_])(?:{shape})" for shape in _SHAPES))

_HINT = re.compile("sk-|[rs]k_|gh|github_|gl|A[KSBC]|xox|xapp|AIza|ya29|npm_|pypi-|hf_|dop_|SG[.]|eyJ")
"""Begins every token and few other words; six times as fast, so most lines cost no more than this."""

_NAMED = re.compile(
    r"(?i)((?:password|passwd|secret|token|api[_-]?key|(?:access|secret|private)[_-]?key)"
    r"(?:[_-][a-z0-9]{1,30}){0,6}[\"']?\s*[=:]\s*[\"']?)(?!\[redacted\])([^\s\"',;&]{8,})"
)
_BEARER = re.compile(r"(?i)\b((?:bearer|authorization:\s*(?:basic|token))\s+)([A-Za-z0-9._~+/=-]{8,})")
_LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://[^\s/:@]*:)([^\s/@]+)@")
_KEY = re.compile(r"-{5}(BEGIN|END) [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-{5}")


def redacted(text: str) -> str:
    """Text with everything that has the shape of a token, a password in a URL or a named secret hidden."""
    if _HINT.search(text):
        text = _TOKENS.sub(HIDDEN, text)
    if "://" in text:
        text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
    small = text.lower()
    if "bearer" in small or "authorization" in small:
        text = _BEARER.sub(rf"\1{HIDDEN}", text)
    if any(word in small for word in ("passw", "secret", "token", "key")) and ("=" in text or ":" in text):
        text = _NAMED.sub(_named, text)
    return text


def _named(found: re.Match[str]) -> str:
    # Numbers are counts (`tokens: 123456789`), and `$NAME` or `<…>` stand for a value without telling it.
    value = found[2]
    return found[0] if value.isdecimal() or value[0] in "$<{[*" else f"{found[1]}{HIDDEN}"


class Redactor:
    """Lines of one text in order, so that a private key over many lines is hidden too."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._inside = False
        self._known = Concealment(environment)

    def __call__(self, text: str) -> str:
        """One line, or a piece of a long one, with its secrets hidden."""
        text = self._known.text(text)
        found = _KEY.search(text)
        if self._inside:
            if found is not None and found[1] == "END":
                self._inside = False
            elif not _ARMOUR.fullmatch(text):
                self._inside = False  # not a key after all
                return redacted(text)
            return HIDDEN
        if found is not None and found[1] == "BEGIN":
            self._inside = _KEY.search(text, found.end()) is None
            return f"{redacted(text[: found.start()])}{HIDDEN}"
        return redacted(text)


_ARMOUR = re.compile(r"\s*(?:[A-Za-z0-9+/=]*|[A-Za-z0-9-]+: [^\n]*)\s*")
