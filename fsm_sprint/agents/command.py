"""Any program that reads a prompt on stdin: plain text, or JSON lines of the few events that are named here.

Text: its exit status decides, and the result that it may leave at the end of its stdout. JSON lines: when the first
line that is not empty is an object with a known `type`, every line is an event. docs/agents.md says what they hold.
"""

from collections.abc import Iterator, Mapping

from fsm.transition import Facts
from fsm_sprint.agents import telling
from fsm_sprint.agents.contract import TAIL, VERDICTS, Brief
from fsm_sprint.agents.ending import judged
from fsm_sprint.agents.lines import Event, event
from fsm_sprint.agents.parts import clean, count, money, part, tokens, words
from fsm_sprint.agents.result import STATUSES, result
from fsm_sprint.agents.streaming import Streaming
from fsm_sprint.agents.trouble import Trouble, trouble
from fsm_sprint.agents.until import moment
from fsm_sprint.agents.vocabulary import Tokens

EVENTS = ("session", "text", "usage", "tool", "error", "result")
"""Types of the events of a program that prints JSON lines."""
_TROUBLES = frozenset(VERDICTS) - {
    "ok",
    "needs-human",
    "timeout",
    "idle",
    "lost",
    "killed",
    "empty",
    "crashed",
}


class Command(Streaming):
    """One attempt of a program."""

    def __init__(self, brief: Brief) -> None:
        super().__init__(brief)
        self._events: bool | None = None
        """Whether it prints events; None before it has printed anything."""
        self._tail = bytearray()

    def argv(self) -> tuple[str, ...]:
        """As it was given."""
        return (*self.brief.agent.command, *self.brief.agent.args)

    def env(self) -> dict[str, str]:
        """What other agents are told on their command lines."""
        brief = self.brief
        told = {
            "FSM_SPRINT_MODEL": brief.model,
            "FSM_SPRINT_RESUME": brief.resume,
            "FSM_SPRINT_PERMISSIONS": brief.agent.permissions,
            "FSM_SPRINT_BUDGET_USD": None if brief.budget is None else f"{brief.budget:.4f}",
        }
        return {name: value for name, value in told.items() if value is not None}

    def feed(self, raw: bytes) -> Facts:
        """Keeps the end of what is printed, and reads events where there are any."""
        if self._events is not True:
            self._tail += raw[-TAIL:]
            del self._tail[:-TAIL]
        return super().feed(raw) if self._events is not False else {}

    def line(self, line: bytes) -> None:
        """The first one that is not empty says what all of them are."""
        if self._events is False or not line.strip():
            return
        found = event(line)
        if self._events is None:
            self._events = found is not None and words(found, "type") in EVENTS
        if self._events and found is not None:
            self.event(found)

    def event(self, found: Event) -> None:
        """By its type."""
        kind = words(found, "type")
        if kind == "session":
            self.session = words(found, "session") or self.session
            self.model = words(found, "model") or self.model
        elif kind == "text":
            self.answer.add(words(found, "text"))
        elif kind == "tool":
            self.answer.turn()
        elif kind == "usage":
            self.tokens = _used(part(found, "tokens"))
            self.cost = money(found, "cost-usd")
            self.turns = count(found, "turns")
        elif kind == "error" and not self.done:
            self.trouble = _error(found)
        elif kind == "result" and words(found, "status") in STATUSES:
            self.done = True
            self.trouble = None
            self.structured = {**found, "summary": words(found, "summary") or self.answer.text.strip()}

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """A failure by status stays one whatever was said, except that an agent may always ask for a person."""
        self.close()
        if self._events:
            status = judged(ended)[0]
            if self.done and status != "ok" and part(self.structured, "status") == "completed":
                self.done = False
            return super().finish(ended, errors)
        verdict, facts = judged(ended)
        said = result(self._tail.decode("utf-8", "replace"))
        if said is None or verdict == "lost":
            if verdict == "ok" and "why" in facts:
                # Some agents end with 0 when they are told to: that is no proof of work done.
                verdict = {"stopped": "killed", "first-output": "idle"}.get(facts["why"], str(facts["why"]))
                facts["error"] = f"ended with code 0, but only when it was told to ({facts['why']})"
            return verdict, facts
        meant, told = said
        if verdict == "ok" or meant == "needs-human":
            if meant == "failed":
                told.setdefault("error", told.get("summary", "the agent says that it failed"))
            return meant, {**facts, **told}
        return verdict, {**told, **facts}


def _used(used: object) -> Tokens:
    return tokens(
        read=count(used, "input"),
        written=count(used, "output"),
        cached=count(used, "cached"),
        reasoning=count(used, "reasoning"),
    )


def _error(found: Event) -> Trouble:
    """A program may name the verdict itself; else its words are looked at."""
    kind, text = words(found, "kind"), clean(words(found, "error"))
    known = trouble(
        text,
        code=kind,
        kind=words(found, "limit-kind"),
        ends=moment(part(found, "until")),
        retry_after=count(found, "retry-after-ms"),
    )
    if kind not in _TROUBLES:
        return known
    limit = words(found, "limit-kind") or known.kind or "usage"
    return known._replace(
        verdict=kind, kind=limit if kind == "limit" else "", until=moment(part(found, "until"))
    )


def speaks(found: Event) -> bool:
    """Whether an event is one of those that a program may print."""
    kind = words(found, "type")
    marks = {"usage": "tokens", "result": "status"} | {
        name: name for name in ("session", "text", "tool", "error")
    }
    return (
        kind in marks and marks[kind] in found and not {"stats", "sessionID", "part", "data"} & found.keys()
    )


def told(found: Event) -> Iterator[str]:
    """An event for people."""
    kind = words(found, "type")
    if kind == "session":
        yield from telling.begun(words(found, "session"), words(found, "model"))
    elif kind == "text":
        yield words(found, "text")
    elif kind == "tool":
        yield from telling.tool(words(found, "tool"), part(found, "input"))
        yield from telling.output(words(found, "output"))
    elif kind == "usage":
        yield from telling.spent(
            _used(part(found, "tokens")), money(found, "cost-usd"), count(found, "turns")
        )
    elif kind == "error":
        yield from telling.problem(words(found, "error"))
    elif kind == "result":
        yield from telling.note(
            ": ".join(text for name in ("status", "summary", "error") if (text := words(found, name)))
        )
