"""What the in-memory journal adds to the contract: commits that fail, and a head that can be watched."""

import pytest

from journal.errors import JournalFault
from journal.memory import CommitFault, MemoryJournal, Rows
from tests.journal.rows import row


@pytest.mark.parametrize(("fault", "there"), [(CommitFault.LOST, 0), (CommitFault.KEPT, 1)])
def test_a_commit_that_raised_may_or_may_not_have_happened(fault: CommitFault, there: int) -> None:
    rows = Rows(at_commit=lambda: fault)
    journal = MemoryJournal(rows)
    journal.append(row())
    journal.keep("text")

    with pytest.raises(JournalFault):
        journal.commit()

    with pytest.raises(JournalFault):
        journal.append(row())
    rows.at_commit = None
    after = MemoryJournal(rows)
    assert len(list(after.read())) == len(rows.texts) == after.head[0] == there
    after.append(row(there + 1))
    after.commit()


def test_an_empty_commit_cannot_fail() -> None:
    journal = MemoryJournal(Rows(at_commit=lambda: CommitFault.LOST))

    journal.commit()

    assert journal.head == (0, "")
