"""Gemini CLI: `gemini -o stream-json`, the prompt on stdin.

What was seen of it: it repeats the prompt as a message of the user; told to end, it ends with 0 and without a result;
an error of the API ends it with the HTTP status modulo 256; with `-o json` it prints one object, or one on stderr. What
its mode does not permit is not refused but not there: a model that asks for it all the same is told `not registered`.
After an error of the API it takes the prompt out of the session: where there was no answer, nothing is left of that.
"""

from collections.abc import Iterator, Mapping

from fsm.transition import Facts
from fsm_sprint.agents import telling
from fsm_sprint.agents.about import About
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.lines import Event, event
from fsm_sprint.agents.parts import added, count, part, tokens, words
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import Trouble, by_status, trouble
from fsm_sprint.agents.vocabulary import Tokens

ABOUT = About(
    program="gemini",
    install="npm install -g @google/gemini-cli",
    variables=(
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ),
    files=("~/.gemini/oauth_creds.json",),
    login="`gemini` and its menu; or set GEMINI_API_KEY",
)

PERMISSIONS = "auto_edit"
"""The approval mode where the sprint names none."""
_CODES = {
    41: ("auth", "not logged in, or not the way that its settings say"),
    42: ("failed", "did not take its input"),
    44: ("failed", "its sandbox could not be started"),
    52: ("failed", "its configuration is wrong"),
    53: ("turns", "used up its turns"),
    54: ("failed", "a tool failed for good"),
    55: ("denied", "does not trust this directory"),
    130: ("killed", "interrupted"),
}
_WITHHELD = ("run_shell_command", "write_file", "replace")
"""Tools of its own that are there or not by its mode."""
_OPEN = 64
"""Calls of those that are remembered until their results come."""
_LONGEST = 1024 * 1024
"""Bytes of an answer that is one object over many lines."""
_STATUSES = {
    status % 256: status for status in (400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529)
}


