"""The sprint's directory: its file system, its room, and what earlier runs have left in it."""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from fsm.errors import SprintError
from fsm.plan import load
from fsm.states import Machine, NoticeState
from fsm.transition import SPRINT_UNIT
from fsm_sprint.doctor.finding import Finding, bad, ok, warn
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.secrets import redacted
from journal.filesystem import Trust, mount
from journal.lease import holder
from journal.reader import Reader, open_reader

_LEAST, _LITTLE = 100 << 20, 1 << 30
"""Bytes of free space under which a run cannot be expected to end, and under which it may not."""


def directory(paths: SprintPaths) -> Iterator[Finding]:
    """Where it lies, whether it can be written, how much room there is."""
    place = paths.directory
    if not place.is_dir():
        yield bad("directory", f"{place} is not there", "name the sprint's directory")
        return
    if not paths.sprint.exists():
        yield warn("SPRINT.yaml", f"{place} holds none", "`fsm-sprint init` makes one")
    else:
        yield ok("SPRINT.yaml", str(paths.sprint))
    if not os.access(place, os.W_OK | os.X_OK):
        yield bad("writable", f"{place} cannot be written", "a run keeps its journal and logs there")
    found = mount(place)
    if found is None:
        yield warn("file system", "this system does not say what it is", "keep sprints on a local disk")
    elif found.trust is Trust.UNSAFE:
        hint = "its locks cannot be relied on: put the sprint on a local disk"
        yield bad("file system", f"{found.kind}, mounted at {found.point}", hint)
    elif found.trust is Trust.UNKNOWN:
        hint = "nothing is known of it; a local ext4, xfs, btrfs or apfs is safe"
        yield warn("file system", f"{found.kind}, mounted at {found.point}", hint)
    else:
        yield ok("file system", f"{found.kind}, mounted at {found.point}")
    yield _room(place)


def _room(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    said = f"{free / (1 << 30):.1f} GB free" if free >= 1 << 30 else f"{free >> 20} MB free"
    if free < _LEAST:
        return bad("room", said, "make room: journal and logs grow while a run goes on")
    found = os.statvfs(place)
    if found.f_files and found.f_favail < 1_000:
        return bad(
            "room", f"only {found.f_favail} more files can be made", "make room: each attempt makes a few"
        )
    return warn("room", said, "logs of agents can be large") if free < _LITTLE else ok("room", said)


def state(paths: SprintPaths) -> Iterator[Finding]:
    """What is recorded, who holds it, and what was left lying about."""
    if not paths.state.exists():
        yield ok("journal", "nothing was ever run here")
        return
    yield from _owned(paths.state)
    if not paths.journal.exists():
        yield warn("journal", "there is none, although .fsm-sprint is there", "`fsm-sprint run` begins anew")
        return
    held_by = holder(paths.lock)
    try:
        with open_reader(paths.journal) as reader:
            seq, last = reader.head()
            yield ok("journal", f"{seq} rows, head {last[:12]}{f'; {reader.note}' if reader.note else ''}")
            yield from _notices(reader)
    except SprintError as error:
        yield bad("journal", str(error), error.hint or "`fsm-sprint verify` says more")
    if held_by is not None:
        yield ok(
            "supervisor", f"pid {held_by.get('pid', 'unknown')} on {held_by.get('host', 'this machine')}"
        )
    yield from _strays(paths, supervised=held_by is not None)


def _notices(reader: Reader) -> Iterator[Finding]:
    """Whom the latest run tells of what, and what nobody has taken yet."""
    run = reader.latest_run()
    planned = None if run is None else reader.last(run, "amend", SPRINT_UNIT)
    if run is None or planned is None:
        return
    for one in load(reader.text(planned.decoded()["plan"])).subscriptions:
        name = f"on {one.event}"
        text = one.run or ""
        program = re.match(r"[\w.-]+(?=\s|$)", text)
        if one.url is not None:
            yield ok(name, f"posts to {redacted(one.url)}")
        # What the shell knows by itself is there as a program too, nearly always.
        elif program is not None and shutil.which(program[0]) is None:
            yield warn(name, f"runs {redacted(text)}", f"{program[0]} is not on PATH")
        else:
            yield ok(name, f"runs {redacted(text)}")
    for state, what, hint in (
        (NoticeState.DUE, "not delivered yet", "the next `fsm-sprint run` tries again"),
        (NoticeState.GIVEN_UP, "given up", "`fsm-sprint retry NAME` sends one again"),
    ):
        found = [unit.path for unit in reader.standing(run, state) if unit.machine == Machine.NOTICE]
        if found:
            yield warn("notices", f"{what}: {', '.join(found[:5])}", hint)


def _owned(folder: Path) -> Iterator[Finding]:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        yield bad("owner", f"{folder} is not a directory", "move it away; its name is needed")
    elif found.st_uid != os.geteuid():
        yield bad(
            "owner", f"{folder} belongs to another user (uid {found.st_uid})", "run as the user who began"
        )
    elif stat.S_IMODE(found.st_mode) & 0o077:
        yield warn("owner", f"others may look into {folder}", f"chmod 700 {folder}")


def _strays(paths: SprintPaths, *, supervised: bool) -> Iterator[Finding]:
    """Leftovers that a person may want to know of. None of them hinders a run."""
    edits = sorted(path.name for path in paths.directory.glob("PROGRESS.yaml.edited-*"))
    if edits:
        yield warn("edits", f"kept aside: {', '.join(edits[:5])}", "look through them, then remove them")
    if paths.progress.is_symlink() or (paths.progress.exists() and not paths.progress.is_file()):
        yield bad("PROGRESS.yaml", "is not a plain file, and is not replaced", "remove or rename it")
    copies = sorted(path.name for path in paths.state.glob("*.part"))
    if copies:
        yield warn("copies", f"unfinished: {', '.join(copies)}", "remove them")
    if supervised:
        return
    alive = sum(
        any(held(str(folder / lock)) for lock in (SHIM_LOCK, TREE_LOCK))
        for folder in (paths.attempts.iterdir() if paths.attempts.is_dir() else ())
    )
    if alive:
        hint = "`fsm-sprint run` takes them over, `fsm-sprint stop` ends them"
        yield warn("tasks", f"{alive} alive without a supervisor", hint)
    asked = len(list(paths.inbox.glob("*.json"))) if paths.inbox.is_dir() else 0
    if asked:
        yield warn("requests", f"{asked} unanswered", "the next `fsm-sprint run` answers them")
