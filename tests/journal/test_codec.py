"""The chain and the upcasters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.plan import digest
from fsm.transition import Facts, Transition, encode_facts
from journal.codec import from_column, link, seal, to_column, upcast
from journal.errors import JournalTooNew
from tests.journal.rows import life, row

TEXT = st.text(max_size=4)
ROWS = st.builds(
    Transition,
    *[st.integers(0, 99), TEXT, st.integers(0, 99), st.integers(0, 99), TEXT, TEXT, TEXT, TEXT, TEXT],
    attempt=st.integers(0, 99),
    facts=TEXT,
    hash=st.just(""),
)


def test_the_hash_of_a_row_never_changes() -> None:
    """Whoever breaks this breaks every journal there is."""
    first = seal("", row(facts={"boot": "b", "path": "/ä"}))
    second = seal(first.hash, row(2, "start", "not-started", "in-progress"))

    assert first.hash == "9642c503ade8a1394f01028fff79b44e54ab6dd25140953002e576dba2c3bb85"
    assert second.hash == "d10cf34c8166043df20ad43842aa2a65ea7708fe026ceb744d215b1ef8352c78"


@given(one=ROWS, other=ROWS)
def test_two_rows_have_one_hash_only_if_they_are_one_row(one: Transition, other: Transition) -> None:
    assert (link("", one) == link("", other)) == (one == other)


def test_text_cannot_move_from_one_column_to_the_next() -> None:
    assert link("", row(unit="ab", machine="c")) != link("", row(unit="a", machine="bc"))


def test_a_row_belongs_to_its_place() -> None:
    first, second = list(life(2))

    assert link(seal("", first).hash, second) != link("", second)


@given(text=st.text(st.characters(codec=None)))
def test_any_text_survives_its_column(text: str) -> None:
    assert from_column(to_column(text), digest(text)) == text


def _renamed(facts: Facts) -> Facts:
    return {"status": facts["code"]}


def _in_words(facts: Facts) -> Facts:
    return {"status": {0: "ok"}.get(facts["status"], "bad")}


UPCASTERS = {("task", "succeed"): (_renamed, _in_words)}


@pytest.mark.parametrize("facts", [{"code": 0}, {"status": 0, "v": 2}, {"status": "ok", "v": 3}])
def test_facts_of_every_version_are_read_as_todays_while_the_hash_stays(facts: Facts) -> None:
    stored = seal("", row(1, "succeed", "running", "completed", unit="a", machine="task", facts=facts))

    found = upcast(stored, UPCASTERS)

    assert found.decoded() == {"status": "ok", "v": 3}
    assert found.hash == stored.hash
    assert found.facts == encode_facts(found.decoded())


def test_rows_without_an_upcaster_are_left_alone() -> None:
    stored = seal("", row(facts={"code": 0}))

    assert upcast(stored, UPCASTERS) is stored


def test_facts_of_a_later_version_are_refused() -> None:
    with pytest.raises(JournalTooNew, match="version 4"):
        upcast(row(1, "succeed", "running", "completed", unit="a", machine="task", facts={"v": 4}), UPCASTERS)
