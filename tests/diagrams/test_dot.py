import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given

from diagrams.dot import dot
from diagrams.gallery import NAMES, picture
from diagrams.graph import Cluster, Edge, Graph, Node, shown
from diagrams.plan import from_plan
from diagrams.render import available, svg
from tests.diagrams.strategies import NASTY, plans, texts


def labelled(text: str) -> Graph:
    """One graph with a text in every place where a text can stand."""
    return Graph(
        name=text,
        title=text,
        nodes=(Node(id="a", label=text, notes=(text,)), Node(id="b", label=text)),
        edges=(Edge(source="a", dest="b", triggers=(text,)),),
        clusters=(Cluster(id="c", label=text, nodes=("a",)),),
        notes=(text,),
    )


def skeleton(text: str) -> str:
    """DOT without what stands in its strings, by DOT's own rules for where a string ends."""
    out = []
    place = 0
    while place < len(text):
        char = text[place]
        if char == '"':
            place += 1
            while text[place] != '"':
                place += 2 if text[place] == "\\" else 1
            out.append("S")
        elif char == "<":
            depth = 1
            while depth:
                place += 1
                depth += {"<": 1, ">": -1}.get(text[place], 0)
            out.append("H")
        else:
            out.append(char)
        place += 1
    return "".join(out)


@given(texts)
def test_no_text_leaves_its_label(text):
    assert skeleton(dot(labelled(text))) == skeleton(dot(labelled("x")))


@given(texts)
def test_a_label_is_well_formed_and_reads_as_it_is_shown(text):
    label = re.search(r"label=<(.*)>, labeljust", dot(labelled(text)))
    assert label is not None

    assert ET.fromstring(f"<r>{label[1]}</r>").text == (shown(text) or " ")


@given(plans())
def test_the_same_plan_gives_the_same_bytes(plan):
    first = dot(from_plan(plan))

    assert first == dot(from_plan(plan))
    first.encode()


@given(texts)
@example("שלום")
def test_what_is_shown_is_one_line_in_one_direction(text):
    line = shown(text)

    assert len(line) <= 60
    assert line.splitlines() in ([line], [])
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@pytest.mark.skipif(not available(), reason="no Graphviz here")
@pytest.mark.parametrize("name", NAMES)
def test_graphviz_takes_every_picture(name):
    drawn = ET.fromstring(svg(dot(picture(name))))
    words = {word for text in drawn.itertext() for word in text.split()}

    assert {node.label for node in picture(name).nodes} <= words


@pytest.mark.skipif(not available(), reason="no Graphviz here")
def test_graphviz_draws_hostile_labels_as_they_are_shown():
    nodes = tuple(Node(id=text, label=text, notes=(text,)) for text in NASTY)
    edges = tuple(Edge(source=NASTY[0], dest=text, triggers=(text,)) for text in NASTY[1:])
    drawn = svg(dot(Graph(name="nasty", title="nasty", nodes=nodes, edges=edges)))
    texts_drawn = {(text or "").replace("\xa0", " ").strip() for text in ET.fromstring(drawn).itertext()}

    assert {shown(text).strip() for text in NASTY} <= texts_drawn
