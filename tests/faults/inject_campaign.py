"""A fault at each of many points, one round after the other, and what all of them came to."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree

import pytest

from tests.e2e.sprints import Sandbox
from tests.faults.campaign import Campaign
from tests.faults.inject import Fault, Point, documented, play_round, refused, untouched

MOST = 20
"""Things that go wrong before a campaign is given up."""
QUICK = os.environ.get("FSM_SPRINT_CAMPAIGN", "quick") == "quick"
"""Only a look is asked for: one place and the tellingest faults, a few rounds each."""
BOUND = 300 if QUICK else 6 * 3600
"""Seconds for one campaign."""

MARKS = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(BOUND),
    pytest.mark.usefixtures("permitted"),
]


@pytest.fixture(scope="session")
def permitted() -> None:
    """Says aloud why nothing is injected where nothing can be."""
    why = refused()
    if why:
        pytest.skip(why)


def harm(
    campaign: Campaign,
    folder: Path,
    found: Sequence[Point],
    fault: Fault,
    *,
    quick: int,
    normal: int,
    harmed: bool = False,
    before: Callable[[Sandbox], object] = untouched,
    beside: float = 0,
    expected: str = "",
    codes: tuple[int, ...] = (),
) -> None:
    """Plays a round at each of the points that are due, and tells of all that went wrong."""
    wrong: list[str] = []
    due = [point for point in found if fault.fits(point)]
    for number, point in enumerate(campaign.share(due, lambda _: fault.name, quick=quick, normal=normal)):
        if len(wrong) >= MOST:
            campaign.skipped(fault.name)
            continue
        place = folder / f"{fault.name} {number}".replace(" ", "-")
        played = play_round(
            place / "tiny",
            point,
            fault,
            harmed=harmed,
            codes=codes or documented(point, fault),
            before=before,
            beside=beside,
            expected=expected,
        )
        campaign.ran(fault.name if played.hits else f"{fault.name}, missed")
        campaign.note(f"exit {played.code}")
        wrong += [f"{fault.name}, {point}: {sentence}" for sentence in played.wrong]
        if not played.wrong:
            rmtree(place)  # 8 MB of journal each
    assert not wrong, "\n".join(wrong)
