"""An agent's stream as text for people: a fold of its bytes, in pieces of any size.

Rule: what is not understood is shown as it stands. What comes out has been made harmless by nobody yet.
"""

from collections.abc import Iterator
from types import ModuleType

from fsm_sprint.agents import claude, codex, command, copilot, gemini, opencode
from fsm_sprint.agents.lines import Event, Lines, event

_AGENTS: tuple[ModuleType, ...] = (claude, codex, copilot, opencode, gemini, command)
"""Whoever speaks in events; the first that knows one as its own tells it."""


class Transcript:
    """One stream."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._open = False
        """What was told last is to be continued on the same line."""

    def feed(self, raw: bytes) -> bytes:
        """What can be told now."""
        return b"".join(self._told(line) for line in self._lines.feed(raw))

    def close(self) -> bytes:
        """What is left."""
        rest = b"".join(self._told(line) for line in self._lines.close())
        return rest + (b"\n" if self._open else b"")

    def _told(self, line: bytes) -> bytes:
        found = event(line)
        told = None if found is None else _tell(found)
        if told is None:
            return self._joined(line + b"\n", whole=True)
        return b"".join(
            self._joined(piece.encode("utf-8", "replace"), whole=piece.endswith("\n"))
            for piece in told
            if piece
        )

    def _joined(self, piece: bytes, *, whole: bool) -> bytes:
        """Pieces of one line follow each other; a whole line after them begins one of its own."""
        broken = b"\n" if self._open and whole else b""
        self._open = not whole
        return broken + piece


def _tell(found: Event) -> Iterator[str] | None:
    for agent in _AGENTS:
        if agent.speaks(found):
            told: Iterator[str] = agent.told(found)
            return told
    return None
