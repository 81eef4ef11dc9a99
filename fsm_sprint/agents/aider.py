"""aider: plain text, the prompt as a file that is its stdin.

What was seen of it: its status is 0 whatever happened, also when it could not log in and when it changed nothing. So
its own lines have to do: `Tokens: …` after each answer, `litellm.…Error: …` where there was none. They count only where
they begin a line, and the last of them decides. It names no session. Whether the work is done, only a gate can tell.
"""

import re
from collections.abc import Mapping

from fsm.transition import Facts
from fsm_sprint.agents.about import About
from fsm_sprint.agents.lines import Event
from fsm_sprint.agents.parts import added, tokens
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import trouble

ABOUT = About(
    program="aider",
    install="pipx install aider-chat",
    variables=(
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "OPENROUTER_API_KEY",
        "DEEPSEEK_API_KEY",
    ),
    files=("~/.aider.conf.yml", "~/.env"),
    login="set the key of its provider, such as OPENAI_API_KEY",
)

_USED = re.compile(
    rb"Tokens: ([0-9.]+)([kM]?) sent(?:, ([0-9.]+)([kM]?) cache write)?(?:, ([0-9.]+)([kM]?) cache hit)?"
    rb", ([0-9.]+)([kM]?) received\.(?: Cost: \$([0-9.]+) message)?"
)
_ERROR = re.compile(rb"litellm\.([A-Za-z]+(?:Error|Exceeded|Limit|Violation))\b[: ]*(.*)")
_CODES = {
    "AuthenticationError": "authentication_error",
    "PermissionDeniedError": "permission_error",
    "RateLimitError": "rate_limit_error",
    "ContextWindowExceededError": "context_length_exceeded",
    "BudgetExceededError": "insufficient_quota",
    "InternalServerError": "server_error",
    "ServiceUnavailableError": "unavailable",
    "APIConnectionError": "connection_error",
    "APIError": "api_error",
    "Timeout": "timeout_error",
}
_SCALE = {b"": 1, b"k": 1000, b"M": 1_000_000}


class Aider(Streaming):
    """One attempt."""

    PLAIN = False

    def argv(self) -> tuple[str, ...]:
        """It reads its message from a file, and stdin is one."""
        brief = self.brief
        return (
            "aider", "--message-file", "/dev/stdin", "--yes-always", "--no-stream", "--no-pretty",
            "--analytics-disable", "--no-check-update", "--no-show-release-notes",
            *(("--model", brief.model) if brief.model else ()),
            *brief.agent.args,
        )  # fmt: skip

    def line(self, line: bytes) -> None:
        """Its own lines, and everything else as the answer."""
        used, error = _USED.match(line), _ERROR.match(line)
        if used is not None:
            self.done, self.trouble = True, None
            self._use(used)
        elif error is not None:
            name = error[1].decode("ascii", "replace")
            self.done = True
            self.trouble = trouble(error[0].decode("utf-8", "replace"), code=_CODES.get(name, ""))
        else:
            self.answer.add(line.decode("utf-8", "replace") + "\n")

    def event(self, found: Event) -> None:
        """It has none."""

    def _use(self, found: re.Match[bytes]) -> None:
        sent, _made, hit, received = (_number(found, group) for group in (1, 3, 5, 7))
        one = tokens(read=None if sent is None else sent, written=received, cached=hit)
        self.tokens = added(self.tokens, one)
        if found[9] is not None:
            self.cost = (self.cost or 0.0) + float(found[9])

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """A bad status, which it has only when it was ended or could not begin, stands."""
        self.close()
        self.model = self.brief.model or ""
        if ended.get("status", "0") != "0" and self.trouble is None:
            self.done = False
        return super().finish(ended, errors)


def _number(found: re.Match[bytes], group: int) -> int | None:
    try:
        return None if found[group] is None else round(float(found[group]) * _SCALE[found[group + 1]])
    except ValueError:
        return None
