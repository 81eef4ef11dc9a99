"""What is made up in a rehearsal: how long each task takes and how it ends, what breaks, and what people ask for.

Rule: whatever is left open is drawn from the seed, the unit and how often it has run, and from nothing else; so a
draw does not depend on what runs beside it, nor on how often the supervisor was killed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fsm.hooks import hooks_of
from fsm.plan import Leaf, Plan, digest, nodes


class Ending(NamedTuple):
    """A way in which an attempt can end."""

    verdict: str
    status: int | None
    """Wait status; None when there will be none."""
    kinds: frozenset[str]
    """Kinds of parts that can end so."""
    meaning: str


_ALL = frozenset({"agent", "shell", "gate"})
_BOUND = frozenset({"agent", "shell"})
_AGENT = frozenset({"agent"})

ENDINGS: dict[str, Ending] = {
    "ok": Ending("ok", 0, _ALL, "it ends well"),
    "failed": Ending("failed", 1 << 8, _ALL, "it ends with code 1"),
    "killed": Ending("killed", 9, _ALL, "somebody kills it with SIGKILL"),
    "crashed": Ending("crashed", 6, _ALL, "it breaks down with SIGABRT"),
    "lost": Ending("lost", None, _ALL, "it is killed together with its shim: nobody can know how it ended"),
    "timeout": Ending("timeout", 15, _ALL, "it runs out of time"),
    "idle": Ending("idle", 15, _BOUND, "it prints nothing for too long"),
    "needs-human": Ending("needs-human", 0, _AGENT, "the agent asks for a person"),
    "denied": Ending("denied", 0, _AGENT, "the agent was denied what it needed"),
    "empty": Ending("empty", 0, _AGENT, "the agent gave no answer"),
    "limit": Ending("limit", 1 << 8, _AGENT, "the agent has met a usage limit, `until` says for how long"),
    "overloaded": Ending("overloaded", 1 << 8, _AGENT, "the agent's provider is overloaded"),
    "auth": Ending("auth", 1 << 8, _AGENT, "the agent may not log in"),
    "billing": Ending("billing", 1 << 8, _AGENT, "the agent's account has no credit"),
    "context": Ending("context", 1 << 8, _AGENT, "the agent's context is full"),
    "turns": Ending("turns", 1 << 8, _AGENT, "the agent has used up its turns"),
    "budget": Ending("budget", 1 << 8, _AGENT, "the agent has used up its own budget"),
}
"""By the word that a script uses. A script may also name an exit code."""

DRAWN = {"agent": (60_000, 600_000), "shell": (1_000, 60_000), "gate": (1_000, 10_000)}
"""Between which times, in ms, a part takes when no rule says: by its kind."""

CRASHES = ("supervisor", "power", "launcher")
"""What can be killed: who supervises, the whole machine, who forks for the supervisor."""

ASKED = ("pause", "stop", "cancel", "skip", "answer", "resume")
"""What people can ask for. `resume` is another `run`, of a sprint that rests or was answered."""

NAMED = frozenset({"skip", "answer"})
"""Of these, what is asked about one unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rule: how units that match it end. The first rule that matches counts."""

    place: int
    """Rank among the entries of its script; a draw depends on it."""
    unit: str | None = None
    """Pattern of paths; None for every unit."""
    tries: tuple[int, ...] = ()
    """How-manyth times of running, from 1; empty for every time."""
    chance: float = 1.0
    """How often, of the times when it could count, it does."""
    takes: tuple[int, int] | None = None
    """ms, at least and at most; None for what its kind takes."""
    ends: str = "ok"
    code: int | None = None
    """An exit code instead of `ends`."""
    until: int | None = None
    """ms from the end of the attempt until the limit is lifted."""
    cost: float | None = None
    """US dollars; None when nothing is reported."""
    tokens: int | None = None
    says: str | None = None
    """What it tells about its end."""

    @property
    def ending(self) -> Ending:
        """How it ends."""
        if self.code is None:
            return ENDINGS[self.ends]
        return Ending(
            "ok" if self.code == 0 else "failed", self.code << 8, _ALL, f"it ends with code {self.code}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """Something is killed, at a time or once a row is on disk."""

    kind: str
    at: int | None = None
    """ms since the rehearsal began."""
    after_row: int | None = None
    down: int = 0
    """ms until somebody runs the sprint again."""

    def __str__(self) -> str:
        """The entry in a few words."""
        where = f"at {_clock(self.at)}" if self.at is not None else f"after row {self.after_row}"
        return f"crash of the {'machine' if self.kind == 'power' else self.kind} {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A person asks for something."""

    verb: str
    at: int
    """ms since the rehearsal began."""
    unit: str = ""
    why: str = "as the script has it"
    text: str = ""
    """What is answered."""

    def __str__(self) -> str:
        """The entry in a few words."""
        return f"{self.verb}{f' of {self.unit}' if self.unit else ''} at {_clock(self.at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that is said of a rehearsal beforehand."""

    outcomes: tuple[Outcome, ...] = ()
    crashes: tuple[Crash, ...] = ()
    requests: tuple[Request, ...] = ()


