"""Any legal history, in any batches, over any deaths, against a plain list."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from fsm.transition import Transition
from journal.errors import JournalFault, JournalFenced
from journal.replay import verify
from tests.journal.contract import World
from tests.journal.rows import histories, row
from tests.journal.worlds import MemoryWorld, SqliteWorld


@pytest.mark.parametrize(
    "make", [MemoryWorld, partial(SqliteWorld, rollback=False)], ids=["memory", "sqlite"]
)
def test_any_legal_history_in_any_batches_is_read_back_equal_with_its_chain(
    make: Callable[[], World],
) -> None:
    @settings(max_examples=50)
    @given(rows=histories(), data=st.data())
    def check(rows: list[Transition], data: st.DataObject) -> None:
        with closing(make()) as world:
            journal = world.open()
            stored = []
            for one in rows:
                stored.append(journal.append(one))
                if data.draw(st.booleans()):
                    journal.commit()
            journal.commit()
            world.kill(journal)

            found = list(world.open().read())

            assert found == stored
            assert [one.decoded() for one in found] == [one.decoded() for one in rows]
            assert [one._replace(hash="", facts="") for one in found] == [
                one._replace(facts="") for one in rows
            ]
            assert not list(verify(found))

    check()


class Supervisors(RuleBasedStateMachine):
    """Supervisors come, write, die or are overtaken. What was acknowledged stays, and nothing else."""

    make: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()
        self.durable: list[Transition] = []
        self.open: list[Transition] = []
        self.texts: set[str] = set()
        self.fresh_texts: set[str] = set()
        self.journal: Any = self.world.open()

    @rule()
    def it_dies_and_another_starts(self) -> None:
        self.world.kill(self.journal)
        self.open.clear()
        self.fresh_texts.clear()
        self.journal = self.world.open()
        assert list(self.journal.read()) == self.durable
        for text in self.texts:
            self.journal.text(text)

    @rule(facts=st.dictionaries(st.text(max_size=5), st.integers(), max_size=2))
    def it_appends(self, facts: dict[str, int]) -> None:
        self.open.append(self.journal.append(row(len(self.durable + self.open) + 1, facts=facts)))

    @rule(text=st.text(st.characters(codec=None), max_size=5))
    def it_keeps_a_text(self, text: str) -> None:
        self.fresh_texts.add(self.journal.keep(text))

    @rule()
    def it_commits(self) -> None:
        self.journal.commit()
        self.durable += self.open
        self.texts |= self.fresh_texts
        self.open.clear()
        self.fresh_texts.clear()

    @precondition(lambda self: not self.open and not self.fresh_texts)
    @rule()
    def it_is_overtaken(self) -> None:
        overtaken, self.journal = self.journal, self.world.open()
        self.it_appends({})
        self.it_commits()
        with pytest.raises(JournalFenced):
            overtaken.append(row(len(self.durable)))
        with pytest.raises(JournalFault):
            overtaken.commit()
        self.world.kill(overtaken)

    def teardown(self) -> None:
        self.world.close()


class InMemory(Supervisors):
    make = MemoryWorld


class OnDisk(Supervisors):
    make = partial(SqliteWorld, rollback=False)


TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(max_examples=30, stateful_step_count=20)
TestOnDisk = OnDisk.TestCase
TestOnDisk.settings = settings(max_examples=15, stateful_step_count=20)
