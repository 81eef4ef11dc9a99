"""The exit codes of sprints that have come to rest."""

import pytest

from fsm_sprint.cli.exits import ExitCode, at_rest


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("blocked", "budget", ExitCode.BUDGET),
        ("blocked", "failed", ExitCode.FAILED),
        ("paused", "limit", ExitCode.LIMIT),
        ("paused", None, ExitCode.WAITING),
        ("needs-human", "approval", ExitCode.WAITING),
    ],
)
def test_a_budget_that_ended_and_a_limit_that_is_not_waited_for_have_codes_of_their_own(
    state: str, kind: str | None, code: ExitCode
) -> None:
    assert at_rest(state, failures=False, kind=kind) is code
