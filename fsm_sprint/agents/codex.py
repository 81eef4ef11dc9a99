"""Codex: `codex exec --json`, the prompt on stdin.

What was seen of it: its usage is counted over the whole of a thread, also over what came before it was resumed, and
`input_tokens` holds what came from the cache; an `error` event alone is only a lost connection that is tried again, an
`item` of type error only a warning; what its sandbox refused leaves no trace.
"""

from collections.abc import Iterator

from fsm_sprint.agents import telling
from fsm_sprint.agents.about import About
from fsm_sprint.agents.lines import Event
from fsm_sprint.agents.parts import count, items, part, tokens, words
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import trouble
from fsm_sprint.agents.vocabulary import Tokens

ABOUT = About(
    program="codex",
    install="npm install -g @openai/codex",
    variables=("CODEX_API_KEY", "OPENAI_API_KEY"),
    files=("$CODEX_HOME/auth.json", "~/.codex/auth.json"),
    login="`codex login`; or set CODEX_API_KEY",
)

PERMISSIONS = "workspace-write"
"""The sandbox where the sprint names none."""
_BYPASS = "dangerously-bypass-approvals-and-sandbox"
_WORK = ("command_execution", "file_change", "mcp_tool_call", "web_search")


class Codex(Streaming):
    """One attempt."""

    def argv(self) -> tuple[str, ...]:
        """Options stand before `resume`, which does not take all of them itself."""
        brief = self.brief
        mode = brief.agent.permissions or PERMISSIONS
        return (
            "codex", "exec", "--json", "--skip-git-repo-check",
            "-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false",
            *((f"--{_BYPASS}",) if mode == _BYPASS else ("-s", mode)),
            *(("-m", brief.model) if brief.model else ()),
            *brief.agent.args,
            *(("resume", brief.resume) if brief.resume else ()),
            "-",
        )  # fmt: skip

    def event(self, found: Event) -> None:
        """By its type."""
        kind = words(found, "type")
        if kind == "thread.started":
            self.session = words(found, "thread_id") or self.session
            self.model = self.brief.model or ""  # which its events do not name
        elif kind.startswith("item."):
            self._item(kind, part(found, "item"))
        elif kind == "error":
            self.trouble = self.trouble if self.done else trouble(words(found, "message"))
        elif kind == "turn.failed":
            self.done = True
            self.trouble = trouble(words(found, "error", "message"), code=words(found, "error", "code"))
        elif kind == "turn.completed":
            self.done = True
            self.trouble = None
            self.tokens = _used(part(found, "usage"))

    def _item(self, kind: str, item: object) -> None:
        what = words(item, "type")
        if what == "error":
            return
        if not self.done:
            self.trouble = None
        if what == "agent_message":
            self.answer.turn()
            self.answer.add(words(item, "text"))
        elif kind == "item.completed" and words(item, "status") == "declined":
            self.denied(telling.named(what, words(item, "command")))

    def used(self) -> Tokens:
        """Less what the thread had used before; nothing where that is not known."""
        before = self.brief.spent
        if self.brief.resume is None:
            return self.tokens
        if not before:
            return {}
        if any(self.tokens.get(name, 0) < before.get(name, 0) for name in before):
            return self.tokens  # counted from zero after all
        return {name: number - before.get(name, 0) for name, number in self.tokens.items()}


def _used(usage: object) -> Tokens:
    read, cached = count(usage, "input_tokens"), count(usage, "cached_input_tokens")
    return tokens(
        read=None if read is None else read - (cached or 0),
        written=count(usage, "output_tokens"),
        cached=cached,
        reasoning=count(usage, "reasoning_output_tokens"),
    )


def speaks(found: Event) -> bool:
    """Whether an event is one of codex's."""
    kind = words(found, "type")
    return kind in ("thread.started", "turn.started", "turn.completed", "turn.failed") or (
        kind in ("item.started", "item.updated", "item.completed") and "item" in found
    ) or (kind == "error" and found.keys() == {"type", "message"})  # fmt: skip


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind, item = words(found, "type"), part(found, "item")
    what = words(item, "type")
    if kind == "thread.started":
        yield from telling.begun(words(found, "thread_id"), "")
    elif kind == "error":
        yield from telling.problem(words(found, "message"))
    elif kind == "turn.failed":
        yield from telling.problem(words(found, "error", "message"))
    elif kind == "turn.completed":
        yield from telling.spent(_used(part(found, "usage")))
    elif kind == "item.started" and what in _WORK and what != "file_change":
        yield from telling.tool("$" if what == "command_execution" else words(item, "tool") or what,
                                words(item, "command") or words(item, "query") or part(item, "arguments"))  # fmt: skip
    elif kind == "item.completed":
        if what in ("agent_message", "reasoning"):
            yield from telling.said(words(item, "text"))
        elif what == "error":
            yield from telling.note(words(item, "message"))
        elif what == "file_change":
            for change in items(item, "changes"):
                yield from telling.tool(words(change, "kind") or "change", words(change, "path"))
        elif what == "command_execution":
            yield from telling.output(words(item, "aggregated_output"))
            code = count(item, "exit_code")
            if code or words(item, "status") == "declined":
                yield from telling.problem(f"exit code {code}" if code else "not permitted")
