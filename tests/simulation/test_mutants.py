"""Every deliberate breakage of the protocol is caught, at a seed that stands beside it.

`make faults` searches each of them anew; `python -m tests.simulation.test_mutants` prints the seeds for `caught.py`.
"""

import pytest

from fsm.errors import SprintError
from fsm.world import Violation
from tests.simulation.campaign import run
from tests.simulation.caught import AT
from tests.simulation.mutants import MUTANTS

SEARCH = 20_000


def caught(seed: int) -> str | None:
    """By which invariant, or by which refusal of the core."""
    try:
        run(seed)
    except Violation as violation:
        return violation.invariant
    except SprintError as error:
        return str(error)
    return None


def test_every_mutant_has_its_seed() -> None:
    assert list(AT) == list(MUTANTS)
    assert len(MUTANTS) >= 50
    assert max(AT.values()) < SEARCH


@pytest.mark.parametrize("name", AT)
def test_a_mutant_of_the_protocol_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its seed, or soon after it where the core does something else there by now."""
    MUTANTS[name](monkeypatch)
    assert any(caught(seed) is not None for seed in range(AT[name], AT[name] + 200))


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_by_search(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    assert any(caught(seed) is not None for seed in range(SEARCH))


def search(name: str, most: int = SEARCH) -> tuple[int, str] | None:
    """The first seed at which a mutant is caught, and by what."""
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name](patch)
        for seed in range(most):
            found = caught(seed)
            if found is not None:
                return seed, found
    return None


if __name__ == "__main__":
    for mutant in MUTANTS:
        found = search(mutant)
        print(
            f'    "{mutant}": {found[0]},  # {found[1]}' if found else f"    # {mutant} survives", flush=True
        )
