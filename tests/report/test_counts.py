"""Numbers of tasks, kept row by row."""

import pytest

from fsm.simulate import RUN, Mortal, Simulation
from fsm.sprint import Sprint
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.tally import bar, tally
from journal.memory import MemoryJournal, Rows


@pytest.mark.parametrize("seed", range(20))
def test_counting_along_gives_the_same_as_counting_anew(seed: int) -> None:
    rows = Rows()

    def connect() -> Mortal:
        return MemoryJournal(rows)

    Simulation(seed, connect).run()
    journal = MemoryJournal(rows)
    sprint = Sprint(RUN, journal.text)
    kept = Counts(sprint)
    for row in journal.read():
        sprint.apply(row)
        kept.touch([row])
        assert +kept.states == Counts(sprint).states
    assert kept.all == sum("#" not in unit.path and unit.machine == "task" for unit in sprint.order)
    assert kept.done <= kept.all


def test_a_tally_names_what_there_is() -> None:
    assert tally({}) == "0 of 0 tasks done"
    assert tally({"completed": 1}) == "1 of 1 task done"
    states = {
        "completed": 3,
        "skipped": 1,
        "failed": 2,
        "spawned": 1,
        "stopping": 1,
        "waiting": 1,
        "pending": 9,
    }
    assert tally(states) == "4 of 18 tasks done, 2 failed, 1 skipped, 2 running, 1 waiting"


def test_a_bar_has_the_width_that_it_is_given_or_is_left_out() -> None:
    assert bar({"completed": 1, "failed": 1, "pending": 2}, 8) == "██▒▒░░░░"
    assert bar({"completed": 1, "failed": 1, "pending": 2}, 8, ascii_only=True) == "##xx...."
    assert bar({"completed": 1}, 3) == bar({}, 30) == ""
