"""Every system call of the supervisor goes wrong once: F3, F5, F7 on the real thing.

The supervisor is killed before it, or the call fails, once or from there on, or does half of what it was asked. Then it
is run again, and the journal has to say what the ledger says: nothing twice, nothing lost, every code the true one.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.inject import (
    EINTR,
    EIO,
    EIO_ON,
    ENOSPC,
    ENOSPC_ON,
    KILL,
    SHORT,
    Fault,
    Point,
    calm,
    killed,
)
from tests.faults.inject_campaign import MARKS, QUICK, harm

pytestmark = MARKS

BESIDE = 0.4
"""Seconds for which a ParallelTask goes on after its supervisor was killed."""


@pytest.mark.parametrize(
    "fault",
    [KILL, EIO, ENOSPC_ON] if QUICK else [KILL, EIO, EIO_ON, ENOSPC, ENOSPC_ON, EINTR, SHORT],
    ids=lambda fault: fault.name,
)
def test_a_supervisor_that_is_harmed_at_any_call_costs_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault
) -> None:
    run = calm(tmp_path / "calm", "supervisor")
    harm(
        campaign,
        tmp_path,
        run.points,
        fault,
        quick=3 if fault is KILL else 1,
        normal=5,
        expected=run.progress,
    )


@pytest.mark.parametrize(
    "fault", [KILL] if QUICK else [KILL, EIO, EIO_ON, ENOSPC, EINTR], ids=lambda fault: fault.name
)
@pytest.mark.parametrize("place", [0.4] if QUICK else [0.1, 0.4, 0.7])
def test_a_supervisor_that_is_harmed_while_it_recovers_costs_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault, place: float
) -> None:
    """One supervisor is killed on its way through the sprint (`place`), the next one before it begins anything."""
    run = calm(tmp_path / "calm", "supervisor", beside=BESIDE)
    way = sent(run.points)[1]
    before = killed(way[int(place * len(way))])
    again = calm(tmp_path / "again", "supervisor", beside=BESIDE, before=before, key=place)
    harm(
        campaign,
        tmp_path,
        sent(again.points)[0],
        fault,
        quick=1,
        normal=10,
        before=before,
        beside=BESIDE,
        expected=run.progress,
    )


def sent(found: Sequence[Point]) -> tuple[Sequence[Point], Sequence[Point]]:
    """The calls before the first task is handed to the launcher, and those after it at which a kill means something."""
    at = next(number for number, point in enumerate(found) if point.call == "sendmsg")
    return found[:at], [point for point in found[at:] if KILL.fits(point)]
