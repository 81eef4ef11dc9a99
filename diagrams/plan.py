"""A plan as a graph: frames for phases and steps, arrows for the main line, dashed ones for what runs beside it.

With the states of a run given, the colours are those of its history; without them everything is still to come.
"""

from collections.abc import Mapping

from diagrams.graph import Cluster, Edge, Graph, Node, Shape, Tone
from diagrams.table import TONES
from fsm.hooks import hooks_of
from fsm.plan import Agent, Group, Leaf, Plan, leaves
from fsm.plan import Node as Unit

MOST = 150
"""A picture of more nodes than this is a wall: steps, then phases, are drawn whole instead."""

_End = tuple[str, bool]
"""A node that an arrow comes from, and whether it stands beside the main line."""


def from_plan(plan: Plan, states: Mapping[str, str] | None = None, *, most: int = MOST) -> Graph:
    """The graph of a plan; `states` maps unit paths to states as the tables spell them."""
    whole = _whole(plan, most)
    walk = _Walk(plan, states or {}, whole)
    ends, placed = walk.chain(plan.phases, ())
    walk.close(ends)
    notes = (f"drawn whole: every {whole}",) if whole else ()
    return Graph(
        name=plan.sprint_id,
        title=plan.name or plan.sprint_id,
        nodes=tuple(walk.nodes),
        edges=tuple(walk.edges),
        clusters=tuple(part for part in placed if isinstance(part, Cluster)),
        notes=notes,
    )


def _whole(plan: Plan, most: int) -> str:
    """The level at which groups are drawn as one node each, '' when every leaf is drawn."""
    if sum(1 for _ in leaves(plan)) <= most:
        return ""
    outer = [
        node for phase in plan.phases for node in (phase.children if isinstance(phase, Group) else (phase,))
    ]
    return "step" if len(outer) <= most else "phase"


class _Walk:
    """Places units in plan order and remembers which background tasks nobody has waited for yet."""

    def __init__(self, plan: Plan, states: Mapping[str, str], whole: str) -> None:
        self._plan = plan
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self._states = states
        self._whole = whole
        self._background: list[str] = []

    def chain(
        self, units: tuple[Unit, ...], before: tuple[_End, ...]
    ) -> tuple[tuple[_End, ...], list[str | Cluster]]:
        """Units one after another; returns what comes before the next one, and what was placed."""
        placed = []
        ends: dict[str, tuple[_End, ...]] = {}
        previous = ""
        for unit in units:
            needed = unit.depends_on if isinstance(unit, Group) else ()
            asides = tuple(
                (end, True) for need in needed if need != previous for end, _ in ends.get(need, ())
            )
            before, part = self._place(unit, before + asides)
            ends[unit.id] = before
            previous = unit.id
            placed.append(part)
        return before, placed

    def close(self, before: tuple[_End, ...]) -> None:
        """The implicit sync point at the end of the sprint, when something still runs in the background there."""
        if self._background:
            self._add(Node(id="#end", label="", shape=Shape.JOIN), self._wait(before))

    def _place(self, unit: Unit, before: tuple[_End, ...]) -> tuple[tuple[_End, ...], str | Cluster]:
        if unit.wait:
            before = self._wait(before)
        if isinstance(unit, Leaf):
            return self._leaf(unit, before)
        if not unit.children or self._whole in (unit.level, "phase"):
            return self._group(unit, before)
        if unit.parallel:
            after, placed = self._abreast(unit, before)
        else:
            after, placed = self.chain(unit.children, before)
        return after, Cluster(
            id=unit.path,
            label=" · ".join([unit.id, *self._marks(unit)]),
            tone=self._tone(unit.path),
            nodes=tuple(part for part in placed if isinstance(part, str)),
            clusters=tuple(part for part in placed if isinstance(part, Cluster)),
        )

    def _leaf(self, leaf: Leaf, before: tuple[_End, ...]) -> tuple[tuple[_End, ...], str]:
        hooks = " · ".join(self._hook(hook) for hook in hooks_of(self._plan, leaf))
        notes = tuple(part for part in (" · ".join([_who(leaf), *self._marks(leaf)]), hooks) if part)
        shape = Shape.BACKGROUND if leaf.parallel else Shape.LEAF
        self._add(
            Node(
                id=leaf.path,
                label=leaf.id,
                notes=notes,
                tone=self._tone(leaf.path),
                shape=shape,
            ),
            tuple((end, True) for end, _ in before) if leaf.parallel else before,
        )
        if leaf.parallel:
            self._background.append(leaf.path)
            return before, leaf.path
        return ((leaf.path, False),), leaf.path

    def _hook(self, hook: Leaf) -> str:
        """What runs after a leaf, and how it stands."""
        state = self._states.get(hook.path)
        name = hook.id.removeprefix("hook.")
        return f"{'beside' if hook.parallel else 'then'} {name}{f': {state}' if state else ''}"

    def _group(self, group: Group, before: tuple[_End, ...]) -> tuple[tuple[_End, ...], str]:
        inside = sum(1 for _ in leaves(Plan(sprint_id="", phases=(group,))))
        notes = [f"{inside} task{'s' if inside > 1 else ''}"] if inside else []
        self._add(
            Node(
                id=group.path,
                label=group.id,
                notes=(" · ".join([*notes, *self._marks(group)]),),
                tone=self._tone(group.path),
                shape=Shape.GROUP if inside else Shape.SYNC,
            ),
            before,
        )
        return ((group.path, False),), group.path

    def _abreast(
        self, group: Group, before: tuple[_End, ...]
    ) -> tuple[tuple[_End, ...], list[str | Cluster]]:
        """Children side by side, each after what it depends on."""
        placed: list[str | Cluster] = []
        if len(before) > 1 and len(group.children) > 1:
            join = f"{group.path}#join"
            self._add(Node(id=join, label="", shape=Shape.JOIN), before)
            placed.append(join)
            before = ((join, False),)
        ends: dict[str, tuple[_End, ...]] = {}
        needed: set[str] = set()
        for child in group.children:
            needs = child.depends_on if isinstance(child, Group) else ()
            needed.update(needs)
            came = tuple(end for need in needs for end in ends.get(need, ())) or before
            ends[child.id], part = self._place(child, came)
            placed.append(part)
        return tuple(end for id_, found in ends.items() if id_ not in needed for end in found), placed

    def _add(self, node: Node, before: tuple[_End, ...]) -> None:
        self.nodes.append(node)
        for source, aside in dict(reversed(before)).items():
            self.edges.append(Edge(source=source, dest=node.id, aside=aside))

    def _wait(self, before: tuple[_End, ...]) -> tuple[_End, ...]:
        waited = tuple((path, True) for path in self._background)
        self._background.clear()
        return before + waited

    def _tone(self, path: str) -> Tone:
        return TONES.get(self._states.get(path, ""), Tone.IDLE)

    def _marks(self, unit: Unit) -> list[str]:
        marks = [
            ("waits for the background", unit.wait),
            ("side by side", isinstance(unit, Group) and unit.parallel),
            ("gate", unit.gate is not None),
            ("then a break", unit.breaks),
        ]
        state = self._states.get(unit.path)
        return [mark for mark, holds in marks if holds] + ([state] if state else [])


def _who(leaf: Leaf) -> str:
    """What answers the prompt, or that a command does."""
    if leaf.run is not None:
        return "shell" if isinstance(leaf.run, str) else leaf.run[0].rpartition("/")[2]
    agent = leaf.agent or Agent(name="claude")
    return " ".join(part for part in (agent.name, leaf.model) if part)