class Gemini(Streaming):
    """One attempt."""

    def __init__(self, brief: Brief) -> None:
        super().__init__(brief)
        self._whole: bytearray | None = bytearray()
        """All that was printed, while there has been no event and it is short."""
        self._heard = False
        """The model has answered, or called a tool."""
        self._open: dict[str, str] = {}
        """By its id, a call of a tool that may not be there, in words."""

    def argv(self) -> tuple[str, ...]:
        """Without `--skip-trust` it refuses to work in a directory that nobody has confirmed."""
        brief = self.brief
        return (
            "gemini", "-o", "stream-json", "--skip-trust",
            "--approval-mode", brief.agent.permissions or PERMISSIONS,
            *(("-m", brief.model) if brief.model else ()),
            *(("--resume", brief.resume) if brief.resume else ()),
            *brief.agent.args,
        )  # fmt: skip

    def env(self) -> dict[str, str]:
        """No reports, and no second process of itself."""
        return {"GEMINI_TELEMETRY_ENABLED": "false", "GEMINI_CLI_NO_RELAUNCH": "true"}

    def line(self, line: bytes) -> None:
        """Keeps what is no event: it may be a part of one object over many lines."""
        found = event(line)
        if found is not None and words(found, "type"):
            self._whole = None
            self.event(found)
        elif self._whole is not None:
            self._whole += line + b"\n"
            if len(self._whole) > _LONGEST:
                self._whole = None

    def event(self, found: Event) -> None:
        """By its type."""
        kind = words(found, "type")
        if kind == "init":
            self.session = words(found, "session_id") or self.session
            self.model = words(found, "model") or self.model
        elif kind == "message" and words(found, "role") == "assistant":
            self._heard = True
            self.trouble = self.trouble if self.done else None
            self.answer.add(words(found, "content"))
        elif kind == "tool_use":
            self._heard = True
            self.answer.turn()
            self._called(words(found, "tool_id"), words(found, "tool_name"), part(found, "parameters"))
        elif kind == "tool_result":
            self._refused(words(found, "tool_id"), part(found, "error"))
        elif kind == "error" and words(found, "severity") != "warning" and not self.done:
            self.trouble = trouble(words(found, "message"))
        elif kind == "result":
            self._result(found)

    def _called(self, call: str, tool: str, told: object) -> None:
        if tool in _WITHHELD:
            self._open[call] = telling.named(tool, told)
            if len(self._open) > _OPEN:
                self._open.pop(next(iter(self._open)))

    def _refused(self, call: str, error: object) -> None:
        asked, why = self._open.pop(call, ""), words(error, "type").lower()
        if why == "policy_violation":
            self.denied(words(error, "message") or call)
        elif why == "tool_not_registered" and asked:
            self.denied(asked)

    def _result(self, found: Event) -> None:
        self.done = True
        self.tokens = _used(part(found, "stats"))
        error = part(found, "error")
        if words(found, "status") == "success":
            self.trouble = None
        else:
            self.trouble = _error(error) if error else (self.trouble or trouble("ended with an error"))

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """Where all of it is one object, that is the result; an error's object stands on stderr."""
        self.close()
        found = event(bytes(self._whole)) if self._whole else None
        if found is not None and "response" in found:
            self._whole = None
            self._object(found)
        elif not self.done:
            wrong = event(errors[errors.find(b"{") :]) if b"{" in errors else None
            if wrong is not None and part(wrong, "error"):
                self.session = words(wrong, "session_id") or self.session
                self.trouble = _error(part(wrong, "error"))
        verdict, facts = super().finish(ended, errors)
        if self.done and self.trouble and self.session and not self._heard and self.brief.resume is None:
            facts["session-kept"] = False
        return verdict, facts

    def _object(self, found: Event) -> None:
        self.done = True
        self.session = words(found, "session_id") or self.session
        self.answer.put(words(found, "response"))
        models = part(found, "stats", "models")
        for name, one in models.items() if isinstance(models, dict) else ():
            self.model = self.model or words(name)
            of = part(one, "tokens")
            thoughts, written = count(of, "thoughts"), count(of, "candidates")
            self.tokens = added(
                self.tokens,
                tokens(
                    read=count(of, "input"),
                    written=None if written is None else written + (thoughts or 0),
                    cached=count(of, "cached"),
                    reasoning=thoughts,
                ),
            )
        self.trouble = _error(part(found, "error")) if part(found, "error") else None

    def by_code(self, code: int) -> Trouble | None:
        """Its own codes, and those that are what is left of an HTTP status."""
        if code in _CODES:
            return Trouble(*_CODES[code])
        status = _STATUSES.get(code)
        verdict = by_status(status)
        return Trouble(verdict, f"HTTP {status}", "rate" if verdict == "limit" else "") if verdict else None


def _error(error: object) -> Trouble:
    code = part(error, "code")
    known = _CODES.get(code) if isinstance(code, int) else None
    found = trouble(
        words(error, "message"),
        code=words(error, "type") or words(error, "code"),
        status=code if isinstance(code, int) and code >= 400 else None,
    )
    return found._replace(verdict=known[0]) if known is not None and found.verdict == "failed" else found


def _used(stats: object) -> Tokens:
    read, cached = count(stats, "input_tokens"), count(stats, "cached")
    fresh = count(stats, "input")
    return tokens(
        read=fresh if fresh is not None or read is None else read - (cached or 0),
        written=count(stats, "output_tokens"),
        cached=cached,
    )


def speaks(found: Event) -> bool:
    """Whether an event is one of gemini's."""
    kind = words(found, "type")
    marks = {
        "init": "session_id",
        "message": "role",
        "tool_use": "tool_name",
        "tool_result": "tool_id",
        "error": "severity",
        "result": "stats",
    }
    return kind in marks and marks[kind] in found and "subtype" not in found


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind = words(found, "type")
    if kind == "init":
        yield from telling.begun(words(found, "session_id"), words(found, "model"))
    elif kind == "message":
        text = words(found, "content")
        if words(found, "role") == "assistant":
            yield text if part(found, "delta") is True else f"{text}\n"
    elif kind == "tool_use":
        yield from telling.tool(words(found, "tool_name"), part(found, "parameters"))
    elif kind == "tool_result":
        yield from telling.output(words(found, "output") or words(found, "error", "message"))
    elif kind == "error":
        yield from telling.problem(words(found, "message"))
    elif kind == "result":
        if words(found, "status") != "success":
            yield from telling.problem(words(found, "error", "message") or "ended with an error")
        yield from telling.spent(_used(part(found, "stats")))
