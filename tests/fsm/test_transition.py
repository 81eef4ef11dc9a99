"""A row is complete in itself, and equal facts are equal bytes."""

from hypothesis import given
from hypothesis import strategies as st

from fsm.transition import SPRINT_UNIT, Transition, encode_facts
from tests.fsm.plans import leaf, plan

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
facts = st.dictionaries(st.text(max_size=5), values, max_size=4)


@given(facts)
def test_facts_survive_their_text(some: dict[str, object]):
    row = Transition(1, "r", 1, 0, "u", "task", "note", "pending", "pending", 0, encode_facts(some))

    assert row.decoded() == some


@given(facts)
def test_equal_facts_are_equal_bytes(some: dict[str, object]):
    assert encode_facts(some) == encode_facts(dict(reversed(list(some.items()))))


def test_no_facts_are_no_bytes():
    assert encode_facts({}) == ""


def test_no_unit_of_a_plan_can_be_called_what_the_sprint_is_called():
    assert plan(leaf(SPRINT_UNIT)).phases[0].path == "%23sprint"
