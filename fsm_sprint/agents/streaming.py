"""What all drivers of agents that print JSON lines share: from events to facts, and from those to the one verdict.

Rule: the result event decides; without one an error that stands, then the exit status; the words of stderr last, and
only where nothing else says more than `failed`. What a model wrote, a prompt or a tool's output never decides.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from fsm.transition import Facts
from fsm_sprint.agents import until
from fsm_sprint.agents.contract import TAIL, Brief
from fsm_sprint.agents.ending import enforced, judged
from fsm_sprint.agents.lines import Event, Lines, event
from fsm_sprint.agents.parts import clean, short
from fsm_sprint.agents.result import meaning, result
from fsm_sprint.agents.trouble import Trouble, hint, trouble
from fsm_sprint.agents.vocabulary import LIVE, Tokens

_SUMMARY = 600
"""Characters of an answer that are a summary where the agent gives none."""
_DENIALS = 20
_FINAL = frozenset({"auth", "billing", "denied", "context", "turns", "budget"})
"""Errors that stand even when the agent was ended for another reason: it would not have come further."""


class Answer:
    """What the model has said since it last did something, or, while that is nothing, before."""

    def __init__(self) -> None:
        self._now = ""
        self._before = ""

    def add(self, text: str) -> None:
        """More of it; only its end is kept."""
        self._now = (self._now + text)[-TAIL:]

    def put(self, text: str) -> None:
        """This is it, whatever was said before."""
        self._now, self._before = text[-TAIL:], ""

    def turn(self) -> None:
        """What comes is said anew."""
        if self._now.strip():
            self._before = self._now
        self._now = ""

    @property
    def text(self) -> str:
        """As it stands."""
        return self._now if self._now.strip() else self._before


class Streaming(ABC):
    """One attempt of such an agent. A subclass reads its events, and says how it is started."""

    PLAIN: ClassVar[bool] = True
    """Whether text without any event may be an answer."""

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.answer = Answer()
        self.session = ""
        self.model = ""
        self.tokens: Tokens = {}
        self.cost: float | None = None
        self.turns: int | None = None
        self.denials: list[str] = []
        self.done = False
        """The event that says how it went was there, whole."""
        self.structured: object = None
        """The answer as an object, where the agent was asked for one."""
        self.trouble: Trouble | None = None
        """Of the result, once that is there; before it, what stands and was not overcome since."""
        self.end = ""
        """A verdict for which there is no use in waiting."""
        self._lines = Lines()
        self._plain: bytearray | None = bytearray()
        """The end of what was printed, while nothing of it looks like an event."""
        self._told: Facts = {}

    def env(self) -> dict[str, str]:
        """Nothing, unless a subclass knows better."""
        return {}

    def stdin(self) -> bytes:
        """The prompt in UTF-8; half a surrogate pair becomes a question mark."""
        return self.brief.prompt.encode("utf-8", "replace")

    def feed(self, raw: bytes) -> Facts:
        """Reads the events that are whole now."""
        for line in self._lines.feed(raw):
            self._take(line)
        return self._news()

    def close(self) -> None:
        """Nothing more comes: what is left is a line too."""
        for line in self._lines.close():
            self._take(line)

    def _take(self, line: bytes) -> None:
        if line.lstrip().startswith(b"{"):
            self._plain = None
        elif self._plain is not None:
            self._plain += line[-TAIL:] + b"\n"
            del self._plain[:-TAIL]
        self.line(line)

    def line(self, line: bytes) -> None:
        """One line; one that is no event is passed over."""
        found = event(line)
        if found is not None:
            self.event(found)

    @abstractmethod
    def event(self, found: Event) -> None:
        """Takes in one event. Those that are not known, or are not as expected, are passed over."""

    def used(self) -> Tokens:
        """The tokens of this attempt alone."""
        return self.tokens

    def by_code(self, code: int) -> Trouble | None:  # noqa: ARG002  # for subclasses
        """What an exit code means, where the agent gives them a meaning."""
        return None

    def denied(self, what: str) -> None:
        """Something was asked for and not permitted."""
        if len(self.denials) < _DENIALS:
            self.denials.append(short(what, 200))

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """The verdict, and all facts."""
        self.close()
        ground, facts = judged(ended)
        verdict, told = self._verdict(ground, facts, ended, errors.decode("utf-8", "replace"))
        error = told.get("error", facts.pop("error", None))
        facts = {**facts, **self._known(), **told}
        if verdict != "ok" and error:
            facts["error"] = short(clean(error))
        return verdict, facts

    def _verdict(self, ground: str, facts: Facts, ended: Mapping[str, str], errors: str) -> tuple[str, Facts]:
        if ground == "lost":
            return ground, {}
        why = enforced(ended)
        found = self.trouble
        if self.done and found is None:
            return self._answered()
        if found is not None and (self.done or self._stands(found, why, ground)):
            if found.verdict != "failed":
                return self._troubled(found, ended)
            if why is not None:
                return why, {"error": facts.get("error") or found.error}
            known = self.by_code(facts.get("code", 0))
            return self._troubled(found if known is None else known._replace(error=found.error), ended)
        if why is not None:
            return why, {
                "error": facts.get("error") or f"was told to end ({ended['why']}), and gave no result"
            }
        if ground == "ok" and self._plain and self._plain.strip() and self.PLAIN:
            # Something else goes by the agent's name: its status and its words count, as those of any program.
            self.answer.put(self._plain.decode("utf-8", "replace"))
            return self._answered()
        if ground == "ok":
            empty = not self.answer.text.strip()
            error = "ended well, but printed no answer" if empty else "broke off: it ended without its result"
            return "empty" if empty else "crashed", {"error": error}
        if ground == "failed":
            return self._failed(facts, ended, errors)
        return ground, {}

    def _stands(self, found: Trouble, why: str | None, ground: str) -> bool:
        """Whether an error without a result is what the attempt came to."""
        if found.verdict in _FINAL:
            return True
        if found.verdict == "failed":
            return ground in ("ok", "failed") and why is None
        return why != "killed"  # somebody stopped it; it may have come through

    def _troubled(self, found: Trouble, ended: Mapping[str, str]) -> tuple[str, Facts]:
        told: Facts = {"error": found.error}
        if found.kind:
            told["limit-kind"] = found.kind
        if found.retry_after is not None:
            told["retry-after-ms"] = found.retry_after
        if found.verdict == "limit":
            at = int(ended["ended"]) if ended.get("ended", "").isdecimal() else None
            ends = found.until if found.until is not None else until.reset(found.error, at)
            if ends is not None:
                told["until"] = ends
        return found.verdict, told

    def _answered(self) -> tuple[str, Facts]:
        """It says that it is done: with what, and is there anything?"""
        text = self.answer.text
        found = meaning(self.structured) or result(text)
        verdict, told = found if found is not None else ("ok", {})
        if verdict == "failed":
            told.setdefault("error", told.get("summary") or "the agent says that it failed")
        if verdict != "needs-human" and self.denials:
            more = f" and {len(self.denials) - 1} more" if len(self.denials) > 1 else ""
            verdict, told = "denied", {**told, "error": f"was not permitted: {self.denials[0]}{more}"}
        if found is None and not text.strip() and self.structured is None and verdict == "ok":
            return "empty", {"error": "ended well, but its answer is empty"}
        if "summary" not in told and text.strip():
            told["summary"] = short(clean(text.strip()), _SUMMARY)
        return verdict, told

    def _failed(self, facts: Facts, ended: Mapping[str, str], errors: str) -> tuple[str, Facts]:
        """A bad status and no word of why: its codes, then the last that it said on stderr."""
        last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "")
        known = self.by_code(facts.get("code", 0))
        if known is not None:
            return self._troubled(known._replace(error=last or known.error), ended)
        verdict = hint(errors)
        if verdict is not None:
            return self._troubled(trouble(_telling(errors, verdict)), ended)
        error = str(facts.get("error", "failed"))
        return "failed", {"error": f"{error}: {last}" if last and last not in error else error}

    def _known(self) -> Facts:
        found: Facts = {}
        if self.session:
            found["session"] = short(self.session, 200)
        if self.model:
            found["model"] = short(self.model, 200)
        used = self.used()
        if used:
            found["tokens"] = used
        if self.cost is not None and (self.cost > 0 or not any(used.values())):
            found["cost-usd"] = self.cost  # 0 for work that was done means that nobody knows its price
        if self.turns is not None:
            found["turns"] = self.turns
        if self.denials:
            found["denials"] = list(self.denials)
        return found

    def _news(self) -> Facts:
        """What is known now, if anything of it is worth telling while the attempt runs."""
        known = {name: value for name, value in self._known().items() if name in LIVE}
        told = self._told
        fresh = any(
            name not in told or (name in ("session", "model") and told[name] != known[name]) for name in known
        )
        news = dict(known) if fresh else {}
        self._told |= news
        if self.end and "end" not in told:
            news["end"] = self._told["end"] = self.end
        return news


def _telling(errors: str, verdict: str) -> str:
    """The line of stderr that says most: the first that says what the whole was taken for."""
    return next((line.strip() for line in errors.splitlines() if hint(line) == verdict), errors.strip())
