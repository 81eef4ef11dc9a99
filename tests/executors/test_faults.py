"""Kills at arbitrary moments, against a ledger that the tasks keep themselves: it knows what really ran."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from fsm_sprint.executors import platform
from tests.executors.hands import Hands

VICTIMS = ("shim", "launcher", "supervisor")
WINDOWS = ("spawned", "ready", "released")


@pytest.mark.parametrize("victim", VICTIMS)
def test_whoever_is_killed_whenever_what_is_told_is_what_happened(hands: Hands, victim: str):
    campaign(hands, victim, 40)


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_thousand_kills_and_still_what_is_told_is_what_happened(hands: Hands, victim: str):
    campaign(hands, victim, 1000)


def campaign(hands: Hands, victim: str, rounds: int) -> None:
    """never-ran: nothing in the ledger; exit: the true code; lost: no code; and nothing ever ran twice."""
    draw = random.Random(victim)
    ledger = hands.paths.directory / "ledger"
    ledger.touch()
    outcomes = []
    for number in range(rounds):
        unit, code = f"unit-{number}", draw.randrange(1, 120)
        hands.spawn(hands.shell(f"echo {unit} >> {ledger}; exit {code}"), unit)
        outcome, told = killed(hands, unit, victim, draw.choice(WINDOWS), draw.uniform(0, 0.003))
        ran = ledger.read_text().split().count(unit)
        outcomes.append(outcome)
        if outcome == "exit":
            assert (ran, told) == (1, code)
        else:
            assert told is None
            assert ran <= (outcome == "lost")
        tries = (hands.ran(hands.shell("true"), f"{unit}-after", attempt).verdict for attempt in (1, 2))
        assert "ok" in tries, "a launcher that is found dead only now costs one attempt"
    assert len(set(outcomes)) > 1, "the moments were not arbitrary enough"
    everything = ledger.read_text().split()
    assert len(everything) == len(set(everything))
    assert victim == "shim" or "lost" not in outcomes


def killed(hands: Hands, unit: str, victim: str, window: str, after: float) -> tuple[str, int | None]:
    """Kills somebody in a window of a unit's life, goes on as the engine would, and returns (outcome, code)."""
    identity: dict[str, str] = {}
    if window != "spawned" or victim == "shim":
        identity = hands.ready(unit)
    if window == "released":
        hands.go(unit)
    spin(after)
    if victim == "shim":
        platform.send(int(identity["pid"]), identity["start"], signal.SIGKILL)
    elif victim == "launcher":
        with suppress(ProcessLookupError):
            os.kill(hands.executor._link._pid, signal.SIGKILL)
    else:
        hands.drop()
        if not identity:
            return "never-ran", None  # what the engine says of it at once
        hands.attach(identity, unit)
    ended = hands.ended(unit, release=window != "ready")
    return ended.outcome, ended.facts.get("code", ended.facts.get("signal"))


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
