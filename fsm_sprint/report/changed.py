"""What an attempt has changed in its work tree, in few words.

Rule: what is not known is not said; that nothing was changed is known, and is said where somebody asks for it.
"""

from fsm.transition import Facts


def changed(facts: Facts, *, nothing: str = "nothing changed") -> str:
    """`3 files, +40 -2, 1 commit`; `nothing` where it is known that nothing was; '' when nobody knows."""
    found = facts.get("changes")
    if not isinstance(found, dict):
        return ""
    counts = [_number(found, name) for name in ("files", "added", "removed", "commits")]
    files, added, removed, commits = counts
    parts = [f"{files} file{'' if files == 1 else 's'}, +{added} -{removed}"] if files else []
    parts += [f"{commits} commit{'' if commits == 1 else 's'}"] if commits else []
    said = ", ".join(parts) or nothing
    return f"{said}, others at work beside it" if found.get("shared") and parts else said


def _number(found: Facts, name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and value > 0 else 0
