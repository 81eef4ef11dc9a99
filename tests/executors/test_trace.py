"""What an attempt is told of the trace that it is part of."""

import re

import pytest

from fsm_sprint.executors.trace import traceparent
from tests.executors.hands import Hands

ABOVE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
INVALID = (
    "",
    "x",
    ABOVE.upper(),
    f"{ABOVE}-more",
    f"ff{ABOVE[2:]}",
    f"00-{'0' * 32}-b7ad6b7169203331-00",
    f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-00",
    f"{ABOVE}\n",
)


def parts(value: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])", value)
    assert found is not None, value
    return found[1], found[2], found[3]


def test_a_run_is_a_trace_and_each_attempt_a_span_of_it():
    found = [parts(traceparent("r1", unit, attempt)) for unit in ("a", "a/b", "a#gate") for attempt in (1, 2)]
    assert len({trace for trace, _, _ in found}) == 1
    assert len({span for _, span, _ in found}) == len(found)
    assert {flags for _, _, flags in found} == {"01"}
    assert parts(traceparent("r2", "a", 1))[0] != found[0][0]
    assert traceparent("r1", "a", 1) == traceparent("r1", "a", 1)


def test_a_supervisor_that_is_part_of_a_trace_passes_it_on():
    trace, span, flags = parts(traceparent("r1", "a", 1, ABOVE))
    assert (trace, flags) == (ABOVE[3:35], "00"), "whether it is sampled is decided above"
    assert span != ABOVE[36:52]
    assert traceparent("r1", "a", 1, "01" + ABOVE[2:] + "-more").startswith(ABOVE[:35]), "of a later version"


@pytest.mark.parametrize("above", INVALID)
def test_what_is_no_place_in_a_trace_is_passed_over(above: str):
    assert traceparent("r1", "a", 1, above) == traceparent("r1", "a", 1)


@pytest.mark.process
@pytest.mark.parametrize("above", ["", ABOVE])
def test_a_task_finds_it_in_its_environment(hands: Hands, above: str):
    hands.ran(hands.shell('echo "$TRACEPARENT"', env={"PATH": "/bin:/usr/bin", "TRACEPARENT": above}))
    assert hands.log().strip() == traceparent(hands.run, "task", 1, above)
