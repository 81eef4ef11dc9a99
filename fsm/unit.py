"""What the fold keeps of one unit: its machine's state, its rows, and its place in the plan.

Rule: a unit is moved by `fsm.sprint` alone. Its rows are kept as they are and decoded only by who asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappush

from fsm.errors import SprintError
from fsm.past import Past
from fsm.plan import Gate, Group, Leaf
from fsm.purse import Purse
from fsm.states import ENDED, ENDED_WELL, GroupState, Machine, TaskState
from fsm.transition import Transition
from fsm.verdicts import interrupted


@dataclass(slots=True, eq=False)
class Choice:
    """The children of a group that do not simply follow one another: side by side, or in the order of dependencies."""

    going: "dict[int, Unit]" = field(default_factory=dict)
    """Groups in progress, by rank."""
    awake: "dict[int, Unit]" = field(default_factory=dict)
    """Those of them in which something has moved since there was nothing in them to start."""
    calling: list[int] = field(default_factory=list)
    """A heap of their ranks, and of some that are asleep again."""
    regardless: bool = False
    """Whether a dependency that failed counts as one that has been met."""
    fresh: list[int] = field(default_factory=list)
    """A heap of ranks: every pending child whose dependencies have ended well, and some that are so no more."""


@dataclass(slots=True, eq=False, repr=False)
class Unit:
    """Anything that has a machine. Its rows are kept as they are and decoded only by who asks."""

    path: str
    machine: str
    state: str
    node: Leaf | Group | Gate | None = None
    parent: "Unit | None" = None
    owner: "Unit | None" = None
    """For a gate script or a fix agent: the unit it works for."""
    leaf: "Unit | None" = None
    """For a hook: the leaf after which it runs."""
    after: "Unit | None" = None
    """For a hook: what it follows, its leaf or the hook before it."""
    hooks: "list[Unit]" = field(default_factory=list)
    """For a leaf: what runs after it, in line."""
    index: int = 0
    """Rank among its siblings."""
    position: int = 0
    """Rank in plan order, over the whole plan."""
    background: bool = False
    children: "list[Unit]" = field(default_factory=list)
    gate: "Unit | None" = None
    fix: "Unit | None" = None
    attempt: int = 0
    tries: int = 0
    kept: bool = False
    """Pending, but its work stands: only its gate had given up and is to be tried again."""
    first: Transition | None = None
    """Its first `spawn`: what fixed the id of a ParallelTask."""
    spawned: Transition | None = None
    started: Transition | None = None
    exited: Transition | None = None
    """The row that told how the process of its last attempt ended."""
    reported: Transition | None = None
    """The last row of something learnt while it ran."""
    ended: Transition | None = None
    """The row that brought it into the terminal state it is in or was in last."""
    moved: Transition | None = None
    """The last row that changed its state."""
    cursor: int = 0
    """Groups: the children before it have been passed."""
    broken: int = 0
    """Groups: foreground children that have failed or were cancelled."""
    alive: int = 0
    """Groups: live foreground leaves below."""
    choice: Choice | None = None
    """Groups: None when each child waits for the one before."""
    needs: int = 0
    """Steps: siblings that it depends on and that have not ended well."""
    dependents: "tuple[Unit, ...]" = ()
    purse: Purse | None = None
    """What its attempts are charged to; None where that is of no interest."""
    past: Past | None = None
    """Made by `remembered`; None for a unit of whose attempts there is nothing to remember."""

    def __repr__(self) -> str:
        return f"<{self.machine} {self.path} {self.state}>"

    @property
    def slot(self) -> bool:
        """Whether, when live, it takes a slot of its own: gates and fixes of a leaf run in the leaf's."""
        return self.owner is None or self.owner.machine != Machine.TASK


def follows(hook: Unit) -> bool:
    """Whether a hook's turn has come: its leaf is accepted, and the hook before it is over."""
    leaf, after = hook.leaf, hook.after
    assert leaf is not None, "a hook has a leaf"
    assert after is not None, "and follows it, or another hook"
    return leaf.state == TaskState.COMPLETED and (after is leaf or over(after))


def over(hook: Unit) -> bool:
    """Whether a hook has ended, well or not, and is not to run again by itself: what comes after it may go on.

    One in the background does not run again by itself as long as the sprint goes on: stopped by its name, it is over.
    """
    if hook.state == TaskState.FAILED and not hook.background:
        return hook.ended is not None and not interrupted(hook.ended.decoded())
    return hook.state in ENDED


def harmless(unit: Unit) -> bool:
    """Whether a bad end of a unit is nothing that the main line waits for, or fails of."""
    return unit.background or (unit.leaf is not None and (unit.state != TaskState.FAILED or over(unit)))


