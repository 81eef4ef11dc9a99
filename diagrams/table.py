"""A transition table as a graph.

Rule: every row is in it once, drawn or told. Reflexive rows become a small line in their state.
"""

from dataclasses import replace

from diagrams.graph import Edge, Graph, Node, Tone, merged
from fsm.states import INITIAL, Machine
from fsm.tables import STATES, TABLES, Row

TONES: dict[str, Tone] = {
    **dict.fromkeys(("pending", "not-started", "absent"), Tone.IDLE),
    **dict.fromkeys(("spawned", "running", "verifying", "stopping", "in-progress"), Tone.LIVE),
    **dict.fromkeys(("creating", "ready", "merging", "removing"), Tone.LIVE),
    **dict.fromkeys(("waiting", "due", "conflict"), Tone.HELD),
    **dict.fromkeys(("paused", "paused-at-breakpoint", "blocked", "needs-human"), Tone.HELD),
    **dict.fromkeys(("completed", "skipped", "merged", "removed", "sent"), Tone.WELL),
    **dict.fromkeys(("failed", "cancelled", "given-up"), Tone.BADLY),
}
"""Every state's tone; the machines share their words, so one table serves all."""


def from_table(name: str) -> Graph:
    """The graph of a machine, with every row of its table in it once.

    What holds in every state, or from every end, is told under the picture instead of being drawn many times.
    """
    states = STATES[name]
    rank = {state: place for place, state in enumerate(states)}
    rows = TABLES[name]
    ends = tuple(state for state in states if TONES[state] in (Tone.WELL, Tone.BADLY))
    everywhere = _shared([row for row in rows if row.source == row.dest], states)
    anew = {
        dest: triggers
        for dest in states
        if (triggers := _shared([row for row in rows if row.dest == dest and row.source in ends], ends))
    }
    edges = []
    for source, dest, triggers in merged((row.trigger, row.source, row.dest) for row in rows):
        said = tuple(trigger for trigger in triggers if source in ends and trigger in anew.get(dest, ()))
        back = rank[dest] < rank[source]
        drawn = tuple(trigger for trigger in triggers if trigger not in said)
        if said:
            edges.append(Edge(source=source, dest=dest, triggers=said, back=back, told=True))
        if drawn:
            edges.append(Edge(source=source, dest=dest, triggers=drawn, back=back, told=source == dest))
    way = _way(
        edges, next(state for state in states if TONES[state] is Tone.WELL), str(INITIAL[Machine(name)])
    )
    edges = [replace(edge, main=(edge.source, edge.dest) in way) for edge in edges]
    edges.sort(key=lambda edge: (rank[edge.source], rank[edge.dest], edge.triggers))
    loops = {edge.source: edge.triggers for edge in edges if edge.source == edge.dest}
    nodes = tuple(
        Node(
            id=state,
            label=state,
            notes=_loop([trigger for trigger in loops.get(state, ()) if trigger not in everywhere]),
            tone=TONES[state],
            first=state == INITIAL[Machine(name)],
            last=state in ends,
        )
        for state in states
    )
    notes = [f"from every end: {', '.join(triggers)} → {dest}" for dest, triggers in anew.items()]
    if everywhere:
        notes.append(f"in every state, without leaving it: {', '.join(everywhere)}")
    return Graph(name=name, title=f"The {name} machine", nodes=nodes, edges=tuple(edges), notes=tuple(notes))


def _shared(rows: list[Row], states: tuple[str, ...]) -> tuple[str, ...]:
    """The triggers that stand in `rows` for every one of `states`."""
    sources: dict[str, set[str]] = {}
    for row in rows:
        sources.setdefault(row.trigger, set()).add(row.source)
    return tuple(trigger for trigger, found in sources.items() if found.issuperset(states))


def _way(edges: list[Edge], goal: str, start: str) -> set[tuple[str, str]]:
    """The ends of the drawn edges on the way from `start` to `goal` by the first move forward that each state has."""
    way: set[tuple[str, str]] = set()
    state = start
    while state != goal:
        dest = next(
            edge.dest
            for edge in edges
            if edge.source == state != edge.dest
            and not edge.told
            and not edge.back
            and (state, edge.dest) not in way
        )
        way.add((state, dest))
        state = dest
    return way


def _loop(triggers: list[str]) -> tuple[str, ...]:
    return (f"↺ {', '.join(triggers)}",) if triggers else ()
