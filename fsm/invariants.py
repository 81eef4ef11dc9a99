"""What has to be so in every simulated world, by name. Each is checked in one place.

Rule: nothing of what decides (`fsm.decide`, `fsm.ready`, `fsm.judge`) is used to check it: what has to be so is read
off the plan, in the plainest way there is.
"""

INVARIANTS = {
    "I1": "at most one attempt of a unit is alive at any instant",
    "I2": "what a supervisor has acted on is in the journal after any crash",
    "I3": "every step of the journal is one that the tables allow",
    "I4": "nothing is executed before its start row is durable",
    "I5": "a code in the journal is the one with which the process ended; nothing counts as done without one",
    "I6": "what was aborted was never executed",
    "I7": "an attempt is executed at most once",
    "I8": "an attempt is executed only when the one before has its end in the journal and nothing of it lives",
    "I10": "when nothing breaks any more, a sprint comes to its end, and every supervisor to a state of rest",
    "I11": "the epoch never falls",
    "I13": "there is one writer: whose lease row came last; nobody takes the lease of one who lives",
    "I14": "after the end of a sprint nothing of its attempts lives",
    "I16": "no signal reaches a process that is not of the attempt it was meant for",
    "I17": "nothing is lost without need: with a durable exit record, or though nobody ever harmed its shim",
    "I18": "what is lost has no code",
    "W17": "nothing is committed to a journal that was taken away, or under a lock file that was",
    "order": "a leaf is spawned after what it follows has ended well",
    "sync": "a sync point is passed when the background tasks reached before it have ended",
    "limit": "no more leaves are at work than there are slots",
    "mutex": "two leaves of one mutex are never at work at once",
    "agents": "no more agents are at work than the plan allows",
    "rest": "nothing is spawned while the sprint rests",
    "hook": "what follows a leaf is spawned, and the sprint completed, when the hooks of the leaf have ended",
    "gate": "an owner is done when its script has passed, fails when that was tried as often as said, not before",
    "tries": "a failed leaf is tried again as often as its policy says, after its back-off, and no more often",
    "early": "nothing that waits is woken before its time, unless the clock was changed",
    "late": "nothing that waits is woken later than its delay after the supervisor began",
    "stop": "what is to be stopped is told before anybody waits, and has ended when its grace is over",
    "done": "what ended well counts as done, whatever was asked meanwhile",
    "account": "nobody of an account that has met a limit is asked before it is over, unless the clock was changed",
    "budget": "nothing is spawned of whose budget nothing is left, and no sprint is blocked for one that has some left",
    "plan": "a step is added once, for who may add it, and nothing else of the plan is changed by it",
    "notice": "nobody is told of what is not on disk, and what counts as sent was taken",
    "approval": "nothing is spawned before what it is, or is in, has been approved",
    "again": "what has completed runs again only at an operator's word",
    "unasked": "nothing is interrupted unless somebody asked for it",
    "break": "a sprint stops where a phase with a break has ended",
    "request": "a request is recorded once, applied once, never when stale, and answered with what was recorded",
}
"""Every invariant that is checked in `fsm.witness`, in `fsm.ledger` with what it consists of, or in `fsm.simulate`.

Elsewhere: I9 (PROGRESS.yaml is the fold) and I12 (the chain) need the journal package, I15 (crashes during recovery
change nothing about the end) compares two worlds: tests/simulation/campaign.py. I19 (integrity of the database) and I20
(secrets) need a real one: tests/journal, tests/faults and tests/report.
"""