def asks(unit: Unit) -> bool:
    """Whether an attempt of the unit asks an agent."""
    if isinstance(unit.node, Leaf):
        return unit.node.prompt is not None
    return unit.owner is not None and unit is unit.owner.fix


def spends_as(unit: Unit) -> str:
    """Of which kind an attempt is when it is guessed what it will spend: what is called alike spends alike."""
    role = unit.path.rpartition("#")[2] if unit.owner is not None else str(getattr(unit.node, "id", ""))
    return f"{'agent' if asks(unit) else 'run'}:{role}"


def remembered(unit: Unit) -> Past:
    """What is remembered of a unit's attempts, to be added to."""
    if unit.past is None:
        unit.past = Past()
    return unit.past


Kind = tuple[bool, bool, str | None]
"""What holds a leaf back: whether it prompts an agent, whether it is a sync point, and the name of its mutex."""


def reached(unit: Unit, row: Transition) -> bool:
    """Whether the main line has come past a background leaf for certain when it moves: else it will, and finds it."""
    if row.trigger == "retry" and row.decoded().get("by") == "operator" and _behind(unit):
        return False  # what it follows runs again too
    turn = unit.first is not None or row.dest == TaskState.WAITING  # for an answer, or until a limit is over
    return turn or (unit.parent is not None and unit.parent.state == GroupState.COMPLETED)


def _behind(unit: Unit) -> bool:
    """Whether the main line stands before a unit. A cursor may lag, after a fold; then the line comes by once more."""
    child = unit
    while child.parent is not None:
        if child.needs or (child.parent.choice is None and child.parent.cursor < child.index):
            return True
        child = child.parent
    return False


def kind_of(unit: Unit) -> Kind:
    """What holds a background leaf back."""
    node = unit.node
    assert isinstance(node, Leaf), "only leaves run in the background"
    return node.prompt is not None, node.wait, node.exclusive


def choice_of(group: Unit) -> Choice:
    """Counts what the children of a new group depend on. SprintError when that is no sibling."""
    steps = {child.node.id: child for child in group.children if isinstance(child.node, Group)}
    dependents: dict[str, list[Unit]] = {}
    for child in steps.values():
        assert isinstance(child.node, Group), "steps are groups"
        for wanted in dict.fromkeys(child.node.depends_on):
            if wanted not in steps:
                raise SprintError(f"{child.path} depends on {wanted!r}, which is no step of {group.path}")
            dependents.setdefault(wanted, []).append(child)
            child.needs += 1
    for wanted, found in dependents.items():
        steps[wanted].dependents = tuple(found)
    regardless = isinstance(group.node, Group) and group.node.on_dependency_failure == "continue"
    fresh = [child.index for child in group.children if not child.needs and child.leaf is None]
    return Choice(regardless=regardless, fresh=fresh)


def enterable(child: Unit) -> bool:
    """Whether a child of such a group may be entered first, as far as its siblings are concerned."""
    if child.leaf is not None:
        return child.state == TaskState.PENDING and not child.background and follows(child)
    return child.state == GroupState.PENDING and not child.needs


def chosen(choice: Choice, unit: Unit, row: Transition) -> None:
    """Keeps true which children may be entered, when one of them has moved."""
    source, dest = row.source, row.dest
    if dest == GroupState.IN_PROGRESS:
        choice.going[unit.index] = unit
    elif source == GroupState.IN_PROGRESS:
        del choice.going[unit.index]
        choice.awake.pop(unit.index, None)
    elif dest == GroupState.PENDING and enterable(unit):
        heappush(choice.fresh, unit.index)
    for hook in (unit.leaf or unit).hooks if dest in ENDED else ():
        if enterable(hook):
            heappush(choice.fresh, hook.index)
    enough = ENDED if choice.regardless else ENDED_WELL
    well = (dest in enough) - (source in enough)
    if well:
        for other in unit.dependents:
            other.needs -= well
            if not other.needs:
                wake(other)
                if other.state == GroupState.PENDING:
                    heappush(choice.fresh, other.index)


def wake(unit: Unit) -> None:
    """Where steps go on side by side, the one in which something has moved is to be looked into again."""
    child = unit.owner or unit
    while child.parent is not None:
        choice = child.parent.choice
        if choice is not None and child.index in choice.going and child.index not in choice.awake:
            choice.awake[child.index] = child
            heappush(choice.calling, child.index)
        child = child.parent


def below(group: Unit) -> Iterator[Unit]:
    """The leaves of a group, at any depth."""
    for child in group.children:
        if child.machine == Machine.GROUP:
            yield from below(child)
        else:
            yield child


def ancestors(unit: Unit) -> Iterator[Unit]:
    """The groups above a unit, nearest first, without the sprint itself."""
    above = unit.parent or (unit.owner.parent if unit.owner else None)
    while above is not None and above.machine == Machine.GROUP:
        yield above
        above = above.parent
