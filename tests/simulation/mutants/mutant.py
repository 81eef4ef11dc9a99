"""What a mutant is, and all of them by name, in the order in which they are written down."""

from collections.abc import Callable

import pytest

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    MUTANTS[make.__name__] = make
    return make
