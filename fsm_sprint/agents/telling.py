"""How what an agent prints is told to people: one shape for every agent.

What the model says stands as it is; `>` begins what it does, `|` what came of that, `*` what is to be known, `!` what
went wrong. A piece without a line break at its end is continued by the next.
"""

import json
from collections.abc import Iterator
from typing import Any

from fsm_sprint.agents.parts import part, short, words
from fsm_sprint.agents.vocabulary import Tokens

_LINES = 12
"""Lines of a tool's output that are told."""
_WIDE = 400
_DETAILS = (
    "file_path", "filePath", "path", "notebook_path", "command", "cmd", "pattern", "query", "url", "skill",
    "description", "prompt",
)  # fmt: skip
"""What says most of what a tool was told to do, most telling first."""


def said(text: str) -> Iterator[str]:
    """What the model has said, whole."""
    if text.strip():
        yield f"{text.rstrip()}\n"


def note(text: str) -> Iterator[str]:
    """Something to be known."""
    if text:
        yield f"* {text}\n"


def problem(text: str) -> Iterator[str]:
    """Something that went wrong."""
    yield f"! {_line(text) or 'an error without words'}\n"


def tool(name: str, told: Any = None) -> Iterator[str]:
    """A tool that is used."""
    yield f"> {named(name, told)}\n"


def named(name: str, told: Any) -> str:
    """A tool with what it was told."""
    detail = (
        told
        if isinstance(told, str)
        else next((found for key in _DETAILS if (found := words(told, key))), "")
    )
    if not detail and isinstance(told, dict) and told:
        detail = json.dumps(told, ensure_ascii=False)
    return _line(f"{name or 'a tool'} {detail}")


def output(text: str) -> Iterator[str]:
    """What a tool has printed, its first lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[:_LINES]:
        yield f"  | {short(line.rstrip(), _WIDE)}\n"
    if len(lines) > _LINES:
        yield f"  | … {len(lines) - _LINES} more lines\n"


def begun(session: str, model: str) -> Iterator[str]:
    """A session has begun."""
    yield from note(", ".join(part for part in (f"session {session}" if session else "", model) if part))


def spent(tokens: Tokens, cost: float | None = None, turns: int | None = None) -> Iterator[str]:
    """What it took."""
    parts = [f"{turns} turns" if turns != 1 else "1 turn"] if turns is not None else []
    parts += [
        f"{tokens[name]:,} tokens {word}"
        for name, word in (("input", "in"), ("cached", "from the cache"), ("output", "out"))
        if tokens.get(name) or (name != "cached" and name in tokens)
    ]
    if cost:
        parts.append(f"${cost:.4f}")
    yield from note(", ".join(parts))


def text_of(content: Any) -> str:
    """The text of a content that is a text or a list of blocks with one."""
    if isinstance(content, str):
        return words(content)
    return (
        "\n".join(words(block, "text") for block in content if part(block, "text"))
        if isinstance(content, list)
        else ""
    )


def _line(text: str) -> str:
    return short(" ".join(text.split()), _WIDE)
