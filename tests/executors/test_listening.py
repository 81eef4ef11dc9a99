"""What agents print is heard while they run, and what is of no use to wait for is ended."""

import json
from collections.abc import Iterator

import pytest

from fsm.events import Event, Learnt
from fsm.plan import Agent
from fsm_sprint.agents.contract import Brief, Driver
from fsm_sprint.agents.registry import driver
from fsm_sprint.executors.local import LocalExecutor
from tests.executors.hands import Hands

pytestmark = pytest.mark.process

INIT = {"type": "system", "subtype": "init", "session_id": "s1", "model": "m1"}
RETRY = {
    "type": "system",
    "subtype": "api_retry",
    "session_id": "s1",
    "error": "authentication_failed",
    "attempt": 1,
}


class Agents(Hands):
    """A sprint directory whose tasks are claude's."""

    def supervisor(self) -> LocalExecutor:
        def made(unit: str, attempt: int) -> Driver:
            return driver(Brief(agent=Agent(name="claude")))

        def verdict(unit, attempt, ended, log, errors):
            found = made(unit, attempt)
            found.feed(log.read_bytes())
            return found.finish(ended)

        return LocalExecutor(
            self.paths, lambda unit, _: self.jobs[unit], verdict, self.clock, self.run, drivers=made
        )

    def printing(self, *events: object, then: str = "exec sleep 60") -> str:
        lines = "".join(json.dumps(event) + "\n" for event in events)
        return f"cat <<'END'\n{lines}END\n{then}"


@pytest.fixture
def agents(hands: Hands) -> Iterator[Agents]:
    made = Agents(hands.paths.directory, hands.run)
    yield made
    made.executor.close()


def learnt(event: Event) -> bool:
    return isinstance(event, Learnt) and "session" in event.facts


def test_a_session_is_told_while_its_agent_runs_together_with_what_was_told_before(agents: Agents) -> None:
    agents.spawn(agents.shell(agents.printing(INIT), announce=True, split=True))
    found = agents.until(learnt)

    assert isinstance(found, Learnt)
    assert (found.facts["session"], found.facts["model"]) == ("s1", "m1")
    assert found.facts["pid"] > 1
    agents.stop()
    ended = agents.ended()
    assert (ended.verdict, ended.facts["session"]) == ("killed", "s1")


def test_a_login_that_does_not_work_is_not_waited_for(agents: Agents) -> None:
    agents.spawn(agents.shell(agents.printing(INIT, RETRY), split=True))
    ended = agents.ended()

    assert ended.verdict == "auth"
    assert ended.facts["why"] == "stopped"
    told = [event.facts for event in agents.seen if isinstance(event, Learnt)]
    assert told == [{"session": "s1", "model": "m1", "ending": "auth"}]


def test_who_takes_over_hears_it_all_again(agents: Agents) -> None:
    identity = agents.released(agents.shell(agents.printing(INIT), split=True), says="init")
    agents.drop()
    agents.attach(identity)
    agents.adopted()
    found = agents.until(learnt)

    assert isinstance(found, Learnt)
    assert found.facts["session"] == "s1"
    assert found.facts["pid"] > 1
    agents.stop()
    agents.ended()


def test_many_lines_are_few_reports(agents: Agents) -> None:
    message = {"type": "assistant", "session_id": "s1", "message": {"model": "m1", "id": "1", "content": []}}
    usage = {"input_tokens": 3, "output_tokens": 1}
    lines = [{**message, "message": {**message["message"], "id": str(n), "usage": usage}} for n in range(50)]
    each = "".join(f"echo '{json.dumps(line)}'; sleep 0.05\n" for line in lines)
    agents.spawn(agents.shell(agents.printing(INIT, then=each), split=True))
    agents.ended()
    told = [event.facts for event in agents.seen if isinstance(event, Learnt)]

    assert 1 <= len(told) <= 2
    assert told[-1]["tokens"]["input"] >= 3


def test_an_agent_that_prints_nothing_at_all_is_ended_by_its_shim(hands: Hands) -> None:
    found = hands.ran(hands.shell("exec sleep 60", first_output=0.3, idle_timeout=30.0))
    assert (found.verdict, found.facts["why"]) == ("idle", "first-output")


def test_what_has_begun_to_print_has_kept_the_bound_of_the_first_output(hands: Hands) -> None:
    found = hands.ran(hands.shell("echo up; sleep 1", first_output=0.5))
    assert found.verdict == "ok"
