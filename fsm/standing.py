"""What is kept of one run: its plan and units, and the indexes over their states by which a turn stays cheap.

Rule: `fsm.sprint` alone changes any of it, and only by rows.
"""

from collections import Counter
from collections.abc import Callable

from fsm.errors import SprintError
from fsm.plan import Plan
from fsm.proposal import Proposal
from fsm.purse import Purse
from fsm.states import AT_REST, INITIAL, Machine, TaskState
from fsm.transition import SPRINT_UNIT, Transition
from fsm.unit import Kind, Unit


class Standing:
    """Where one run stands."""

    def __init__(self, run: str, text: Callable[[str], str]) -> None:
        """`text` gives a stored text by its digest: the plan stands in the journal once."""
        self.run = run
        self._text = text
        self.plan = Plan(sprint_id="", phases=())
        self.plan_digest = ""
        self.nth = 1
        """Which run of its directory it is: names on disk of later ones must not meet those of earlier ones."""
        self.root = Unit(SPRINT_UNIT, Machine.SPRINT, INITIAL[Machine.SPRINT])
        self.units: dict[str, Unit] = {SPRINT_UNIT: self.root}
        self.order: list[Unit] = []
        self.seq = 0
        self.hash = ""
        self.at = 0
        self.epoch = 0
        self.lease: Transition | None = None
        self.begun: Transition | None = None
        self.rested: Transition | None = None
        self.live: dict[str, Unit] = {}
        self.slots = 0
        self.failed: dict[str, Unit] = {}
        self.waiting: dict[str, Unit] = {}
        self.background: dict[str, Unit] = {}
        """Background leaves that the main line has passed and that have not ended: what sync points wait for."""
        self.beside: dict[Kind, list[int]] = {}
        """By kind, a heap of positions: every one of them that is pending, and some that are so no more."""
        self.tasks: dict[str, Unit] = {}
        """ParallelTasks by id, in the order of their first spawn."""
        self.requests: dict[str, Transition] = {}
        self.tolerated: set[str] = set()
        """Background leaves whose failure a sync point has told of and let pass."""
        self.agents = 0
        """Live leaves that prompt an agent."""
        self.mutexes: dict[str, Unit] = {}
        """Who holds each named mutex."""
        self.why: dict[str, str] = {}
        """Why each of those that wait does."""
        self.waits: Counter[str] = Counter()
        """How many wait for each reason."""
        self.timeless: set[str] = set()
        """Those that wait for an answer which may take any time."""
        self.limits: dict[str, int] = {}
        """Until when, in wall ms, accounts have met a usage limit, as far as was known when they did."""
        self.barred: set[str] = set()
        """Accounts that could not log in, since a person last set the run going."""
        self.repeats = 0
        """Attempts beyond the first of their unit, since a person last set the run going."""
        self.purse = Purse(SPRINT_UNIT, None)
        """What the whole run has spent."""
        self.added = 0
        """Steps that were added to the plan without a person having agreed."""
        self.proposed: dict[str, Proposal] = {}
        """Steps that agents have proposed and nobody has decided on, by id."""
        self.due: dict[str, Unit] = {}
        """Notices that somebody outside is still to be sent."""
        self.breaks: dict[str, Unit] = {}
        """Units that have ended well with a break while the sprint rested; it is to hold when it goes on."""

    @property
    def state(self) -> str:
        """The state of the sprint's own machine."""
        return self.root.state

    @property
    def at_rest(self) -> bool:
        """Nothing new will start until somebody resumes it."""
        return self.root.state in AT_REST

    @property
    def busy(self) -> bool:
        """Whether any attempt may still have a process."""
        return any(unit.state != TaskState.VERIFYING for unit in self.live.values())

    def unit(self, path: str) -> Unit:
        """The unit of a path; SprintError when the plan has none."""
        found = self.units.get(path)
        if found is None:
            raise SprintError(f"no unit is called {path!r} in this plan")
        return found
