from hypothesis import given

from diagrams.graph import Graph, Shape, Tone
from diagrams.plan import from_plan
from fsm.plan import Group, Leaf, Plan, leaves
from tests.diagrams.strategies import plans


def leaf(path: str, *, parallel: bool = False, wait: bool = False) -> Leaf:
    return Leaf(id=path.rpartition("/")[2], path=path, run="true", parallel=parallel, wait=wait)


def step(path: str, *children: Leaf, depends_on: tuple[str, ...] = ()) -> Group:
    return Group(
        id=path.rpartition("/")[2], path=path, level="step", children=children, depends_on=depends_on
    )


def arrows(graph: Graph) -> set[tuple[str, str, bool]]:
    return {(edge.source, edge.dest, edge.aside) for edge in graph.edges}


def test_phases_follow_one_another_through_their_frames():
    work = Group(
        id="w",
        path="w",
        level="phase",
        children=(step("w/0", leaf("w/0/a"), leaf("w/0/b")), step("w/1", leaf("w/1/a"))),
    )
    graph = from_plan(Plan(sprint_id="s", phases=(leaf("p"), work, leaf("q"))))

    assert arrows(graph) == {
        ("p", "w/0/a", False),
        ("w/0/a", "w/0/b", False),
        ("w/0/b", "w/1/a", False),
        ("w/1/a", "q", False),
    }
    (frame,) = graph.clusters
    assert [inner.id for inner in frame.clusters] == ["w/0", "w/1"]


def test_background_work_leaves_the_main_line_and_comes_back_at_the_next_sync_point():
    plan = Plan(sprint_id="s", phases=(leaf("p"), leaf("b", parallel=True), leaf("q"), leaf("z", wait=True)))

    assert arrows(from_plan(plan)) == {
        ("p", "b", True),
        ("p", "q", False),
        ("q", "z", False),
        ("b", "z", True),
    }


def test_the_end_of_the_sprint_is_a_sync_point_of_its_own():
    graph = from_plan(Plan(sprint_id="s", phases=(leaf("p"), leaf("b", parallel=True))))

    assert arrows(graph) == {("p", "b", True), ("p", "#end", False), ("b", "#end", True)}


def test_steps_side_by_side_wait_only_for_what_they_depend_on():
    work = Group(
        id="w",
        path="w",
        level="phase",
        parallel=True,
        children=(
            step("w/0", leaf("w/0/a")),
            step("w/1", leaf("w/1/a")),
            step("w/2", leaf("w/2/a"), depends_on=("0",)),
        ),
    )
    graph = from_plan(Plan(sprint_id="s", phases=(leaf("p"), work, leaf("q"))))

    assert arrows(graph) == {
        ("p", "w/0/a", False),
        ("p", "w/1/a", False),
        ("w/0/a", "w/2/a", False),
        ("w/1/a", "q", False),
        ("w/2/a", "q", False),
    }


def test_the_states_of_a_run_colour_its_plan():
    plan = Plan(sprint_id="s", phases=(leaf("a"), leaf("b"), leaf("c"), leaf("d")))
    graph = from_plan(plan, {"a": "completed", "b": "failed", "c": "running"})

    assert [node.tone for node in graph.nodes] == [Tone.WELL, Tone.BADLY, Tone.LIVE, Tone.IDLE]


def test_a_large_plan_is_drawn_by_its_steps_or_its_phases():
    phases = tuple(
        Group(
            id=f"p{p}",
            path=f"p{p}",
            level="phase",
            children=tuple(step(f"p{p}/{s}", leaf(f"p{p}/{s}/a"), leaf(f"p{p}/{s}/b")) for s in range(10)),
        )
        for p in range(3)
    )
    plan = Plan(sprint_id="s", phases=phases)

    assert len(from_plan(plan).nodes) == 60
    assert [node.notes for node in from_plan(plan, most=59).nodes] == [("2 tasks",)] * 30
    assert [node.notes for node in from_plan(plan, most=29).nodes] == [("20 tasks",)] * 3


@given(plans())
def test_every_leaf_is_drawn_once_in_its_own_frames_and_every_arrow_goes_forward(plan):
    graph = from_plan(plan)
    ids = [node.id for node in graph.nodes]
    place = {id_: number for number, id_ in enumerate(ids)}
    framed = [node for cluster in graph.clusters for node in cluster.inside()]

    assert len(set(ids)) == len(ids)
    drawn = [node.id for node in graph.nodes if node.shape in (Shape.LEAF, Shape.BACKGROUND)]
    assert drawn == [leaf.path for leaf in leaves(plan)]
    assert len(set(framed)) == len(framed)
    assert set(framed) <= set(ids)
    assert all(place[edge.source] < place[edge.dest] for edge in graph.edges)
