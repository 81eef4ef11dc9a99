"""Which level the campaigns run at, and their tallies."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.faults.campaign import Campaign
from tests.faults.inject_campaign import permitted

__all__ = ["permitted"]


@pytest.fixture
def campaign(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[Campaign]:
    """The campaign of this test; what it tells is printed at the end of the session, and kept in the results."""
    level = os.environ.get("FSM_SPRINT_CAMPAIGN", "quick")
    made = Campaign(level, request.node.name, lambda line: record_property("campaign", line))
    yield made
    made.close()
