"""Streams of agents with what they amount to: those that were recorded, where they lie beside, and our own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsm.plan import Agent
from fsm.transition import Facts
from fsm_sprint.agents.contract import Brief, Driver
from fsm_sprint.agents.registry import driver

OURS = Path(__file__).parent / "streams"
RECORDED = Path(__file__).parents[3] / "shared" / "agent-streams"
ENDED = "1795156956000"
"""2026-11-20 06:42:36 UTC."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What an agent printed, how it ended, and what that is."""

    name: str
    raw: bytes
    ended: dict[str, str]
    verdict: str
    facts: Facts = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    stderr: bytes = b""
    end: str | None = None
    brief: dict[str, Any] = field(default_factory=dict)

    @property
    def agent(self) -> str:
        return self.name.split("-")[0].removesuffix("328")

    def driver(self) -> Driver:
        command = ("agent",) if self.agent == "command" else ()
        return driver(Brief(agent=Agent(name=self.agent, command=command), **self.brief))

    def judged(self, *pieces: bytes) -> tuple[str, Facts]:
        """What the driver makes of pieces in place of the whole."""
        found = self.driver()
        for piece in pieces or (self.raw,):
            found.feed(piece)
        return found.finish(self.ended, self.stderr)


def ours() -> Iterator[Stream]:
    for one in json.loads((OURS / "expected.json").read_text(encoding="utf-8")):
        more = {key: one[key] for key in ("facts", "end", "brief") if key in one}
        yield Stream(
            name=one["file"],
            raw=(OURS / one["file"]).read_bytes(),
            ended=one["ended"],
            verdict=one["verdict"],
            absent=tuple(one.get("absent", ())),
            stderr=one.get("stderr", "").encode(),
            **more,
        )


def _tokens(read: int, cached: int, written: int) -> dict[str, int]:
    return {"input": read, "cached": cached, "output": written}


_CLAUDE = {"model": "claude-sonnet-4-5", "cost-usd": 0.00417, "tokens": _tokens(1200, 200, 34)}
_TWICE = {"model": "claude-sonnet-4-5", "cost-usd": 0.00834, "tokens": _tokens(2400, 400, 68)}
_ONCE = _tokens(1000, 200, 34)
_KNOWN: dict[str, tuple[str, Facts]] = {
    "claude-429.jsonl": ("limit", {"limit-kind": "rate", "cost-usd": 0.0}),
    "claude-schema.jsonl": ("ok", {**_CLAUDE, "turns": 2}),
    "claude-text.jsonl": ("ok", {**_CLAUDE, "turns": 1, "summary": "Hello from the fake model."}),
    "claude-write.jsonl": ("ok", {**_TWICE, "turns": 2, "summary": "Wrote hello.txt"}),
    "claude328-text.jsonl": ("ok", {**_CLAUDE, "turns": 1}),
    "claude328-usage-limit.jsonl": ("limit", {"limit-kind": "five_hour", "until": 1795170000000}),
    "claude328-write-denied.jsonl": ("denied", _TWICE),
    "codex-429.jsonl": ("limit", {"limit-kind": "rate"}),
    "codex-text.jsonl": ("ok", {"tokens": _ONCE, "summary": "Hello from the fake model."}),
    "codex-write.jsonl": ("ok", {"tokens": _tokens(2000, 400, 68), "summary": "Wrote hello.txt"}),
    "copilot-text.jsonl": ("ok", {"model": "gpt-5-codex", "summary": "Hello from the fake model."}),
    "gemini-429.jsonl": ("timeout", {"model": "gemini-2.5-pro"}),
    "gemini-text.jsonl": ("ok", {"model": "gemini-2.5-pro", "tokens": _ONCE}),
    "gemini-write.jsonl": ("ok", {"tokens": _tokens(2000, 400, 68), "summary": "Wrote hello.txt"}),
    "opencode-401.jsonl": ("auth", {"error": "bad key"}),
    "opencode-text.jsonl": ("ok", {"tokens": _ONCE, "summary": "Hello from the fake model."}),
}
_PRICED = ("claude",)


def recorded() -> Iterator[Stream]:
    """None where they do not lie beside this repository."""
    if not (RECORDED / "index.json").exists():
        return
    for one in json.loads((RECORDED / "index.json").read_text(encoding="utf-8")):
        verdict, facts = _KNOWN[one["file"]]
        raw = (RECORDED / one["file"]).read_bytes()
        timeout = one["exit"] == "timeout"
        yield Stream(
            name=one["file"],
            raw=raw,
            ended={
                "status": "15" if timeout else str(one["exit"] * 256),
                "why": "timeout" if timeout else "exit",
                "ended": ENDED,
            },
            verdict=verdict,
            facts=facts,
            absent=() if one["file"].startswith(_PRICED) else ("cost-usd",),
        )


def every() -> list[Stream]:
    return [*recorded(), *ours()]
