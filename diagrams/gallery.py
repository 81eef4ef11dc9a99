"""The pictures that the documentation shows, by name, and the parts of pages that follow from the rules."""

import re
from collections.abc import Callable
from functools import partial

from diagrams.bounds import bounds
from diagrams.commands import commands, verbs
from diagrams.graph import Graph
from diagrams.mermaid import table
from diagrams.recovery import findings, takeover
from diagrams.table import from_table
from fsm.tables import TABLES

NAMES: tuple[str, ...] = tuple(str(name) for name in TABLES)
"""Every picture of the gallery: one per machine."""

PAGES: tuple[str, ...] = ("states.md", "guarantees.md", "checking.md", "commands.md")
"""Pages of `docs/` with parts that follow from the rules."""

_ANSWERS: dict[str, Callable[[], str]] = {
    "bounds": bounds,
    "findings": findings,
    "takeover": takeover,
    "verbs": verbs,
    **{f"commands-{name}": partial(commands, name) for name in ("sprint", "group", "task", "notice")},
}
_SECTION = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def picture(name: str) -> Graph:
    """The picture of that name. KeyError when there is none."""
    return from_table(name)


def with_tables(page: str) -> str:
    """A Markdown page with the text between `<!-- table: NAME -->` and `<!-- end -->` made anew."""
    return _SECTION.sub(lambda found: f"{found[1]}\n{_section(found[2])}\n{found[3]}", page)


def _section(name: str) -> str:
    return _ANSWERS[name]() if name in _ANSWERS else table(name)
