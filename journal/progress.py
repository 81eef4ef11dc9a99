"""PROGRESS.yaml as a projection: the fold of a run, in the predecessor's shape, key order and words.

Rule: the same journal gives the same bytes, anywhere and at any time. Only what the rows themselves determine is asked
of the fold (states, rows, tries), never its cursors, which also move while somebody looks for work. Every unit has
fragments of its own that depend on the rows of the units in `_watch` alone; so a change costs its fragments and one
join, and the incremental text equals the full one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from fsm.hooks import iterations
from fsm.plan import Group, Leaf, Plan
from fsm.sprint import Sprint
from fsm.states import GroupState, TaskState
from fsm.transition import Transition
from fsm.unit import Unit
from journal import emit, entries, overview
from journal.heading import headed


class Words(NamedTuple):
    """What the predecessor called a state."""

    main: str
    """Of a group, or of a leaf that the main line waits for."""
    background: str
    """Of a leaf in the background."""
    task: str
    """Of its entry in `parallel-tasks`, which is there from the first spawn on."""


WORDS: Mapping[str, Words] = {
    TaskState.PENDING: Words("pending", "pending", "spawned"),
    TaskState.SPAWNED: Words("in-progress", "spawned", "spawned"),
    TaskState.RUNNING: Words("in-progress", "spawned", "running"),
    TaskState.VERIFYING: Words("in-progress", "spawned", "running"),
    TaskState.STOPPING: Words("in-progress", "spawned", "running"),
    TaskState.WAITING: Words("pending", "pending", "spawned"),
    TaskState.COMPLETED: Words("completed", "completed", "completed"),
    TaskState.FAILED: Words("failed", "failed", "failed"),
    TaskState.SKIPPED: Words("skipped", "skipped", "failed"),
    TaskState.CANCELLED: Words("skipped", "skipped", "failed"),
    GroupState.IN_PROGRESS: Words("in-progress", "in-progress", "running"),
}
"""Every state of tasks and groups. Sprints keep our words: the predecessor had the same, apart from `cancelled`."""

_Writer = Callable[[Unit, int], str]
"""Writes one fragment of a unit; its dash stands at the given column."""


def render(sprint: Sprint) -> str:
    """The whole file for a fold."""
    return Progress(sprint).text()


def initial(plan: Plan) -> str:
    """The whole file for a plan that no journal holds yet: what compiling it shows."""
    sprint = Sprint("", dict[str, str]().__getitem__)
    sprint.plant(plan)
    return render(sprint)


class Progress:
    """The file of one run, kept in fragments. `touch` has to be told of every row that the fold has taken in."""

    def __init__(self, sprint: Sprint) -> None:
        self.sprint = sprint
        self._plant()

    def touch(self, rows: Iterable[Transition]) -> None:
        """Notes which fragments the rows make stale."""
        for row in rows:
            self._stale.update(self._watch.get(row.unit, ()))
            if row.unit in self._entry:
                self._stale_entries.add(row.unit)
            if row.unit in self._hooks:
                self._stale_hooks.add(row.unit)

    def text(self) -> str:
        """The whole file, heading included."""
        return self.content().decode()

    def content(self) -> bytes:
        """The bytes of the whole file."""
        sprint = self.sprint
        if sprint.plan is not self._plan:
            self._plant()
        if len(sprint.proposed) != self._queued:
            self._configure()
        self._freshen()
        place = {
            "current": overview.current(sprint),
            "stats": overview.stats(
                sprint, (len(self._phases_done), self._phases), (len(self._steps_done), self._steps)
            ),
        }
        body = b"".join(
            (
                emit.mapping({"sprint-id": self._plan.sprint_id, "status": sprint.state}, 0).encode(),
                b"phases:\n" if self._nodes else b"phases: []\n",
                *islice(self._pieces, self._nodes),
                emit.mapping(place, 0).encode(),
                b"parallel-tasks:\n" if self._tasks else b"parallel-tasks: []\n",
                *self._tasks,
                self._before,
                b"dependency-graph:\n" if self._nodes < len(self._pieces) else b"",
                *islice(self._pieces, self._nodes, None),
                self._after,
                *self._hooked(),
                emit.mapping(overview.reached(sprint), 0).encode(),
            )
        )
        return headed(sprint.seq, sprint.hash, body)

    def _plant(self) -> None:
        """Lays out the fragments of the plan, all of them stale."""
        self._plan = self.sprint.plan
        self._fragments: list[tuple[_Writer, Unit, int]] = []
        self._watch: dict[str, list[int]] = {}
        """The fragments that depend on a unit's rows."""
        self._tasks: list[bytes] = []
        """The entries of `parallel-tasks`, in the order of their first spawns."""
        self._entry: dict[str, int] = {}
        self._stale_entries: set[str] = set()
        self._phases = self._steps = 0
        self._phases_done: set[str] = set()
        self._steps_done: set[str] = set()
        self._hooks = {unit.path: unit for unit in self.sprint.order if unit.leaf is not None}
        self._iterations = iterations(self._plan) if self._hooks else {}
        self._runs: dict[str, bytes] = {}
        """The entries of `hook-tasks`, in the order of their first spawns."""
        self._stale_hooks = set(self._hooks)
        for unit in self.sprint.root.children:
            self._lay(unit, 2)
        self._nodes = len(self._fragments)
        """Fragments before it are of `phases`, the others of `dependency-graph`."""
        for unit in self.sprint.root.children:
            if any(isinstance(step.node, Group) and step.node.depends_on for step in unit.children):
                self._lay_graph(unit)
        self._pieces = [b""] * len(self._fragments)
        self._stale = set(range(len(self._fragments)))
        self._configure()

    def _configure(self) -> None:
        """Writes what the plan says of the run, with the queue of proposed steps."""
        queue = list(self.sprint.proposed.values())
        self._queued = len(queue)
        before, after = overview.configured(self._plan, queue)
        self._before, self._after = emit.mapping(before, 0).encode(), emit.mapping(after, 0).encode()

    def _lay(self, unit: Unit, indent: int) -> None:
        node = unit.node
        if unit.leaf is not None:
            return
        if isinstance(node, Group) and node.level == "step":
            self._steps += 1
        else:
            self._phases += 1
        around = [one.path for one in (unit, unit.gate, unit.fix) if one is not None]
        if isinstance(node, Leaf):
            self._fragment(_leaf, unit, indent, around)
            return
        self._fragment(_opening, unit, indent, [unit.path])
        for child in unit.children:
            self._lay(child, indent + 4)
        self._fragment(_closing, unit, indent, around)

    def _lay_graph(self, phase: Unit) -> None:
        self._fragment(_graph, phase, 2, [])
        siblings = {step.node.id: step for step in phase.children if isinstance(step.node, Group)}
        for step in siblings.values():
            assert isinstance(step.node, Group), "only groups are kept above"
            paths = [siblings[wanted].path for wanted in step.node.depends_on]
            self._fragment(partial(_node, siblings), step, 6, paths)

    def _fragment(self, write: _Writer, unit: Unit, indent: int, paths: Sequence[str]) -> None:
        index = len(self._fragments)
        self._fragments.append((write, unit, indent))
        for path in paths:
            self._watch.setdefault(path, []).append(index)

    def _freshen(self) -> None:
        fragments, pieces = self._fragments, self._pieces
        for index in self._stale:
            write, unit, indent = fragments[index]
            pieces[index] = write(unit, indent).encode()
            if write is _leaf or write is _opening:
                self._count(unit)
        self._stale.clear()
        for path in self._stale_entries:
            self._tasks[self._entry[path]] = _task(self.sprint.unit(path))
        self._stale_entries.clear()
        for unit in islice(self.sprint.tasks.values(), len(self._tasks), None):
            self._entry[unit.path] = len(self._tasks)
            self._tasks.append(_task(unit))

    def _hooked(self) -> Iterator[bytes]:
        """What the hooks have come to."""
        if not self._plan.hooks:
            return
        found = [(unit.first.seq, unit) for path in self._stale_hooks if (unit := self._hooks[path]).first]
        for _, unit in sorted(found, key=lambda one: one[0]):
            assert unit.leaf is not None, "it is a hook"
            number = self._iterations[unit.leaf.path]
            self._runs[unit.path] = emit.entry(entries.hook(unit, WORDS[unit.state].task, number), 2).encode()
        self._stale_hooks.clear()
        yield b"hook-tasks:\n" if self._runs else b"hook-tasks: []\n"
        yield from self._runs.values()

    def _count(self, unit: Unit) -> None:
        node = unit.node
        done = self._steps_done if isinstance(node, Group) and node.level == "step" else self._phases_done
        if unit.state == TaskState.COMPLETED:
            done.add(unit.path)
        else:
            done.discard(unit.path)


def _leaf(unit: Unit, indent: int) -> str:
    words = WORDS[unit.state]
    return emit.entry(entries.leaf(unit, words.background if unit.background else words.main), indent)


def _opening(unit: Unit, indent: int) -> str:
    node = unit.node
    assert isinstance(node, Group), "only groups are opened"
    head = emit.entry(entries.opening(unit, WORDS[unit.state].main), indent)
    if not node.children and node.wait:
        return head  # a pure sync point
    children = "phases" if node.level == "step" else "steps"
    return f"{head}{' ' * (indent + 2)}{children}:{'' if node.children else ' []'}\n"


def _closing(unit: Unit, indent: int) -> str:
    return emit.mapping(entries.closing(unit), indent + 2)


def _task(unit: Unit) -> bytes:
    return emit.entry(entries.task(unit, WORDS[unit.state].task), 2).encode()


def _graph(phase: Unit, indent: int) -> str:
    assert isinstance(phase.node, Group), "only groups have steps"
    pad = " " * (indent + 2)
    return f"{emit.entry({'phase-id': phase.node.id}, indent)}{pad}nodes:\n"


def _node(siblings: Mapping[str, Unit], step: Unit, indent: int) -> str:
    return emit.entry(entries.blocked(step, siblings), indent)
