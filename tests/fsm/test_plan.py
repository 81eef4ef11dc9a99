"""A plan is a value: its text is its identity, says all of it, and nothing that is not in it."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan import (
    Agent,
    Gate,
    Group,
    Hook,
    Leaf,
    Node,
    Orchestration,
    Plan,
    Retry,
    Worktree,
    digest,
    dump,
    escape,
    leaves,
    load,
    nodes,
)
from tests.fsm.plans import back, gate, leaf, phase, plan, step

texts = st.text(max_size=8)
some = st.none() | texts
seconds = st.none() | st.floats(0.001, 1e6) | st.integers(1, 10**6)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
words = st.lists(texts, max_size=3).map(tuple)

gates = st.builds(
    Gate,
    script=texts,
    prompt=some,
    tries=st.integers(1, 9),
    timeout=st.floats(0.001, 1e6) | st.integers(1, 99),
)
retries = st.builds(
    Retry,
    max_attempts=st.integers(1, 9),
    backoff=st.lists(st.floats(0, 1e6), max_size=3).map(tuple),
    on=words,
)
agents = st.builds(Agent, name=texts, command=words)
some_leaves = st.builds(
    Leaf,
    id=texts,
    path=texts,
    prompt=some,
    run=st.none() | texts | words,
    agent=st.none() | agents,
    model=some,
    env=pairs,
    cwd=some,
    timeout=seconds,
    idle_timeout=seconds,
    parallel=st.booleans(),
    wait=st.booleans(),
    breaks=st.booleans(),
    gate=st.none() | gates,
    retry=st.none() | retries,
    exclusive=some,
)


def groups(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        Group,
        id=texts,
        path=texts,
        level=st.sampled_from(["phase", "step"]),
        children=st.lists(children, max_size=2).map(tuple),
        prompt=some,
        model=some,
        depends_on=words,
        parallel=st.booleans(),
        wait=st.booleans(),
        breaks=st.booleans(),
        gate=st.none() | gates,
    )


trees: st.SearchStrategy[Node] = st.recursive(some_leaves, groups, max_leaves=5)
whole_plans = st.builds(
    Plan,
    sprint_id=texts,
    phases=st.lists(trees, max_size=3).map(tuple),
    name=some,
    workflow=texts,
    prompts=pairs,
    hooks=st.lists(
        st.builds(Hook, id=texts, prompt=some, workflow=some, parallel=st.booleans()), max_size=2
    ).map(tuple),
    worktree=st.none() | st.builds(Worktree, branch=texts, path=texts, cleanup=texts),
    orchestration=st.none()
    | st.builds(
        Orchestration, enabled=st.booleans(), insert_strategy=texts, auto_approve=st.booleans(), prompt=some
    ),
    retry=st.none() | retries,
    concurrency=st.none() | st.integers(1, 99),
    on_parallel_failure=st.sampled_from(["warn", "block"]),
    sources=pairs,
    version=st.integers(1, 3),
)


@given(whole_plans)
def test_a_plan_survives_its_text(made: Plan):
    again = load(dump(made))

    assert made == again
    assert dump(made) == dump(again)


@given(whole_plans)
def test_the_text_is_canonical(made: Plan):
    text = dump(made)

    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
    assert digest(text) == digest(dump(load(text)))


def test_what_has_its_default_is_not_written():
    assert dump(plan(leaf("a"))) == '{"phases":[{"id":"a","path":"a","run":"true"}],"sprint_id":"s"}'


def test_every_field_makes_a_difference():
    """A field that `dump` forgot would give two plans one identity."""
    base = plan(
        leaf("a", gate=gate(), retry=Retry()),
        phase("p"),
        worktree=Worktree(branch="b", path="p", cleanup="c"),
    )
    for field in fields(Leaf):
        changed = replace(base, phases=(replace(base.phases[0], **{field.name: "other"}), *base.phases[1:]))
        assert dump(base) != dump(changed), field.name
    for field in fields(Plan):
        assert dump(base) != dump(replace(base, **{field.name: ("other",)})), field.name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "3",
        '"text"',
        "null",
        "{}",
        '{"sprint_id":"s"}',
        '{"phases":[],"sprint_id":"s","surprise":1}',
        '{"phases":[{"id":"a","path":"a","surprise":1}],"sprint_id":"s"}',
        '{"phases":[{"id":"a","path":"a","level":"phase","run":"x"}],"sprint_id":"s"}',
        '{"phases":[{"id":"a","path":"a","children":[]}],"sprint_id":"s"}',
        '{"phases":[{"id":"a","path":"a","gate":{"surprise":1}}],"sprint_id":"s"}',
    ],
)
def test_what_is_no_plan_is_refused(text: str):
    with pytest.raises((ValueError, KeyError, TypeError)):
        load(text)


def test_nodes_come_in_plan_order_parents_first():
    made = plan(leaf("a"), phase("p", step("s", leaf("x"), back("y")), step("t")), leaf("b"))

    assert [node.path for node in nodes(made)] == ["a", "p", "p/s", "p/s/x", "p/s/y", "p/t", "b"]
    assert [found.path for found in leaves(made)] == ["a", "p/s/x", "p/s/y", "b"]


ids = st.text(st.sampled_from("a/%#25F"), min_size=1, max_size=4)


@given(st.lists(ids, min_size=1, max_size=3), st.lists(ids, min_size=1, max_size=3))
def test_paths_are_equal_only_when_their_ids_are(one: list[str], other: list[str]):
    joined = ["/".join(escape(id_) for id_ in path) for path in (one, other)]

    assert (joined[0] == joined[1]) == (one == other)
    assert "#" not in joined[0]


def test_a_digest_of_text_that_is_no_unicode_exists():
    assert digest("\ud800") != digest("\ud801")
