"""One table answers every crash window: each window of the protocol by name, and every sight there can be."""

from itertools import product

import pytest

from fsm.judge import Finding, Sight, judge
from fsm.shim import CREATE, EXIT, FORK, GATE, LOCK, READY, RELEASE, STARTED, SWEEP, TREE, WAIT, shim

EXITED = {"status": "0"}
BEGUN = {"pid": "7"}
SIGHTS = [
    (Sight(has_shim, has_tree, file, ended if file else None, begun if file else None, rebooted), allowed)
    for has_shim, has_tree, file, ended, begun, rebooted, allowed in product(
        (False, True),
        (False, True),
        (False, True),
        (None, EXITED),
        (None, BEGUN),
        (False, True),
        (False, True),
    )
]


def sight(
    *, shim: bool = False, tree: bool = False, file: bool = True, ended: bool = False, begun: bool = False
) -> Sight:
    return Sight(shim, tree, file, EXITED if ended else None, BEGUN if begun else None, rebooted=False)


WINDOWS = [
    ("W1 spawned, not forked", sight(file=False), False, Finding.NEVER_RAN),
    ("W2 forked, gate closed, shim about to leave", sight(shim=True, tree=True), False, Finding.ALIVE),
    ("W2 forked, gate closed, shim gone", sight(), False, Finding.NEVER_RAN),
    ("W4 started, GO never sent, shim gone", sight(), True, Finding.NEVER_RAN),
    ("W4 started, shim waits at the gate", sight(shim=True, tree=True), True, Finding.ALIVE),
    ("W5 GO, shim killed before *started*, child at the inner gate", sight(tree=True), True, Finding.LEAVING),
    ("W5 GO, shim killed before *started*, child gone", sight(), True, Finding.NEVER_RAN),
    ("W6 *started*, shim lives", sight(shim=True, tree=True, begun=True), True, Finding.ALIVE),
    ("W7 it runs, the tree lock was closed by a program", sight(shim=True, begun=True), True, Finding.ALIVE),
    ("W8 ended while nobody looked", sight(begun=True, ended=True), True, Finding.EXITED),
    ("W8 ended, something is left", sight(tree=True, begun=True, ended=True), True, Finding.EXITED),
    (
        "W8 ended, its shim still sweeps",
        sight(shim=True, tree=True, begun=True, ended=True),
        True,
        Finding.ALIVE,
    ),
    ("W9 shim killed, child alive", sight(tree=True, begun=True), True, Finding.ORPHANED),
    ("W9 shim killed, child killed too", sight(begun=True), True, Finding.LOST),
    ("the file was deleted while it ran", sight(tree=True, file=False), True, Finding.ORPHANED),
    ("the file was deleted, nothing runs", sight(file=False), True, Finding.LOST),
    (
        "W13 the exit record could not be written yet",
        sight(shim=True, tree=True, begun=True),
        True,
        Finding.ALIVE,
    ),
    ("W14 reboot after its end", sight(begun=True, ended=True)._replace(rebooted=True), True, Finding.EXITED),
    ("W14 reboot while it ran", sight(begun=True)._replace(rebooted=True), True, Finding.LOST),
    ("W14 reboot before *started*", sight()._replace(rebooted=True), True, Finding.NEVER_RAN),
    (
        "W14 reboot, locks of others under its name",
        Sight(True, True, True, None, BEGUN, True),
        True,
        Finding.LOST,
    ),
]


@pytest.mark.parametrize(("window", "seen", "allowed", "finding"), WINDOWS, ids=[w[0] for w in WINDOWS])
def test_a_crash_window_has_one_answer(window: str, seen: Sight, allowed: bool, finding: Finding):
    assert judge(seen, allowed=allowed) is finding


def test_success_needs_an_exit_record():
    for seen, allowed in SIGHTS:
        if judge(seen, allowed=allowed) is Finding.EXITED:
            assert seen.exit is not None


def test_an_exit_record_is_the_truth_once_its_shim_is_gone():
    for seen, allowed in SIGHTS:
        if seen.exit is not None and (not seen.shim or seen.rebooted):
            assert judge(seen, allowed=allowed) is Finding.EXITED


def test_what_had_started_is_never_said_not_to_have_run():
    for seen, allowed in SIGHTS:
        if seen.started is not None or seen.exit is not None:
            assert judge(seen, allowed=allowed) not in (Finding.NEVER_RAN, Finding.LEAVING)


def test_what_was_allowed_and_has_no_file_is_never_said_not_to_have_run():
    """A `start` row means that the file was durable once; that it is gone proves nothing."""
    for seen, allowed in SIGHTS:
        if allowed and not seen.file:
            assert judge(seen, allowed=allowed) is not Finding.NEVER_RAN


def test_what_was_never_allowed_and_left_no_trace_never_ran():
    for seen, allowed in SIGHTS:
        if not allowed and seen.started is None and seen.exit is None and not (seen.shim or seen.tree):
            assert judge(seen, allowed=allowed) is Finding.NEVER_RAN


def test_nothing_is_over_while_a_lock_is_held_and_no_end_is_written():
    for seen, allowed in SIGHTS:
        if not seen.rebooted and (seen.shim or (seen.tree and seen.exit is None)):
            assert judge(seen, allowed=allowed) in (Finding.ALIVE, Finding.ORPHANED, Finding.LEAVING)


def test_after_a_reboot_nothing_lives():
    for seen, allowed in SIGHTS:
        if seen.rebooted:
            assert judge(seen, allowed=allowed) in (Finding.EXITED, Finding.LOST, Finding.NEVER_RAN)


def test_every_finding_is_found():
    assert {judge(seen, allowed=allowed) for seen, allowed in SIGHTS} == set(Finding)


def test_a_shim_that_is_told_to_run_starts_durably_before_it_releases_and_records_before_it_leaves():
    assert steps(go=True) == [LOCK, CREATE, TREE, READY, GATE, FORK, STARTED, RELEASE, WAIT, EXIT, SWEEP]


def test_a_shim_whose_gate_is_closed_runs_nothing():
    assert steps(go=False) == [LOCK, CREATE, TREE, READY, GATE]


def steps(*, go: bool) -> list[str]:
    life = shim()
    results = {GATE: go, FORK: {"pid": 7}, WAIT: {"status": 0}}
    operation, fields = next(life)
    seen = [operation]
    try:
        while True:
            assert fields == {STARTED: results[FORK], EXIT: results[WAIT]}.get(operation, {})
            operation, fields = life.send(results.get(operation))
            seen.append(operation)
    except StopIteration:
        return seen
