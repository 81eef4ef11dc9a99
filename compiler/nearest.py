"""Did you mean …? Two strengths: a near miss, which is surely a slip, and the closest of several, for a hint."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is a slip of: another spelling, or one or two letters off; None for anything else."""
    folded = _folded(word)
    for candidate in known:
        if folded == _folded(candidate):
            return candidate
    for candidate in known:
        shorter = min(len(word), len(candidate))
        allowed = 0 if shorter < 4 else 1 if shorter < 8 else 2
        if allowed and _distance(word.lower(), candidate, allowed) <= allowed:
            return candidate
    return None


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, if any does."""
    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def _folded(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")


def _distance(left: str, right: str, most: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words, up to `most` + 1."""
    if abs(len(left) - len(right)) > most or len(left) > 64:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
