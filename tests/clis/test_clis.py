"""The real agents, each in its own sprint, with a provider on the loopback: what the journal says of every kind of day.

Only `make clis` runs this. Where agents differ, the case says how, and why the sprint makes of it what it does.
"""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.clis.conftest import Staged, Told
from tests.clis.scenario import Do, Hang, Held, Refuse, Say, Structured, Till, Write
from tests.clis.stage import MODELS, PROMPT
from tests.clis.wires import CACHED, INPUT, OUTPUT
from tests.e2e.sprints import wait_until

pytestmark = [
    pytest.mark.clis,
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(180, func_only=True),
]

LONG = "An answer that is long enough to break off somewhere in the middle of it. " * 4
SCHEMA = {
    "type": "object",
    "properties": {"status": {"type": "string"}, "summary": {"type": "string"}},
    "required": ["status", "summary"],
    "additionalProperties": False,
}


def used(turns: int) -> dict[str, int]:
    """The tokens of so many turns."""
    return {"input": turns * INPUT, "cached": turns * CACHED, "output": turns * OUTPUT}


def test_an_answer_is_recorded_with_its_session_model_tokens_and_the_cost_if_it_is_told(
    agent: str, stage: Staged, told: Told
) -> None:
    with stage(Say("Hello.")) as sprint:
        assert sprint.run() == 0
        end = sprint.end()
        assert (end["verdict"], end["summary"], end["model"]) == ("ok", "Hello.", MODELS[agent])
        assert end["tokens"] == used(1)
        assert len(end["session"]) == 36
        assert (end.get("cost-usd", 0) > 0) == (agent == "claude"), "unknown is absent, and never 0"
        assert agent == "claude" or "cost-usd" not in end
        assert len(sprint.asked) == 1
        assert PROMPT in sprint.asked[0]
    told("a text", end["verdict"], "cost known" if agent == "claude" else "cost unknown")


def test_a_file_that_the_model_wants_written_is_written(
    agent: str, stage: Staged, told: Told, tmp_path: Path
) -> None:
    hello = tmp_path / "sprint" / "hello.txt"
    with stage(Write(str(hello), "wondrous"), Say("Written."), accept={"exists": ["hello.txt"]}) as sprint:
        code = sprint.run()
        if not hello.exists() and "bwrap: " in sprint.asked[-1]:
            pytest.skip("codex, whose tool for it is its shell, cannot make its sandbox here")
        assert code == 0
        assert hello.read_text().strip() == "wondrous"
        end = sprint.facts("verify")[-1]
        assert (end["summary"], end["tokens"]) == ("Written.", used(2))
    told("a written file", "ok")


def test_what_is_not_permitted_is_no_success(agent: str, stage: Staged, told: Told) -> None:
    """Of a command that its sandbox refused, codex says nothing at all, and ends well: only `accept` can tell."""
    if agent == "codex":
        settings = {"permissions": "read-only", "accept": {"exists": ["hello.txt"]}}
        with stage(Do("touch hello.txt"), Say("Done."), **settings) as sprint:
            assert sprint.run() == 1
            assert "denials" not in sprint.facts("verify")[-1]
            assert sprint.end()["verdict"] == "gate"
            assert not (sprint.place / "hello.txt").exists()
        told("a denied tool", "gate", "by `accept` alone: its stream does not say")
        return
    with stage(Do("make hello.txt"), Say("Done.")) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert end["verdict"] == "denied"
        assert len(end["denials"]) == 1
        assert "make hello.txt" in end["denials"][0]
    told("a denied tool", end["verdict"])


def test_a_login_that_does_not_work_ends_the_only_attempt(agent: str, stage: Staged, told: Told) -> None:
    """Left alone, claude would ask ten times, for minutes: it is ended when it first tells of it."""
    patient = {"CLAUDE_CODE_MAX_RETRIES": "10"} if agent == "claude" else {}
    with stage(Refuse(401), env=patient, retry={"max-attempts": 3}) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert end["verdict"] == "auth"
        assert end.get("why") == ("stopped" if agent == "claude" else None)
        assert not end.get("cost-usd")
        assert len(sprint.facts("spawn")) == 1
        assert len(sprint.asked) < 5
    told("401", end["verdict"])


def test_too_many_requests_are_a_limit_whose_end_nobody_knows(agent: str, stage: Staged, told: Told) -> None:
    with stage(Refuse(429)) as sprint:
        assert sprint.run() == 75
        end = sprint.end()
        assert (end["verdict"], end["limit-kind"], "until" in end) == ("limit", "rate", False)
        assert len(sprint.facts("spawn")) == 1
        assert sprint.facts("delay")[-1]["until"] > end["ended"]
    told("429 without a reset", end["verdict"], "no `until`")


