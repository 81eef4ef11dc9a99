"""Claude Code: `claude -p` with a stream of JSON lines, the prompt on stdin.

What was seen of it: an error of the API ends in a result whose `subtype` is `success` and whose `is_error` is true;
what was not permitted ends in one without any error, listed in `permission_denials`; a login that does not work is
tried again for minutes, each time with an `api_retry` event; SIGINT ends it with 0, SIGTERM without a result.
"""

import json
from collections.abc import Iterator

from fsm_sprint.agents import telling, until
from fsm_sprint.agents.about import About
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.lines import Event, event
from fsm_sprint.agents.parts import added, count, items, money, part, tokens, words
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import Trouble, trouble
from fsm_sprint.agents.vocabulary import Tokens

ABOUT = About(
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    variables=(
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY",
    ),
    files=("$CLAUDE_CONFIG_DIR/.credentials.json", "~/.claude/.credentials.json"),
    login="`claude`, then /login; or set ANTHROPIC_API_KEY",
)  # fmt: skip

PERMISSIONS = "acceptEdits"
"""The permission mode where the sprint names none: files may be written, commands may not be run unasked."""
_SKIP = "dangerously-skip-permissions"
_SUBTYPES = {"error_max_turns": "turns", "error_max_budget_usd": "budget"}
_SAID = {"error_max_turns": "used up its turns", "error_max_budget_usd": "used up what it may cost"}
"""What is said of such an end where the agent has no words for it."""
_HOPELESS = ("auth", "billing")
"""Troubles that trying again does not mend."""
_LEAST = 0.0001
"""US dollars: it does not start with a budget of 0."""
_MESSAGES = 64
"""Messages whose usage is remembered: the parts of one repeat it."""
_INSERTED = b'{"type":"rate_limit_event"'


class Claude(Streaming):
    """One attempt."""

    def __init__(self, brief: Brief) -> None:
        super().__init__(brief)
        self._rejected: Trouble | None = None
        """The usage limit that was met."""
        self._synthetic: Trouble | None = None
        """The error that the last message consists of."""
        self._before: Tokens = {}
        self._messages: dict[str, Tokens] = {}
        self._head = b""
        """The beginning of a line into which another one was written."""

    def argv(self) -> tuple[str, ...]:
        """What the sprint adds stands last: of two, claude takes the last."""
        brief = self.brief
        mode = brief.agent.permissions or PERMISSIONS
        return (
            "claude", "-p", "--output-format", "stream-json", "--verbose",
            *((f"--{_SKIP}",) if mode == _SKIP else ("--permission-mode", mode)),
            *(("--model", brief.model) if brief.model else ()),
            *(("--resume", brief.resume) if brief.resume else ()),
            *(("--max-budget-usd", f"{max(brief.budget, _LEAST):.4f}") if brief.budget is not None else ()),
            *brief.agent.args,
        )  # fmt: skip

    def env(self) -> dict[str, str]:
        """No updates and no reports while it works."""
        return {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}

    def line(self, line: bytes) -> None:
        """A limit's event may have been written into the middle of another line: then both are read."""
        head, self._head = self._head, b""
        found = (event(head + line) if head else None) or event(line)
        if found is not None:
            self.event(found)
        elif (at := line.find(_INSERTED)) > 0:
            self._parted(line[:at], line[at:].decode("utf-8", "replace"))

    def _parted(self, head: bytes, rest: str) -> None:
        try:
            inserted, end = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError):
            return
        self.event(inserted)
        after = rest[end:].strip().encode("utf-8", "replace")
        whole = event(head + after) if after else None
        if whole is not None:
            self.event(whole)
        elif not after:
            self._head = head

    def event(self, found: Event) -> None:
        """By its type."""
        self.session = words(found, "session_id") or self.session
        kind = words(found, "type")
        if kind == "system":
            self._system(found)
        elif kind == "assistant":
            self._assistant(found)
        elif kind == "rate_limit_event":
            self._limit(part(found, "rate_limit_info"))
        elif kind == "result":
            self._result(found)

    def _system(self, found: Event) -> None:
        subtype = words(found, "subtype")
        if subtype == "init":
            self.model = words(found, "model") or self.model
        elif subtype == "permission_denied":
            self.denied(words(found, "tool_name") or "a tool")
        elif subtype == "api_retry" and not self.done:
            code = words(found, "error")
            self.trouble = trouble(
                f"the API refused: {code or 'unknown'}, attempt {count(found, 'attempt') or 1}",
                code=code,
                status=count(found, "error_status"),
                retry_after=count(found, "retry_delay_ms"),
            )
            if self.trouble.verdict in _HOPELESS:
                self.end = self.trouble.verdict

    def _assistant(self, found: Event) -> None:
        message, code = part(found, "message"), words(found, "error")
        if not part(found, "parent_tool_use_id"):  # its helpers' messages are no answer
            text = "".join(words(block, "text") for block in items(message, "content"))
            self._synthetic = self._error(found, code, text) if code else None
            self.answer.turn()
            self.answer.add(text)
        if self.done:
            return
        self.trouble = self._synthetic
        if not code:
            self.model = self.model or words(message, "model")
            self._use(words(message, "id"), part(message, "usage"))

    def _use(self, message: str, usage: object) -> None:
        """Adds up what messages say of themselves; the result says it of all, and better."""
        self._messages[message] = _used(usage)
        if len(self._messages) > _MESSAGES:
            self._before = added(self._before, self._messages.pop(next(iter(self._messages))))
        self.tokens = self._before
        for one in self._messages.values():
            self.tokens = added(self.tokens, one)

    def _limit(self, info: object) -> None:
        if words(info, "status") != "rejected":
            return  # a warning, or news of a limit that is still far
        kind = words(info, "rateLimitType") or "usage"
        ends = until.moment(part(info, "resetsAt"))
        self._rejected = Trouble("limit", f"usage limit reached: {kind}", kind, ends)
        if not self.done:
            self.trouble = self._rejected

    def _error(self, found: Event, code: str, text: str) -> Trouble:
        info = part(found, "api_error_params", "rate_limit_info")
        known = trouble(
            text,
            code=words(found, "api_error") or code or words(found, "api_error_type"),
            status=count(found, "api_error_status"),
            kind=words(info, "rateLimitType"),
            ends=until.moment(part(info, "resetsAt")),
        )
        rejected = self._rejected
        if known.verdict == "limit" and known.until is None and rejected is not None:
            known = known._replace(until=rejected.until, kind=rejected.kind)
        return known

    def _result(self, found: Event) -> None:
        self.done = True
        self.turns = count(found, "num_turns")
        self.cost = money(found, "total_cost_usd")
        self.tokens = _total(found) or self.tokens
        self.structured = part(found, "structured_output")
        denials = items(found, "permission_denials")
        if denials:
            self.denials.clear()
        for denial in denials:
            self.denied(telling.named(words(denial, "tool_name"), part(denial, "tool_input")))
        text, subtype = words(found, "result"), words(found, "subtype")
        if subtype in _SUBTYPES or subtype.startswith("error"):
            why = _reason(found) or text or _SAID.get(subtype, subtype)
            self.trouble = Trouble(_SUBTYPES.get(subtype, "failed"), why)
        elif part(found, "is_error") is True:
            known, before = self._error(found, "", text), self._synthetic
            self.trouble = before if known.verdict == "failed" and before is not None else known
        else:
            # A version has told of a limit in a message that was an error, and ended in a result that was none.
            self.trouble = self._synthetic
            self.answer.put(text)


