"""Texts and plans for the pictures: what a hostile id may be, and trees of every kind of unit."""

from hypothesis import strategies as st

from fsm.plan import Gate, Group, Leaf, Plan, escape

NASTY = (
    'say "hi"', "back\\slash", "trailing\\", "line\nbreak", "\\N\\G\\l", "<b>&amp;</b>", "&quot;", "%%{init: {}}%%",
    "`code`", "end", "graph", "node", "{a|b}", "\u202eright to left", "שלום", "a" * 300, "ends]--", "]]>", "n0 --> n1",
    "\x00\x1f", "\ud800", "\ufffe", "#quot;", ";", " ", "-->", "::: idle", "con", "·",
)  # fmt: skip

texts = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=30))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan with unique ids on each level: leaves, steps, sync points, background work, dependencies."""
    phases = tuple(_phase(draw, id_) for id_ in draw(_ids))
    return Plan(sprint_id=draw(texts), phases=phases)


_ids = st.lists(texts, min_size=1, max_size=4, unique=True)


def _phase(draw: st.DrawFn, id_: str) -> Leaf | Group:
    kind = draw(st.sampled_from(["leaf", "steps", "sync"]))
    path = escape(id_)
    if kind == "leaf":
        return _leaf(draw, id_, path, parallel=False)
    if kind == "sync":
        return Group(id=id_, path=path, level="phase", wait=True)
    steps: list[Group] = []
    for step in draw(_ids):
        below = f"{path}/{escape(step)}"
        children = tuple(
            _leaf(draw, leaf, f"{below}/{escape(leaf)}", parallel=draw(st.booleans())) for leaf in draw(_ids)
        )
        needs = tuple(draw(st.lists(st.sampled_from([s.id for s in steps]), unique=True))) if steps else ()
        steps.append(Group(id=step, path=below, level="step", children=children, depends_on=needs))
    return Group(id=id_, path=path, level="phase", children=tuple(steps), parallel=draw(st.booleans()))


def _leaf(draw: st.DrawFn, id_: str, path: str, *, parallel: bool) -> Leaf:
    return Leaf(
        id=id_,
        path=path,
        run="true",
        parallel=parallel,
        wait=draw(st.booleans()),
        gate=draw(st.sampled_from([None, Gate(script="true")])),
    )