def test_a_usage_limit_ends_when_the_provider_says(agent: str, stage: Staged, told: Told) -> None:
    """What the provider says of it, claude heeds only with the login of a subscription, so it has such a one here."""
    resets = (int(time.time()) // 60 + 300) * 60
    login = (
        {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "a-token-of-nobody"} if agent == "claude" else {}
    )
    with stage(Refuse(429, resets), env=login) as sprint:
        assert sprint.run() == 75
        end = sprint.end()
        assert end["verdict"] == "limit"
        assert abs(end["until"] - resets * 1000) < 60_000  # gemini says how long, and not until when
        assert sprint.facts("delay")[-1]["until"] >= end["until"]
        assert not end.get("cost-usd")
    told("429 with a reset", end["verdict"], f"`until`, `{end['limit-kind']}`")


def test_a_provider_that_recovers_costs_the_agent_a_moment(agent: str, stage: Staged, told: Told) -> None:
    with stage(Refuse(503), Say("Hello.")) as sprint:
        assert sprint.run() == 0
        end = sprint.end()
        assert (end["verdict"], end["summary"], end["tokens"]) == ("ok", "Hello.", used(1))
        assert (len(sprint.asked), len(sprint.facts("spawn"))) == (2, 1)
    told("503, then well", end["verdict"], "one attempt")


def test_a_provider_that_stays_away_costs_an_attempt_and_the_next_goes_on_in_the_session(
    agent: str, stage: Staged, told: Told
) -> None:
    """Of a session without an answer, gemini keeps nothing after an error: there the next attempt begins a new one."""
    again = agent != "gemini"
    retry = {"max-attempts": 3, "backoff": [0.1]}
    with stage(Till("attempt 2", Refuse(503)), Say("Hello."), retry=retry) as sprint:
        assert sprint.run() == 0
        (failed,) = sprint.facts("fail")
        assert failed["verdict"] == "overloaded"
        first, second = sprint.facts("spawn")
        assert ("resume" in first, second.get("resume")) == (False, failed["session"] if again else None)
        end = sprint.end()
        assert (end["verdict"], end["summary"], end["session"] == failed["session"]) == (
            "ok",
            "Hello.",
            again,
        )
        # What codex tells is of the whole session, and of the failed attempt it told nothing: so it is not known.
        assert end.get("tokens") == (None if agent == "codex" else used(1))
    told("503 for an attempt", failed["verdict"], f"then `ok`{'' if again else ' in a new session'}")


def test_a_stream_that_breaks_off_is_the_providers_fault(agent: str, stage: Staged, told: Told) -> None:
    with stage(Say(LONG, cut=200)) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert end["verdict"] == "overloaded"
        assert "summary" not in end
    told("a dropped stream", end["verdict"])


def test_an_agent_whose_provider_says_nothing_ends_in_its_bounds(
    agent: str, stage: Staged, told: Told
) -> None:
    # Long enough for a busy machine to start the agent: what is looked at is its silence after that.
    with stage(Hang(), **{"idle-timeout": 15}) as sprint:
        assert sprint.run() == 1
        assert len(sprint.asked) == 1
        end = sprint.end()
        assert (end["verdict"], end["why"]) == ("idle", "idle")
        assert "cost-usd" not in end
        assert len(end["session"]) == 36
    told("a hang", end["verdict"])


def test_an_empty_answer_is_no_success(agent: str, stage: Staged, told: Told) -> None:
    with stage(Say("")) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert end["verdict"] == "empty"
        assert end["tokens"]["output"] > 0
    told("an empty answer", end["verdict"])


def test_a_result_by_a_schema_is_understood(agent: str, stage: Staged, told: Told, tmp_path: Path) -> None:
    """No schema can be given to gemini; its model writes the result into a fence."""
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    args = {"claude": ("--json-schema", json.dumps(SCHEMA)), "codex": ("--output-schema", str(file))}.get(
        agent, ()
    )
    answer = Structured({"status": "failed", "summary": "It is not to be done."})
    with stage(answer, args=args) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert (end["verdict"], end["summary"]) == ("failed", "It is not to be done.")
    told("a schema's result that says `failed`", end["verdict"], "" if args else "in a fence")


def test_an_agent_that_is_told_what_it_may_cost_keeps_to_it(agent: str, stage: Staged, told: Told) -> None:
    """Only claude can be told. What the others cost is not known, so a bound on it holds nothing back."""
    budget = {"cost-usd": 0.0005}
    if agent != "claude":
        with stage(Say("Done."), budget=budget) as sprint:
            assert sprint.run() == 0
            assert sprint.facts("spawn")[0]["budget-usd"] == 0.0005
            assert "cost-usd" not in sprint.end()
        told("a budget of the step", "ok", "its cost is unknown")
        return
    with stage(Do("echo on"), Do("echo on"), Say("Done."), budget=budget) as sprint:
        assert sprint.run() == 1
        end = sprint.end()
        assert end["verdict"] == "budget"
        assert end["cost-usd"] > 0.0005
        assert len(sprint.asked) == 2
    told("a budget of the step", end["verdict"])


def test_a_killed_supervisor_costs_a_running_agent_nothing(agent: str, stage: Staged, told: Told) -> None:
    with stage(Held("Hello.")) as sprint:
        process = sprint.start()
        wait_until(lambda: bool(sprint.facts("report")))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        sprint.provider.go.set()
        assert sprint.run() == 0
        end = sprint.end()
        assert end["session"] == sprint.facts("report")[0]["session"], "it was known while the agent ran"
        assert (end["verdict"], end["summary"], end["tokens"]) == ("ok", "Hello.", used(1))
        assert (len(sprint.asked), len(sprint.facts("spawn"))) == (1, 1)
    told("kill -9 of the supervisor", end["verdict"], "one attempt")


@pytest.mark.parametrize("killed", [False, True], ids=["supervised", "orphaned"])
def test_stop_leaves_nothing_of_an_agent(agent: str, stage: Staged, told: Told, killed: bool) -> None:
    with stage(Hang()) as sprint:
        process = sprint.start()
        if killed:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        sprint.box.run("stop", check=0)
        process.communicate(timeout=30)
        assert sprint.alive() == []
        end = sprint.end()
        assert end["verdict"] == "interrupted"
    told("`stop` of an orphan" if killed else "`stop`", end["verdict"], "nothing is left")
