"""A graph as Graphviz DOT. Rule: the same graph gives the same bytes, and no text of a user can leave its label."""

from collections.abc import Iterator

from diagrams.graph import Cluster, Edge, Graph, Node, Shape, Tone, shown
from fsm.names import name

FILL = {
    Tone.IDLE: "#f3f4f6",
    Tone.LIVE: "#dbeafe",
    Tone.HELD: "#fef3c7",
    Tone.WELL: "#dcfce7",
    Tone.BADLY: "#fee2e2",
}
LINE = {
    Tone.IDLE: "#6b7280",
    Tone.LIVE: "#2563eb",
    Tone.HELD: "#d97706",
    Tone.WELL: "#16a34a",
    Tone.BADLY: "#dc2626",
}
TEXT = "#111827"
QUIET = "#6b7280"

_FONT = "Helvetica,Arial,sans-serif"


def dot(graph: Graph) -> str:
    """The graph as DOT text, ending in a line break."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    nodes = {node.id: node for node in graph.nodes}
    yield f"digraph {_quoted(name(graph.name))} {{"
    yield f'  graph [bgcolor=white, compound=true, fontname="{_FONT}", fontsize=11, labelloc=b,'
    yield "    margin=0, nodesep=0.4, pad=0.2, rankdir=TB, ranksep=0.5, splines=true,"
    yield f"    tooltip={_quoted(graph.title)}, label=<{_caption(graph)}>]"
    yield f'  node [fontcolor="{TEXT}", fontname="{_FONT}", fontsize=13, height=0.45, margin="0.16,0.07",'
    yield '    penwidth=1.4, shape=box, style="rounded,filled"]'
    yield f'  edge [arrowsize=0.7, color="{QUIET}", fontcolor="{QUIET}", fontname="{_FONT}", fontsize=10.5]'
    framed = {node for cluster in graph.clusters for node in cluster.inside()}
    for cluster in graph.clusters:
        yield from _cluster(cluster, nodes, "  ")
    for node in graph.nodes:
        if node.id not in framed:
            yield f"  {_node(node)}"
        if node.first:
            yield '  "·" [fixedsize=true, fillcolor="#111827", height=0.14, label="", shape=circle, width=0.14]'
            yield f'  "·" -> {_quoted(name(node.id))}'
    for edge in graph.edges:
        if not edge.told:
            yield f"  {_edge(edge, nodes)}"
    yield "}"


def _cluster(cluster: Cluster, nodes: dict[str, Node], indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {_quoted('cluster ' + name(cluster.id))} {{"
    yield f'{indent}  graph [color="{LINE[cluster.tone]}", label=<{_text(cluster.label)}>, labeljust=l, labelloc=t,'
    yield f'{indent}    margin=10, style="rounded"]'
    for inner in cluster.clusters:
        yield from _cluster(inner, nodes, indent + "  ")
    for node in cluster.nodes:
        yield f"{indent}  {_node(nodes[node])}"
    yield f"{indent}}}"


def _node(node: Node) -> str:
    if node.shape is Shape.JOIN:
        return f'{_quoted(name(node.id))} [fixedsize=true, height=0.06, label="", shape=point, width=0.06]'
    small = "".join(
        f'<BR/><FONT POINT-SIZE="9.5" COLOR="{QUIET}">{_text(note)}</FONT>' for note in node.notes
    )
    given = [
        f'color="{LINE[node.tone]}"',
        f'fillcolor="{FILL[node.tone]}"',
        f"label=<{_text(node.label)}{small}>",
    ]
    if node.last:
        given.append("peripheries=2")
    if node.shape is Shape.BACKGROUND:
        given.append('style="rounded,filled,dashed"')
    if node.shape is Shape.SYNC:
        given += ["height=0.3", 'margin="0,0"', "shape=hexagon", "style=filled"]
    if node.shape is Shape.GROUP:
        given.append("shape=folder")
    return f"{_quoted(name(node.id))} [{', '.join(given)}]"


def _edge(edge: Edge, nodes: dict[str, Node]) -> str:
    given = []
    tone = nodes[edge.dest].tone
    if edge.triggers:
        given.append(f"label={_quoted(' ' + ', '.join(edge.triggers) + ' ')}")
        if tone in (Tone.WELL, Tone.BADLY):
            given += [f'color="{LINE[tone]}"', f'fontcolor="{LINE[tone]}"']
    if edge.main:
        given += ["penwidth=2.2", "weight=20"]
    if edge.aside:
        given.append("style=dashed")
    ends = [_quoted(name(edge.source)), _quoted(name(edge.dest))]
    if edge.back:
        # Written the other way round, so that the layout keeps the earlier state above the later one.
        ends.reverse()
        given.append("dir=back")
    tail = f" [{', '.join(given)}]" if given else ""
    return f"{' -> '.join(ends)}{tail}"


def _caption(graph: Graph) -> str:
    swatches = "".join(
        f'<TD WIDTH="14" HEIGHT="10" FIXEDSIZE="TRUE" BGCOLOR="{FILL[tone]}" BORDER="1" COLOR="{LINE[tone]}"></TD>'
        f'<TD ALIGN="LEFT"><FONT COLOR="{QUIET}">{_text(tone)}  </FONT></TD>'
        for tone in graph.tones()
    )
    wide = 2 * len(graph.tones())
    lines = "".join(
        f'<TR><TD COLSPAN="{wide}"><FONT COLOR="{QUIET}">{_text(note, 200)}</FONT></TD></TR>'
        for note in graph.notes
    )
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4"><TR>{swatches}</TR>{lines}</TABLE>'


def _text(text: str, most: int = 60) -> str:
    """Text inside an HTML-like label."""
    escaped = shown(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;") or " "


def _quoted(text: str) -> str:
    """A quoted string of DOT; a backslash or an ampersand would start an escape."""
    escaped = shown(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
