"""Deliberate breakages of the protocol. One that no invariant catches means that an invariant is missing."""

from tests.simulation.mutants import attempts, decisions, growth, spending
from tests.simulation.mutants.mutant import MUTANTS

__all__ = ["MUTANTS", "attempts", "decisions", "growth", "spending"]
