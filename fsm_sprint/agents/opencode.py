"""opencode: `opencode run --format json`, the prompt on stdin.

What was seen of it: there is no event of a result; a step that finished for the reason `stop` is the nearest to one.
Refused for too many requests it tries again without a word, so that only an idle timeout ends it.
"""

from collections.abc import Iterator, Mapping

from fsm.transition import Facts
from fsm_sprint.agents import telling
from fsm_sprint.agents.about import About
from fsm_sprint.agents.lines import Event
from fsm_sprint.agents.parts import added, count, money, part, tokens, words
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import Trouble, trouble
from fsm_sprint.agents.vocabulary import Tokens

ABOUT = About(
    program="opencode",
    install="npm install -g opencode-ai",
    variables=(
        "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "OPENCODE_API_KEY",
        "OPENCODE_CONFIG_CONTENT",
    ),
    files=("$XDG_DATA_HOME/opencode/auth.json", "~/.local/share/opencode/auth.json"),
    login="`opencode auth login`",
)  # fmt: skip

_AUTO = "auto"
"""The one word for permissions: what its own configuration does not deny is allowed."""
_GOING_ON = ("tool-calls", "unknown", "")
"""Reasons for which a step ends and another one follows."""


class Opencode(Streaming):
    """One attempt."""

    def argv(self) -> tuple[str, ...]:
        """Models are named with their provider: `provider/model`."""
        brief = self.brief
        return (
            "opencode", "run", "--format", "json",
            *(("--auto",) if brief.agent.permissions == _AUTO else ()),
            *(("-m", brief.model) if brief.model else ()),
            *(("-s", brief.resume) if brief.resume else ()),
            *brief.agent.args,
        )  # fmt: skip

    def env(self) -> dict[str, str]:
        """No updates, and no list of models from the web."""
        return {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}

    def event(self, found: Event) -> None:
        """By its type."""
        kind, inside = words(found, "type"), part(found, "part")
        session = words(found, "sessionID")
        if session:
            self.session = session
            self.model = self.brief.model or ""  # which its events do not name
        if kind == "step_start":
            self.answer.turn()
            if self.done and self.trouble is None:
                self.done = False
        elif kind == "text":
            self.answer.add(words(inside, "text"))
        elif kind == "step_finish":
            self._step(inside)
        elif kind == "error":
            self.done = True
            self.trouble = _error(part(found, "error"))

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """Its status counts beside its last step, which is no word on how all of it went."""
        if self.trouble is None and ended.get("status", "0") != "0":
            self.done = False
        return super().finish(ended, errors)

    def _step(self, step: object) -> None:
        self.turns = (self.turns or 0) + 1
        self.tokens = added(self.tokens, _used(part(step, "tokens")))
        cost = money(step, "cost")
        if cost is not None:
            self.cost = (self.cost or 0.0) + cost
        reason = words(step, "reason")
        if reason not in _GOING_ON and self.trouble is None:
            self.done = True
            if reason != "stop":
                verdict = "context" if reason == "length" else "failed"
                self.trouble = Trouble(verdict, f"the model stopped early: {reason}")


def _error(error: object) -> Trouble:
    """Its name for it, the status, and what the provider asks for."""
    name, data = words(error, "name"), part(error, "data")
    wait = words(data, "responseHeaders", "retry-after")
    seconds = int(wait) * 1000 if wait.isdecimal() and len(wait) < 9 else None
    text = words(data, "message") or words(error, "message") or name
    return trouble(text, code=name, status=count(data, "statusCode"), retry_after=seconds)


def _used(found: object) -> Tokens:
    read, made = count(found, "input"), count(found, "cache", "write")
    written, reasoning = count(found, "output"), count(found, "reasoning")
    return tokens(
        read=None if read is None else read + (made or 0),
        written=None if written is None else written + (reasoning or 0),
        cached=count(found, "cache", "read"),
        reasoning=reasoning,
    )


def speaks(found: Event) -> bool:
    """Whether an event is one of opencode's."""
    return "sessionID" in found and ("part" in found or "error" in found)


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind, inside = words(found, "type"), part(found, "part")
    if kind in ("text", "reasoning"):
        yield from telling.said(words(inside, "text"))
    elif kind == "tool_use":
        state = part(inside, "state")
        yield from telling.tool(words(inside, "tool"), part(state, "input"))
        if words(state, "status") == "error":
            yield from telling.problem(words(state, "error"))
        else:
            yield from telling.output(words(state, "output"))
    elif kind == "step_finish" and words(inside, "reason") not in _GOING_ON:
        yield from telling.spent(_used(part(inside, "tokens")), money(inside, "cost"))
    elif kind == "error":
        yield from telling.problem(_error(part(found, "error")).error)
