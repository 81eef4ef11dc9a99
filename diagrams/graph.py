"""A picture before it has a format: nodes, edges, clusters, and what their colours mean.

Rule: everything here is a value, in an order that follows from its source alone, so that the same table or plan gives
the same bytes in every format.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a node's colour says; the values are the words of the legend."""

    IDLE = "not begun"
    LIVE = "at work"
    HELD = "waits"
    WELL = "ended well"
    BADLY = "ended badly"


class Shape(StrEnum):
    """What kind of thing a node is."""

    STATE = "state"
    LEAF = "leaf"
    BACKGROUND = "background"
    GROUP = "group"
    SYNC = "sync"
    """Where the main line waits for what runs in the background."""
    JOIN = "join"
    """No unit: many arrows meet here so that they need not cross."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in the picture."""

    id: str
    """Unique in its graph; any text."""
    label: str
    notes: tuple[str, ...] = ()
    """Small lines under the label."""
    tone: Tone = Tone.IDLE
    shape: Shape = Shape.STATE
    first: bool = False
    """Where a machine begins."""
    last: bool = False
    """Where a machine can end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow with all the triggers that share its ends."""

    source: str
    dest: str
    triggers: tuple[str, ...] = ()
    main: bool = False
    """On the way from the beginning to a good end."""
    aside: bool = False
    """Not the main line: a background task, a dependency."""
    back: bool = False
    """Leads to an earlier node, so it must not decide the layout."""
    told: bool = False
    """Written in its node or under the picture instead of being drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A frame around nodes and other clusters."""

    id: str
    label: str
    tone: Tone = Tone.IDLE
    nodes: tuple[str, ...] = ()
    clusters: tuple["Cluster", ...] = ()

    def inside(self) -> Iterator[str]:
        """The ids of the nodes in it, at any depth."""
        yield from self.nodes
        for cluster in self.clusters:
            yield from cluster.inside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One picture."""

    name: str
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...] = ()
    notes: tuple[str, ...] = ()
    """Lines under the picture."""

    def tones(self) -> tuple[Tone, ...]:
        """The tones that occur, in the order of the legend."""
        used = {node.tone for node in self.nodes if node.shape is not Shape.JOIN}
        return tuple(tone for tone in Tone if tone in used)


def shown(text: str, most: int = 60) -> str:
    """Any text as one line that can be drawn: what would break it, a format or the reading order becomes visible."""
    plain = "".join(map(_visible, text))
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def merged(edges: Iterable[tuple[str, str, str]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(trigger, source, dest) rows with those that share both ends made one: (source, dest, triggers)."""
    together: dict[tuple[str, str], dict[str, None]] = {}
    for trigger, source, dest in edges:
        together.setdefault((source, dest), {})[trigger] = None
    return tuple((source, dest, tuple(triggers)) for (source, dest), triggers in together.items())


def _visible(char: str) -> str:
    if char < " ":
        return chr(0x2400 + ord(char))
    # Controls, bidirectional marks, lone surrogates, unassigned and non-characters: no XML and no reader survives them.
    category = unicodedata.category(char)
    return "\ufffd" if category in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") else char
