"""Errors that a user may see. A message says what is wrong and where; a hint says how to mend it."""


class SprintError(Exception):
    """Base of every expected error; `hint` is one sentence on what to do, or None."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class IllegalMove(SprintError):
    """A trigger that the unit's state does not allow. Nothing has moved and nothing was written."""
