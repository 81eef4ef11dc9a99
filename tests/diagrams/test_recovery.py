import re

from diagrams.recovery import SIGNS, findings, takeover
from fsm.judge import Finding
from fsm.states import LIVE


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


def test_every_finding_is_in_the_table_and_every_line_leads_to_one():
    found = {line[len(SIGNS)] for line in cells(findings())}

    assert found == {str(finding) for finding in Finding}


def test_no_two_lines_answer_for_the_same_sight():
    lines = [line[: len(SIGNS)] for line in cells(findings())]
    for place, line in enumerate(lines):
        for other in lines[:place]:
            assert any(
                "·" not in (mine, theirs) and mine.strip("| ") != theirs.strip("| ")
                for mine, theirs in zip(line, other, strict=True)
            )


def test_every_live_state_says_what_it_owes():
    assert re.findall(r"`(\w+)` \|", takeover().replace("| `abort`", "")) == [
        state for state in ("spawned", "running", "verifying", "stopping") if state in LIVE
    ]


def test_what_was_only_spawned_is_aborted_and_what_runs_is_attached_to():
    lines = {line[0].strip("| `"): line[1:] for line in cells(takeover())}

    assert lines["spawned"][1:] == ["`abort`", "–"]
    assert lines["running"][1:] == ["–", "Attach"]
    assert lines["stopping"][1:] == ["–", "Attach, Stop"]
