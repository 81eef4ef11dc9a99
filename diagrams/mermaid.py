"""A graph as Mermaid, which code hosts draw by themselves, and a transition table as Markdown."""

from collections.abc import Iterator

from diagrams.dot import FILL, LINE, TEXT
from diagrams.graph import Cluster, Edge, Graph, Node, Shape, Tone, shown
from diagrams.markdown import grid
from fsm.tables import STATES, TABLES

_OPEN = {
    Shape.STATE: ("(", ")"),
    Shape.LEAF: ("(", ")"),
    Shape.BACKGROUND: ("(", ")"),
    Shape.GROUP: ("[[", "]]"),
    Shape.SYNC: ("{{", "}}"),
    Shape.JOIN: ("((", "))"),
}

_ESCAPES = {ord(char): f"#{ord(char)};" for char in '"#&<>`%\\*_[]{}|'}
"""Everything that could end a label, start a directive, a comment or Markdown: as Mermaid's numeric entities."""


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart, ending in a line break."""
    return "\n".join(_lines(graph)) + "\n"


def table(machine: str) -> str:
    """The transition table of a machine as Markdown, one line per meaning, ending in a line break."""
    together: dict[tuple[str, str, str], list[str]] = {}
    for row in TABLES[machine]:
        dest = "stays" if row.source == row.dest else f"`{row.dest}`"
        together.setdefault((row.trigger, dest, row.meaning), []).append(row.source)
    rows = []
    for (trigger, dest, meaning), sources in together.items():
        where = (
            "every state"
            if set(sources) == set(STATES[machine])
            else ", ".join(f"`{one}`" for one in sources)
        )
        rows.append((f"**{trigger}**", where, dest, meaning))
    return grid(("trigger", "from", "to", "meaning"), rows)


def _lines(graph: Graph) -> Iterator[str]:
    ids = {node.id: f"n{place}" for place, node in enumerate(graph.nodes)}
    nodes = {node.id: node for node in graph.nodes}
    yield "flowchart TB"
    framed = {node for cluster in graph.clusters for node in cluster.inside()}
    for place, cluster in enumerate(graph.clusters):
        yield from _cluster(cluster, f"c{place}", nodes, ids)
    for node in graph.nodes:
        if node.id not in framed:
            yield f"  {_node(node, ids[node.id])}"
        if node.first:
            yield "  start((( )))"
            yield f"  start --> {ids[node.id]}"
    for edge in graph.edges:
        if not edge.told:
            yield f"  {_edge(edge, ids)}"
    for place, note in enumerate(graph.notes):
        yield f'  note{place}["{_text(note, 200)}"]:::note'
    for tone in Tone:
        yield f"  classDef {tone.name.lower()} fill:{FILL[tone]},stroke:{LINE[tone]},color:{TEXT}"
    yield "  classDef beside stroke-dasharray:4 3"
    yield f"  classDef note fill:none,stroke:none,color:{LINE[Tone.IDLE]}"


def _cluster(cluster: Cluster, id_: str, nodes: dict[str, Node], ids: dict[str, str]) -> Iterator[str]:
    yield f'  subgraph {id_}["{_text(cluster.label)}"]'
    for place, inner in enumerate(cluster.clusters):
        yield from _cluster(inner, f"{id_}_{place}", nodes, ids)
    for node in cluster.nodes:
        yield f"  {_node(nodes[node], ids[node])}"
    yield "  end"


def _node(node: Node, id_: str) -> str:
    before, after = ("([", "])") if node.last else _OPEN[node.shape]
    small = "".join(f"<br/><small>{_text(note)}</small>" for note in node.notes if note)
    classes = f":::{node.tone.name.lower()}"
    tail = f"\n  class {id_} beside" if node.shape is Shape.BACKGROUND else ""
    return f'{id_}{before}"{_text(node.label)}{small}"{after}{classes}{tail}'


def _edge(edge: Edge, ids: dict[str, str]) -> str:
    arrow = "==>" if edge.main else "-.->" if edge.aside else "-->"
    label = f'|"{_text(", ".join(edge.triggers))}"|' if edge.triggers else ""
    return f"{ids[edge.source]} {arrow}{label} {ids[edge.dest]}"


def _text(text: str, most: int = 60) -> str:
    return shown(text, most).translate(_ESCAPES) or " "