def _used(usage: object) -> Tokens:
    read, made = count(usage, "input_tokens"), count(usage, "cache_creation_input_tokens")
    return tokens(
        read=None if read is None else read + (made or 0),
        written=count(usage, "output_tokens"),
        cached=count(usage, "cache_read_input_tokens"),
        reasoning=count(usage, "output_tokens_details", "thinking_tokens"),
    )


def _total(found: Event) -> Tokens:
    """Of all models, those of its helpers among them; else of the conversation itself."""
    models = part(found, "modelUsage")
    total: Tokens = {}
    for one in models.values() if isinstance(models, dict) else ():
        read, made = count(one, "inputTokens"), count(one, "cacheCreationInputTokens")
        total = added(
            total,
            tokens(
                read=None if read is None else read + (made or 0),
                written=count(one, "outputTokens"),
                cached=count(one, "cacheReadInputTokens"),
                reasoning=count(one, "thinkingTokens"),
            ),
        )
    return total or _used(part(found, "usage"))


def _reason(found: Event) -> str:
    """What an error result says of itself beside its subtype."""
    return "; ".join(text for one in items(found, "errors") if (text := words(one) or words(one, "message")))


def speaks(found: Event) -> bool:
    """Whether an event is one of claude's."""
    kind = words(found, "type")
    return "session_id" in found and (
        kind in ("system", "assistant", "user", "rate_limit_event")
        or (kind == "result" and "subtype" in found)
    )


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind, subtype = words(found, "type"), words(found, "subtype")
    if kind == "system" and subtype == "init":
        yield from telling.begun(words(found, "session_id"), words(found, "model"))
    elif kind == "system" and subtype == "api_retry":
        yield from telling.problem(f"the API refused ({words(found, 'error')}); claude tries again")
    elif kind == "system" and subtype == "permission_denied":
        yield from telling.problem(f"not permitted: {words(found, 'tool_name')}")
    elif kind == "rate_limit_event" and words(found, "rate_limit_info", "status") != "allowed":
        info = part(found, "rate_limit_info")
        yield from telling.problem(f"usage limit {words(info, 'rateLimitType')}: {words(info, 'status')}")
    elif kind == "assistant" and words(found, "error"):
        yield from telling.problem(telling.text_of(part(found, "message", "content")))
    elif kind == "assistant":
        for block in items(found, "message", "content"):
            if words(block, "type") == "tool_use":
                yield from telling.tool(words(block, "name"), part(block, "input"))
            else:
                yield from telling.said(words(block, "text"))
    elif kind == "user":
        for block in items(found, "message", "content"):
            if words(block, "type") == "tool_result":
                yield from telling.output(telling.text_of(part(block, "content")))
    elif kind == "result":
        if subtype.startswith("error"):  # any other has been told by the message before
            yield from telling.problem(words(found, "result") or _reason(found) or subtype)
        yield from telling.spent(_total(found), money(found, "total_cost_usd"), count(found, "num_turns"))
