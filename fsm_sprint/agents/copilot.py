"""GitHub Copilot: `copilot --output-format json`, the prompt on stdin.

What was seen of it: without leave to use its tools it ends well, having done nothing; the refusal stands in what came
of the tool. It hides its key wherever it would print it, in the names of fields too.
"""

from collections.abc import Iterator

from fsm_sprint.agents import telling
from fsm_sprint.agents.about import About
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.lines import Event
from fsm_sprint.agents.parts import added, count, part, tokens, words
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import Trouble, trouble

ABOUT = About(
    program="copilot",
    install="npm install -g @github/copilot",
    variables=("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_BASE_URL"),
    files=("$COPILOT_HOME/config.json", "~/.copilot/config.json"),
    login="`copilot login`; or set COPILOT_GITHUB_TOKEN",
)

PERMISSIONS = "allow-all-tools"
"""What it may do where the sprint names nothing: use its tools, inside of its directory."""
_WHOLE = ("allow-all", "allow-all-tools", "yolo")
_DENIED = "denied"


class Copilot(Streaming):
    """One attempt."""

    def __init__(self, brief: Brief) -> None:
        super().__init__(brief)
        self._tools: dict[str, str] = {}
        """By call, what is under way."""

    def argv(self) -> tuple[str, ...]:
        """Permissions are its flags without the dashes, or tools as `--allow-tool` takes them."""
        brief = self.brief
        leave = brief.agent.permissions or PERMISSIONS
        return (
            "copilot", "--output-format", "json", "--disable-client-telemetry",
            f"--{leave}" if leave in _WHOLE else f"--allow-tool={leave}",
            *(("--model", brief.model) if brief.model else ()),
            *((f"--resume={brief.resume}",) if brief.resume else ()),
            *brief.agent.args,
        )  # fmt: skip

    def env(self) -> dict[str, str]:
        """No updates while it works."""
        return {"COPILOT_AUTO_UPDATE": "false"}

    def event(self, found: Event) -> None:
        """By its type."""
        kind, data = words(found, "type"), part(found, "data")
        self.session = words(data, "sessionId") or self.session
        if kind in ("session.tools_updated", "model.call_start", "assistant.message", "session.model_change"):
            self.model = words(data, "model") or words(data, "newModel") or self.model
        if kind == "assistant.message" and not part(data, "parentToolCallId"):
            self.trouble = self.trouble if self.done else None
            self.answer.turn()
            self.answer.add(words(data, "content"))
        elif kind == "assistant.turn_end":
            self.turns = (self.turns or 0) + 1
        elif kind == "assistant.usage":
            self._use(data)
        elif kind == "tool.execution_start":
            if len(self._tools) < 1000:
                name = words(data, "toolName")
                self._tools[words(data, "toolCallId")] = telling.named(name, part(data, "arguments"))
        elif kind == "tool.execution_complete":
            what = self._tools.pop(words(data, "toolCallId"), "a tool")
            if part(data, "success") is False and words(data, "error", "code") == _DENIED:
                self.denied(what)
        elif kind == "session.error" and not self.done:
            code, status = words(data, "errorType"), count(data, "statusCode")
            self.trouble = trouble(words(data, "message"), code=code, status=status)
        elif kind == "result":
            self._result(found)

    def _use(self, data: object) -> None:
        read, cached = count(data, "inputTokens"), count(data, "cacheReadTokens")
        one = tokens(
            read=None if read is None else read - (cached or 0),
            written=count(data, "outputTokens"),
            cached=cached,
        )
        self.tokens = added(self.tokens, one)

    def _result(self, found: Event) -> None:
        self.done = True
        self.session = words(found, "sessionId") or self.session
        code = part(found, "exitCode")
        if code == 0:
            self.trouble = None
        elif self.trouble is None:
            self.trouble = Trouble("failed", f"exit code {code}")


def speaks(found: Event) -> bool:
    """Whether an event is one of copilot's."""
    kind = words(found, "type")
    dotted = kind.partition(".")[0] in ("session", "assistant", "user", "tool", "model") and "." in kind
    return (dotted and "data" in found) or (kind == "result" and "exitCode" in found)


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind, data = words(found, "type"), part(found, "data")
    if kind == "assistant.message":
        yield from telling.said(words(data, "content"))
    elif kind == "tool.execution_start":
        yield from telling.tool(words(data, "toolName"), part(data, "arguments"))
    elif kind == "tool.execution_complete":
        if part(data, "success") is False:
            yield from telling.problem(words(data, "error", "message") or words(data, "error", "code"))
        else:
            yield from telling.output(telling.text_of(part(data, "result", "content")))
    elif kind == "session.error":
        yield from telling.problem(words(data, "message") or words(data, "errorType"))
    elif kind == "result":
        yield from telling.begun(words(found, "sessionId"), "")
