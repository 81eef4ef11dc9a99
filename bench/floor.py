"""The same floor as floor.c in plain Python: what the forks, the syncs and the bytes cost when a Python does them.

    python -I -S -E floor.py DIRECTORY COUNT JOBS BYTES PROGRAM [ARGUMENT…]

What separates the two is the price of forking an interpreter. Keep in step with floor.c, which explains the arguments.
"""

import fcntl
import os
import select
import sys
import time

SECTOR = bytes(512)
PRIMED = 8 << 20


class Attempt:
    """One task that runs, seen from above; `theirs` are the descriptors that its guard gets."""

    def __init__(self, attempts: int, logs: int, number: int) -> None:
        gate, self.gate = os.pipe()
        self.status, status = os.pipe()
        out = os.open(f"task-{number}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600, dir_fd=logs)
        os.mkdir(f"task-{number}.1", 0o700, dir_fd=attempts)
        folder = os.open(f"task-{number}.1", os.O_RDONLY | os.O_DIRECTORY, dir_fd=attempts)
        self.theirs = folder, out, gate, status
        self.pid = 0

    def spawn(self, program: list[str]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.gate)
            os.close(self.status)
            shim(program, *self.theirs)
        for fd in self.theirs:
            os.close(fd)


def child(program: list[str], gate: int, out: int, tree: int) -> None:
    os.setpgid(0, 0)
    if not os.read(gate, 1):
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.set_inheritable(tree, True)
    os.execvp(program[0], program)


def shim(program: list[str], folder: int, out: int, gate: int, status: int) -> None:
    os.setsid()
    record = os.open("attempt", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    os.write(record, 2 * SECTOR)
    os.fsync(record)
    os.fsync(folder)
    own = os.open("shim.lock", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=folder)
    tree = os.open("tree.lock", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=folder)
    fcntl.flock(own, fcntl.LOCK_EX)
    fcntl.flock(tree, fcntl.LOCK_EX)
    os.write(status, b"ready pid=%d start=0 boot=0 namespace=0\n" % os.getpid())
    if not os.read(gate, 1):
        os._exit(0)
    theirs, inner = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(inner)
        child(program, theirs, out, tree)
    os.pwrite(record, SECTOR, 512)
    os.fdatasync(record)
    os.write(inner, b"G")
    _, ended = os.waitpid(pid, 0)
    os.pwrite(record, SECTOR, 0)
    os.fdatasync(record)
    os.write(status, SECTOR)
    os._exit(ended != 0)


def main(directory: str, count: int, jobs: int, size: int, program: list[str]) -> float:
    os.chdir(directory)
    os.mkdir("attempts", 0o700)  # noqa: PTH102 — this program is as bare as can be
    os.mkdir("logs", 0o700)  # noqa: PTH102
    attempts = os.open("attempts", os.O_RDONLY | os.O_DIRECTORY)
    logs = os.open("logs", os.O_RDONLY | os.O_DIRECTORY)
    rows = os.open("rows", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(rows, bytes(PRIMED))
    os.fsync(rows)
    row = bytes(size)
    running: dict[int, Attempt] = {}
    poll = select.poll()
    at = begun = 0
    begin = time.monotonic()
    while True:
        turn = 0
        going = []
        for fd, _ in poll.poll() if running else ():
            attempt = running[fd]
            heard = os.read(fd, 1024)
            if heard and attempt.gate >= 0:
                going.append(attempt)
                turn += 1
            elif not heard:
                poll.unregister(fd)
                os.close(fd)
                os.waitpid(attempt.pid, 0)
                del running[fd]
                turn += 1
        fresh = min(jobs - len(running), count - begun)
        turn += fresh
        if turn:
            at = 0 if at + turn * size > PRIMED else at
            os.pwrite(rows, row * turn, at)
            os.fdatasync(rows)
            at += turn * size
        for attempt in going:
            os.write(attempt.gate, b"G")
            os.close(attempt.gate)
            attempt.gate = -1
        made = [Attempt(attempts, logs, begun + number) for number in range(fresh)]
        if made:
            os.fsync(attempts)
        for attempt in made:
            running[attempt.status] = attempt
            poll.register(attempt.status, select.POLLIN)
            attempt.spawn(program)
        begun += fresh
        if not running:
            return time.monotonic() - begin


if __name__ == "__main__":
    print(f"{main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]):.6f}")
