"""What earlier attempts of a unit leave for its next one: a session to go on in, an answer, who was asked, mishaps.

Rule: it follows from the unit's rows alone, and is kept only by units that have some of it.
"""

from dataclasses import dataclass, field

from fsm.transition import Facts


def telling(facts: str) -> bool:
    """Whether the facts of a running or ending attempt are worth decoding. Quotes inside of values are escaped."""
    return '"session":' in facts or '"tokens":' in facts or '"cost-usd":' in facts


@dataclass(slots=True, eq=False)
class Past:
    """What is remembered of a unit's attempts."""

    session: str = ""
    """That the last attempt worked in, as far as it has told; '' when its agent has kept nothing of it."""
    used: dict[str, int] = field(default_factory=dict)
    """Tokens that the last attempt has used, as far as it has told."""
    cost: float | None = None
    """US dollars that the last attempt has cost; None while that is unknown."""
    rank: int = 0
    """Whom the last attempt asked: rank in the line of the unit's agents."""
    next: int = 0
    """From which rank on somebody is looked for whom the next one asks."""
    resumed: bool = False
    """Whether an attempt has gone on in the session of another since somebody set the unit going."""
    answer: str = ""
    """What a person has answered to the unit's last question."""
    approved: bool = False
    """Whether a person has agreed that it starts."""
    aborts: int = 0
    """Attempts in a row that never ran, for reasons other than the end of their supervisor."""
    limits: int = 0
    """Usage limits that it has met in a row."""

    @property
    def tokens(self) -> float | None:
        """Tokens that the last attempt has read and written; None while that is unknown."""
        return float(self.used.get("input", 0) + self.used.get("output", 0)) if self.used else None

    def spawned(self, facts: Facts) -> None:
        """Another attempt begins."""
        self.session, self.used, self.cost = "", {}, None
        self.rank, self.next = facts.get("rank", 0), 0
        if "resume" in facts:
            self.resumed = True

    def told(self, facts: Facts) -> None:
        """An attempt has told something of itself."""
        self.session = str(facts.get("session") or self.session)
        if facts.get("session-kept") is False:
            self.session = ""
        tokens = facts.get("tokens")
        if isinstance(tokens, dict):
            self.used = {key: int(value) for key, value in tokens.items()}
        elif isinstance(tokens, int):
            self.used = {"output": tokens}
        cost = facts.get("cost-usd")
        if cost is not None:
            self.cost = float(cost)

    def set_going(self, facts: Facts) -> None:
        """A person has set it going again, or the run has."""
        if facts.get("answer"):
            self.answer = str(facts["answer"])
        if facts.get("by") != "gate":
            self.resumed = False
            self.limits = 0
