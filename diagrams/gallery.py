"""The pictures that the documentation shows, by name, and the parts of `docs/states.md` that follow from the tables."""

import re

from diagrams.graph import Graph
from diagrams.mermaid import table
from diagrams.table import from_table
from fsm.tables import TABLES

NAMES: tuple[str, ...] = tuple(str(name) for name in TABLES)
"""Every picture of the gallery: one per machine."""

_SECTION = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def picture(name: str) -> Graph:
    """The picture of that name. KeyError when there is none."""
    return from_table(name)


def with_tables(page: str) -> str:
    """A Markdown page with the text between `<!-- table: NAME -->` and `<!-- end -->` made anew."""
    return _SECTION.sub(lambda found: f"{found[1]}\n{table(found[2])}\n{found[3]}", page)
