"""outcomes.yaml as it is written: what a rehearsal is to make up, entry by entry, held against the plan it is for.

Rule: the keys live in the models here and nowhere else; every entry is looked at, and all that is wrong is told at
once, with its place.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError, ValidationError

from compiler.atoms import Closed, Seconds, Text
from compiler.diagnostics import CompileError, Diagnostic
from compiler.nearest import closest, near_miss
from compiler.reader import load
from compiler.tree import Document
from compiler.validate import alias
from compiler.values import DURATION, LONGEST, seconds
from fsm.outcomes import ASKED, CRASHES, ENDINGS, NAMED, Crash, Outcome, Request, Script, matches, parts
from fsm.plan import Plan, nodes

_M = TypeVar("_M", bound=Closed)

_LONGEST = 10_000
"""Entries in one script."""


def _span(value: Any) -> tuple[float, float]:
    """A time, or a list of two."""
    if not isinstance(value, list):
        found = seconds(value)
        return found, found
    if len(value) != 2:
        raise PydanticCustomError("span", "is neither a time nor a list of two, such as [1m, 10m]")
    least, most = seconds(value[0]), seconds(value[1])
    if least > most:
        raise PydanticCustomError("span", "begins with the longer of its two times")
    return least, most


def _tries(value: Any) -> tuple[int, ...]:
    found = value if isinstance(value, list) else [value]
    if not found or not all(type(one) is int and 1 <= one <= 1_000_000 for one in found):
        raise PydanticCustomError("tries", "is neither a number from 1 on nor a list of such")
    return tuple(found)


def _end(value: Any) -> str | int:
    """The word of an ending, or an exit code."""
    word = value
    if isinstance(value, str) and value.startswith("code ") and value[5:].strip().isdecimal():
        word = int(value[5:])
    if type(word) is int:
        if not 0 <= word <= 255:
            raise PydanticCustomError("code", "is no exit code: those go from 0 to 255")
        return word
    if not isinstance(word, str) or word not in ENDINGS:
        meant = (near_miss(word, ENDINGS) or closest(word, ENDINGS)) if isinstance(word, str) else None
        raise PydanticCustomError(
            "ending",
            "is no way to end: {meant}",
            {"meant": f"did you mean `{meant}`?" if meant else f"known are {', '.join(ENDINGS)}, code N"},
        )
    return word


_TIME = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST},
        {"type": "string", "pattern": f"^{DURATION}$"},
    ]
}
_NTH = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
Span = Annotated[
    tuple[float, float],
    BeforeValidator(_span),
    WithJsonSchema(
        {"anyOf": [*_TIME["anyOf"], {"type": "array", "items": _TIME, "minItems": 2, "maxItems": 2}]}
    ),
]
Tries = Annotated[
    tuple[int, ...],
    BeforeValidator(_tries),
    WithJsonSchema({"anyOf": [_NTH, {"type": "array", "items": _NTH, "minItems": 1}]}),
]
Ends = Annotated[
    str | int,
    BeforeValidator(_end),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(ENDINGS)},
                {"type": "string", "pattern": "^code +(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$"},
                {"type": "integer", "minimum": 0, "maximum": 255},
            ]
        }
    ),
]


class Rule(Closed):
    """How units that match it end."""

    unit: Text | None = None
    try_: Tries | None = Field(default=None, alias="try")
    chance: Annotated[float, Field(gt=0, le=1)] | None = None
    takes: Span | None = None
    ends: Ends = "ok"
    until: Seconds | None = None
    cost_usd: Annotated[float, Field(ge=0, le=1e9)] | None = None
    tokens: Annotated[int, Field(ge=0, le=10**15)] | None = None
    says: Text | None = None


class Broken(Closed):
    """Something is killed."""

    crash: Literal["supervisor", "power", "launcher"]
    at: Seconds | None = None
    after_row: Annotated[int, Field(ge=1)] | None = None
    down: Seconds | None = None


class Asking(Closed):
    """A person asks for something."""

    ask: Literal["pause", "stop", "cancel", "skip", "answer", "resume"]
    at: Seconds
    unit: Text | None = None
    reason: Text | None = None
    text: Text | None = None


def outcomes_schema() -> dict[str, Any]:
    """The JSON Schema of the file: what can be said of an entry without knowing the plan that it is for."""
    made = TypeAdapter(list[Rule | Broken | Asking]).json_schema(by_alias=True, mode="validation")
    blocks = made["$defs"]
    blocks["Rule"]["not"] = {"anyOf": [{"required": ["crash"]}, {"required": ["ask"]}]}
    blocks["Broken"]["oneOf"] = [{"required": ["at"]}, {"required": ["after-row"]}]
    said = {"if": {"properties": {"ask": {"const": "answer"}}}, "then": {"required": ["text"]}}
    named = {"if": {"properties": {"ask": {"enum": sorted(NAMED)}}}, "then": {"required": ["unit"]}}
    none = {"not": {"required": ["unit"]}}
    blocks["Asking"]["allOf"] = [
        {**said, "else": {"not": {"required": ["text"]}}},
        {**named, "else": none},
    ]
    return {**made, "maxItems": _LONGEST}


def read_script(path: Path, plan: Plan) -> tuple[Script, dict[int, int]]:
    """The script in a file for rehearsals of a plan, and the line of each rule by its place.

    Raises CompileError with everything that is wrong with it.
    """
    shown = _shown(path)
    document, found = load(path, shown=shown, code="OUTCOMES_LOAD_ERROR")
    if not found:
        reading = _Reading(document, plan)
        script, lines = reading.script()
        found = tuple(reading.found)
        if not found:
            return script, lines
    raise CompileError(found, {shown: document.lines})


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


class _Reading:
    """One script being read."""

    def __init__(self, document: Document, plan: Plan) -> None:
        self.document = document
        self.parts = parts(plan)
        self.units = [node.path for node in nodes(plan)]
        self.found: list[Diagnostic] = []

    def script(self) -> tuple[Script, dict[int, int]]:
        root = self.document.root
        if root is None:
            root = []
        if not isinstance(root, list):
            self.add(
                "INVALID_OUTCOMES", "A script has to be a list of entries", (), "begin each entry with `- `"
            )
            return Script(), {}
        if len(root) > _LONGEST:
            self.add("INVALID_OUTCOMES", f"The script has more than {_LONGEST:,} entries", ())
            return Script(), {}
        rules: list[Outcome] = []
        crashes: list[Crash] = []
        requests: list[Request] = []
        lines: dict[int, int] = {}
        for place, entry in enumerate(root):
            if not isinstance(entry, dict):
                self.add(
                    "INVALID_ENTRY", f"Entry {place + 1} is not a mapping", (place,), "write `- unit: …`"
                )
            elif "crash" in entry:
                crashes += self.crash(place, entry)
            elif "ask" in entry:
                requests += self.request(place, entry)
            else:
                rules += self.rule(place, entry)
                lines[place] = self.document.position(self.document.offset((place,)))[0]
        return Script(outcomes=tuple(rules), crashes=tuple(crashes), requests=tuple(requests)), lines

    def rule(self, place: int, entry: Mapping[str, Any]) -> Iterator[Outcome]:
        made = self.read(Rule, place, entry)
        if made is None:
            return
        code = made.ends if isinstance(made.ends, int) else None
        rule = Outcome(
            place=place,
            unit=made.unit,
            tries=made.try_ or (),
            chance=1.0 if made.chance is None else made.chance,
            takes=None if made.takes is None else (_ms(made.takes[0]), _ms(made.takes[1])),
            ends="ok" if isinstance(made.ends, int) else made.ends,
            code=code,
            until=None if made.until is None else _ms(made.until),
            cost=made.cost_usd,
            tokens=made.tokens,
            says=made.says,
        )
        if made.until is not None and made.ends != "limit":
            hint = "`ends: limit` is what lasts until a time"
            self.add(
                "INVALID_UNTIL", f"Entry {place + 1} has `until` without a limit", (place, "until"), hint
            )
        if self.known(place, rule):
            yield rule

    def known(self, place: int, rule: Outcome) -> bool:
        """Whether a rule can ever count; tells why not."""
        named = [part for part in self.parts.values() if matches(rule, part.path)]
        if not named and rule.unit is not None:
            self.add(
                "UNKNOWN_UNIT",
                f"Entry {place + 1} is about `{rule.unit}`, and no task of this sprint is called so",
                (place, "unit"),
                self.meant(rule.unit),
            )
            return False
        if not any(part.kind in rule.ending.kinds for part in named):
            kinds = {"agent": "an agent", "shell": "a command"}
            can = " or ".join(kinds[kind] for kind in sorted(rule.ending.kinds) if kind in kinds)
            self.add(
                "IMPOSSIBLE_ENDING",
                f"Entry {place + 1} ends with `{rule.ends}`, which only {can} can, and it is about none",
                (place, "ends"),
                "commands and gates end with: ok, failed, code N, killed, crashed, lost, timeout",
            )
            return False
        return True

    def meant(self, unit: str) -> str:
        """What may have been meant by a pattern that matches nothing."""
        group = Outcome(place=0, unit=unit)
        inside = [path for path in self.units if path not in self.parts and matches(group, path)]
        if inside:
            return f"{inside[0]} is a phase or step; its tasks are `{unit}/**`"
        deeper = Outcome(place=0, unit=f"**/{unit}")
        if any(matches(deeper, path) for path in self.parts):
            return f"did you mean `**/{unit}`?"
        likely = dict.fromkeys(_like(unit, path) for path in self.parts)
        near = near_miss(unit, likely) or closest(unit, likely)
        return f"did you mean `{near}`?" if near else f"tasks are: {_some(list(self.parts))}"

    def crash(self, place: int, entry: Mapping[str, Any]) -> Iterator[Crash]:
        made = self.read(Broken, place, entry)
        if made is None:
            return
        if (made.at is None) == (made.after_row is None):
            message = f"Entry {place + 1} has to say when: `at: TIME` or `after-row: N`, and not both"
            self.add("INVALID_CRASH", message, (place, "crash"))
            return
        at = None if made.at is None else _ms(made.at)
        yield Crash(
            kind=made.crash, at=at, after_row=made.after_row, down=0 if made.down is None else _ms(made.down)
        )

    def request(self, place: int, entry: Mapping[str, Any]) -> Iterator[Request]:
        made = self.read(Asking, place, entry)
        if made is None:
            return
        if (made.unit is not None) != (made.ask in NAMED):
            what = (
                "has to name the unit"
                if made.ask in NAMED
                else f"has a unit, and {made.ask} is about the sprint"
            )
            self.add("INVALID_ASK", f"Entry {place + 1} {what}", (place, "ask"))
            return
        if (made.text is not None) != (made.ask == "answer"):
            what = (
                "has to say the `text`" if made.ask == "answer" else f"has a `text`, and {made.ask} has none"
            )
            self.add("INVALID_ASK", f"Entry {place + 1} {what}", (place, "ask"))
            return
        if made.unit is not None and made.unit not in self.units:
            near = near_miss(made.unit, self.units) or closest(made.unit, self.units)
            hint = f"did you mean `{near}`?" if near else f"units are: {_some(self.units)}"
            message = f"Entry {place + 1} is about `{made.unit}`, and no unit of this sprint is called so"
            self.add("UNKNOWN_UNIT", message, (place, "unit"), hint)
            return
        why = made.reason or "as the script has it"
        yield Request(verb=made.ask, at=_ms(made.at), unit=made.unit or "", why=why, text=made.text or "")

    def read(self, kind: type[_M], place: int, entry: Mapping[str, Any]) -> _M | None:
        try:
            return kind.model_validate(entry)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self.tell(kind, place, one)
        return None

    def tell(self, kind: type[Closed], place: int, error: ErrorDetails) -> None:
        key = str(error["loc"][0]) if error["loc"] else ""
        loc = (place, *error["loc"])
        subject = f"Entry {place + 1}"
        if error["type"] == "extra_forbidden":
            known = [alias(kind, name) for name in kind.model_fields]
            near = near_miss(key, known) or closest(key, known)
            hint = f"did you mean `{near}`?" if near else f"known are: {', '.join(known)}"
            self.add("UNKNOWN_KEY", f"{subject} has an unknown key `{key}`", loc, hint, key=True)
        elif error["type"] == "missing":
            self.add("INVALID_ENTRY", f"{subject} has no `{key}`", (place,))
        else:
            why = _WHY.get(error["type"], error["msg"]).format(**error.get("ctx", {}))
            words = {"crash": CRASHES, "ask": ASKED}.get(key, ()) if error["type"] == "literal_error" else ()
            meant = near_miss(str(error["input"]), words) or closest(str(error["input"]), words)
            did = f"did you mean `{meant}`?" if meant else None
            self.add("INVALID_ENTRY", f"{subject} has `{key}`, which {why}", loc, did)

    def add(
        self, code: str, message: str, loc: Sequence[str | int], hint: str | None = None, *, key: bool = False
    ) -> None:
        self.found.append(self.document.diagnose(code, message, loc, key=key, hint=hint))


def _like(unit: str, path: str) -> str:
    """A path in the form of a pattern: with the pattern's stars in the places where it has them."""
    asked, names = unit.split("/"), path.split("/")
    if len(asked) != len(names):
        return path
    return "/".join(mine if mine in ("*", "**") else name for mine, name in zip(asked, names, strict=True))


def _ms(value: float) -> int:
    return max(1, round(value * 1000))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


_WHY = {
    "string_type": "is not text",
    "string_pattern_mismatch": "is blank",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "literal_error": "is none of {expected}",
    "greater_than": "is not more than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
}
