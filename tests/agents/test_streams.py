"""Verdicts and facts of whole streams; and that it does not matter how they were cut up, cut off or littered."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.transition import encode_facts
from fsm_sprint.agents.contract import VERDICTS
from fsm_sprint.agents.lines import LONGEST, event
from fsm_sprint.agents.registry import KNOWN
from tests.agents.streams import RECORDED, Stream, every, ours

STREAMS = every()
EVENTS = [stream for stream in STREAMS if stream.name.endswith(".jsonl")]
named = pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
OK = {"status": "0", "why": "exit"}


@named
def test_a_stream_amounts_to_what_it_says(stream: Stream) -> None:
    verdict, facts = stream.judged()

    assert verdict == stream.verdict
    assert {name: facts.get(name) for name in stream.facts} == stream.facts
    assert [name for name in stream.absent if name in facts] == []
    assert ("error" in facts) == (verdict != "ok")


@named
def test_live_facts_are_those_of_the_end_and_an_end_is_called_for_where_waiting_is_of_no_use(
    stream: Stream,
) -> None:
    driver, live = stream.driver(), {}
    for line in stream.raw.splitlines(keepends=True):
        live |= driver.feed(line)
    _, facts = driver.finish(stream.ended, stream.stderr)

    assert live.pop("end", None) == stream.end
    for name in ("session", "model"):
        assert live.get(name, facts.get(name)) == facts.get(name)
    assert live.keys() <= {"session", "model", "tokens", "cost-usd"}


def test_every_recorded_stream_has_the_session_that_is_in_it() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded streams do not lie beside this repository")
    for stream in STREAMS[: -len(list(ours()))]:
        found = re.search(rb'"(?:session_id|thread_id|sessionI[dD])": ?"([^"]+)"', stream.raw)
        assert found is not None
        assert stream.judged()[1]["session"] == found[1].decode()


def test_every_verdict_that_an_agent_can_earn_is_earned_by_a_stream() -> None:
    assert VERDICTS.keys() - {stream.verdict for stream in STREAMS} == {"lost"}
    assert {stream.agent for stream in STREAMS} == {*KNOWN, "command"}


@named
def test_split_at_every_byte_it_is_the_same(stream: Stream) -> None:
    whole = stream.judged()
    step = max(1, len(stream.raw) // 150)

    assert stream.judged(*(stream.raw[at : at + 1] for at in range(len(stream.raw)))) == whole
    for at in range(0, len(stream.raw), step):
        assert stream.judged(stream.raw[:at], stream.raw[at:]) == whole


@pytest.mark.parametrize("stream", EVENTS, ids=lambda stream: stream.name)
def test_cut_off_it_is_never_taken_for_done(stream: Stream) -> None:
    """What tells how it went is the last line, except that a line may have been torn in two."""
    last = stream.raw.rstrip().rfind(b"\n") + 1
    whole = stream.raw.rstrip()
    # Only its first line says that a command prints events.
    begin = whole.find(b"\n") if stream.agent == "command" else 0
    near = {*range(max(begin, last - 80), len(whole))}
    for at in sorted(near | {*range(begin, last, 11)}):
        found = stream.driver()
        found.feed(whole[:at])
        verdict, _ = found.finish(OK)
        assert verdict in VERDICTS
        assert verdict != "ok", whole[:at][-80:]


JUNK = (
    b"", b"plain words", b"{", b"}", b'{"type":', b"\xff\xfe\x00", b"[1, 2]", b'"text"', b"null", b"{}", b"NaN",
    b'{"type": "of tomorrow", "error": {"message": "429 rate limit"}, "status": "failed"}', b'{"type": 7}',
    b'{"type": ["result"], "is_error": true}', b"[" * 3000, b'{"a":' * 3000, b"1" * 6000, b"\x1b[2J",
)  # fmt: skip


@pytest.mark.parametrize("stream", EVENTS, ids=lambda stream: stream.name)
def test_junk_between_the_lines_changes_nothing(stream: Stream) -> None:
    if stream.name == "gemini-text.jsonl":
        pytest.skip("this is one object over many lines")
    if not stream.raw or "torn" in stream.name:
        return
    whole = stream.judged()
    lines = stream.raw.splitlines()
    for junk in JUNK:
        littered = b"\n".join(part for line in lines for part in (line, junk)) + b"\n"
        assert stream.judged(littered) == whole, junk


def shuffled(stream: Stream) -> st.SearchStrategy[bytes]:
    """The events of a stream with parts replaced by anything."""
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
    events = [found for line in stream.raw.splitlines() if (found := event(line)) is not None]

    @st.composite
    def made(draw: st.DrawFn) -> bytes:
        lines = []
        for one in draw(st.lists(st.sampled_from(events), max_size=6)):
            found = json.loads(json.dumps(one))
            for _ in range(draw(st.integers(0, 3))):
                place = found
                while True:
                    key = draw(st.sampled_from(list(place)))
                    if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
                        place = place[key]
                        continue
                    place[key] = draw(anything)
                    break
                if not found:
                    break
            lines.append(json.dumps(found))
        return "\n".join(lines).encode()

    return made()


@pytest.mark.parametrize("agent", [*KNOWN, "command"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_events_of_any_shape_break_nothing_and_their_facts_can_be_stored(
    agent: str, data: st.DataObject
) -> None:
    streams = [one for one in EVENTS if one.agent == agent and event(one.raw.partition(b"\n")[0])]
    if not streams:
        raw = data.draw(st.binary(max_size=300))
        stream = next(one for one in ours() if one.agent == agent)
    else:
        stream = data.draw(st.sampled_from(streams))
        raw = data.draw(shuffled(stream))
    verdict, facts = stream.judged(raw)

    assert verdict in VERDICTS
    encode_facts(facts).encode("utf-8")
    assert stream.judged(*(raw[at : at + 5] for at in range(0, len(raw), 5)), b"") == (verdict, facts)


def test_a_line_of_any_length_takes_no_more_memory_than_one_may() -> None:
    stream = next(one for one in ours() if one.name == "claude-tried-again.jsonl")
    found = stream.driver()
    init, *rest = stream.raw.splitlines(keepends=True)
    found.feed(init)
    block = b'{"type":"assistant","message":' + b"x" * (1 << 20)
    for _ in range(40):
        found.feed(block)
        assert len(found._lines._rest) <= LONGEST
    found.feed(b"\n" + b"".join(rest))

    assert found.finish(OK)[0] == "ok"


def test_an_attempt_that_is_lost_keeps_what_it_told_and_is_no_success() -> None:
    for stream in STREAMS:
        found = stream.driver()
        found.feed(stream.raw)
        verdict, facts = found.finish({"why": "lost"})
        assert verdict == "lost"
        assert "code" not in facts
        assert facts["error"].startswith("its guarding process was killed")
        if not stream.stderr:
            assert facts.get("session") == stream.judged()[1].get("session")


def test_plain_text_under_an_agents_name_is_judged_as_that_of_any_program() -> None:
    for stream in {one.agent: one for one in ours() if one.agent not in ("aider", "command")}.values():
        found = stream.driver()
        found.feed(b'I made it.\n{"no": "event"')
        assert found.finish(OK)[0] == "empty"
        found = stream.driver()
        found.feed(b"I made it.\n")
        assert found.finish(OK)[0] == "ok"
        found = stream.driver()
        found.feed(b"I tried.\n")
        assert found.finish({"status": "0", "why": "stopped"})[0] == "killed"
