import re

from hypothesis import given

from diagrams.gallery import NAMES, picture
from diagrams.mermaid import mermaid, table
from diagrams.plan import from_plan
from fsm.tables import TABLES
from tests.diagrams.strategies import plans, texts
from tests.diagrams.test_dot import labelled


def skeleton(text: str) -> str:
    return re.sub(r'"[^"]*"', "S", text)


@given(texts)
def test_no_text_leaves_its_label(text):
    drawn = mermaid(labelled(text))

    assert skeleton(drawn) == skeleton(mermaid(labelled("x")))
    labels = [re.sub(r"<br/><small>|</small>|#\d+;", "", label) for label in re.findall(r'"([^"]*)"', drawn)]
    assert not any(set(label) & set("#&<>`%\\*_[]{}|") for label in labels)


@given(plans())
def test_every_frame_is_closed(plan):
    lines = mermaid(from_plan(plan)).split("\n")

    assert sum(line.strip().startswith("subgraph ") for line in lines) == lines.count("  end")


def test_a_machine_is_drawn_with_every_edge_that_is_not_told():
    for name in NAMES:
        drawn = mermaid(picture(name))
        edges = [edge for edge in picture(name).edges if not edge.told]

        assert len(re.findall(r"^  n\d+ (?:==>|-->|-\.->)", drawn, flags=re.MULTILINE)) == len(edges)


def test_the_table_holds_every_row():
    for name, rows in TABLES.items():
        lines = table(name).splitlines()[2:]
        for row in rows:
            assert any(
                line.startswith(f"| **{row.trigger}** |")
                and (f"`{row.source}`" in line or "every state" in line)
                and ("stays" in line if row.source == row.dest else f"| `{row.dest}` |" in line)
                and row.meaning in line
                for line in lines
            ), row