class Part(NamedTuple):
    """Something that will run a process: a leaf, a gate's script, a fix, a hook."""

    path: str
    kind: str
    """`agent`, `shell` or `gate`."""
    timeout: int | None
    """ms that an attempt may take."""
    idle: int | None
    """ms that an attempt may be silent."""

    @property
    def range(self) -> tuple[int, int]:
        """What it takes when nothing is said: well within its bound."""
        least, most = DRAWN[self.kind]
        if self.timeout is not None:
            most = min(most, self.timeout * 9 // 10)
        return min(least, most), most


def parts(plan: Plan) -> dict[str, Part]:
    """Every part of a plan, by path, in plan order."""
    found: dict[str, Part] = {}
    for node in nodes(plan):
        timeout, idle = (
            (_ms(node.timeout), _ms(node.idle_timeout)) if isinstance(node, Leaf) else (None, None)
        )
        for leaf in (node, *hooks_of(plan, node)) if isinstance(node, Leaf) else ():
            kind = "agent" if leaf.prompt is not None else "shell"
            found[leaf.path] = Part(leaf.path, kind, _ms(leaf.timeout), _ms(leaf.idle_timeout))
        if node.gate is not None:
            found[f"{node.path}#gate"] = Part(f"{node.path}#gate", "gate", _ms(node.gate.timeout), None)
            if node.gate.prompt is not None:
                found[f"{node.path}#fix"] = Part(f"{node.path}#fix", "agent", timeout, idle)
    return found


def _clock(ms: int) -> str:
    """As a stopwatch shows it."""
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}"


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def matches(rule: Outcome, path: str) -> bool:
    """Whether a rule speaks of a path.

    In a pattern `*` is any part of a name, `?` one character of it and `**` any number of names; none of them reaches
    past a `#`, so that gates, fixes and hooks are meant only where they are named: `**#gate`, `**#hook.*`.
    """
    if rule.unit is None:
        return True
    (names, _, role), (known, _, known_role) = rule.unit.partition("#"), path.partition("#")
    return (role == "") == (known_role == "") and (
        _like(role, known_role, "*", _character) and _like(names.split("/"), known.split("/"), "**", _name)
    )


def _like(wanted: Sequence[str], found: Sequence[str], star: str, same: Callable[[str, str], bool]) -> bool:
    """Whether a sequence is like a pattern in which a star stands for any number of items; at most quadratic."""
    place = at = retry = 0
    last = -1
    while at < len(found):
        if place < len(wanted) and wanted[place] == star:
            last, retry = place, at
            place += 1
        elif place < len(wanted) and same(wanted[place], found[at]):
            place += 1
            at += 1
        elif last >= 0:
            retry += 1
            place, at = last + 1, retry
        else:
            return False
    return all(rest == star for rest in wanted[place:])


def _name(wanted: str, found: str) -> bool:
    return wanted == found or _like(wanted, found, "*", _character)


def _character(wanted: str, found: str) -> bool:
    return wanted in ("?", found)


class Cast:
    """Who plays what in the rehearsals of a plan: for each time that a part runs, its rule and its time."""

    def __init__(self, plan: Plan, script: Script) -> None:
        self.plan = plan
        self.script = script
        self.parts = parts(plan)
        self._rules = {path: tuple(_matching(part, script.outcomes)) for path, part in self.parts.items()}
        self.used: set[int] = set()
        """Places of the rules that have counted, or would have but for their chance."""

    def outcome(self, seed: int, path: str, nth: int) -> tuple[Outcome, int]:
        """How the `nth` run of a part ends, and after how many ms; its own bound may come before its rule's end."""
        part = self.parts[path]
        draw = _Draw(seed, path, nth)
        rule = next((rule for rule in self._asked(path, nth) if _counts(rule, draw)), _WELL)
        takes = _takes(rule, part, draw)
        if part.timeout is not None and (
            takes > part.timeout or (rule.ends == "timeout" and rule.takes is None)
        ):
            return Outcome(place=rule.place, ends="timeout", cost=rule.cost, tokens=rule.tokens), part.timeout
        return rule, takes

    def _asked(self, path: str, nth: int) -> Iterator[Outcome]:
        for rule in self._rules[path]:
            if not rule.tries or nth in rule.tries:
                self.used.add(rule.place)
                yield rule


_WELL = Outcome(place=-1)


class _Draw(NamedTuple):
    """Chance, for one time that a part runs."""

    seed: int
    path: str
    nth: int

    def __call__(self, what: str) -> float:
        """A number from 0 to less than 1."""
        return int(digest(f"{self.seed} {self.path} {self.nth} {what}")[:13], 16) / 16**13


def _counts(rule: Outcome, draw: _Draw) -> bool:
    return rule.chance >= 1 or draw(f"chance {rule.place}") < rule.chance


def _takes(rule: Outcome, part: Part, draw: _Draw) -> int:
    if rule.takes is None and rule.ends == "idle" and part.idle is not None:
        return part.idle
    least, most = rule.takes or part.range
    return least + int(draw("takes") * (most - least + 1))


def _matching(part: Part, rules: Iterable[Outcome]) -> Sequence[Outcome]:
    """The rules that can ever count for a part; one for an ending that it cannot have does not."""
    return [rule for rule in rules if part.kind in rule.ending.kinds and matches(rule, part.path)]
