"""Telling those outside: one contract for whoever performs a notice, and what a real command or address can do."""

import json
import os
import select
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import pytest

from fsm.effects import Notify
from fsm.events import Notified
from fsm.states import Machine
from fsm.transition import Transition
from fsm_sprint.clock import SystemClock
from fsm_sprint.executors import platform
from fsm_sprint.executors.messenger import PAUSES, Messenger
from tests.executors.test_life import CLEAN, dispositions
from tests.fsm.scripted import RUN, ScriptedExecutor, World

pytestmark = pytest.mark.process

PATIENCE = 20.0


def told(effect: Notify) -> dict[str, Any]:
    key = f"{RUN}/{effect.cause}"
    return {
        "version": 1,
        "event": effect.event,
        "text": "as told: – 'x' $(y)",
        "unit": None,
        "idempotency-key": key,
    }


def notice(run: str | None = None, *, url: str | None = None, attempt: int = 1, cause: int = 7) -> Notify:
    return Notify(f"#notice.{cause}.0", attempt, cause, "blocked", run, url, {})


class Post:
    """A messenger, and what it reports."""

    def __init__(
        self, directory: Path, *, bound: float = PATIENCE, pauses: tuple[float, ...] = (0.0,)
    ) -> None:
        self.directory = directory
        self.clock = SystemClock()
        self.messenger = self.another(bound=bound, pauses=pauses)

    def another(
        self, *, bound: float = PATIENCE, pauses: tuple[float, ...] = (0.0,), cwd: Path | None = None
    ) -> Messenger:
        """As a new supervisor would have it."""
        return Messenger(
            self.clock,
            told,
            environment={"PATH": os.environ["PATH"]},
            cwd=str(cwd or self.directory),
            output=self.directory / "output",
            bound=bound,
            pauses=pauses,
        )

    def wait(self) -> Notified:
        """The next report."""
        poll = select.poll()
        poll.register(self.messenger.reports, select.POLLIN)
        end = self.clock.monotonic() + PATIENCE
        while self.clock.monotonic() < end:
            left = min(0.05, max(0.0, self.messenger.due() - self.clock.monotonic()))
            poll.poll(left * 1000)
            found = [*self.messenger.tick(), *self.messenger.hear()]
            if found:
                assert len(found) == 1
                return found[0]
        raise AssertionError("nothing was reported")

    def tell(self, effect: Notify) -> Notified:
        self.messenger.perform(effect)
        return self.wait()

    def read(self, name: str) -> str:
        path = self.directory / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    assert made.read("output") == "", "a courier has failed"
    made.messenger.close()


# ------------------------------------------------------------------------------------------------------- contract


class Receiver(Protocol):
    """Somebody outside, and whoever tells it."""

    def perform(self, effect: Notify) -> None: ...
    def wait(self) -> Notified: ...
    def deaf(self, times: int) -> None: ...
    def heard(self) -> list[int]:
        """The causes of what was tried, in order."""
        ...

    def another(self) -> None:
        """The supervisor dies and another one comes."""
        ...


class FakeReceiver:
    def __init__(self, _: Path) -> None:
        self.world = World()
        self.executor = ScriptedExecutor(self.world)

    def perform(self, effect: Notify) -> None:
        row = Transition(effect.cause, RUN, 1, 0, effect.unit, Machine.NOTICE, "due", "due", "due", 0, "{}")
        self.world.rows.committed.append(row)
        self.executor.perform([effect])

    def wait(self) -> Notified:
        (found,) = self.executor.wait(1.0)
        assert isinstance(found, Notified)
        return found

    def deaf(self, times: int) -> None:
        self.world.deaf = times

    def heard(self) -> list[int]:
        return [effect.cause for effect in self.world.told]

    def another(self) -> None:
        self.executor = ScriptedExecutor(self.world)


class RealReceiver:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.post = Post(directory)
        self.deaf(0)

    def perform(self, effect: Notify) -> None:
        key = "${FSM_SPRINT_IDEMPOTENCY_KEY##*/}"
        text = f'echo {key} >>tried; read left <deaf; echo $((left - 1)) >deaf; [ "$left" -le 0 ]'
        self.post.messenger.perform(effect._replace(run=text))

    def wait(self) -> Notified:
        return self.post.wait()

    def deaf(self, times: int) -> None:
        (self.directory / "deaf").write_text(f"{times}\n")

    def heard(self) -> list[int]:
        return [int(line) for line in self.post.read("tried").split()]

    def another(self) -> None:
        self.post.messenger.close()
        self.post.messenger = self.post.another()


class Contract:
    """What the engine relies on. A subclass says who is tried."""

    make: Any

    @pytest.fixture
    def receiver(self, tmp_path: Path) -> Receiver:
        return self.make(tmp_path)  # type: ignore[no-any-return]

    def test_what_was_taken_is_reported_as_taken(self, receiver: Receiver) -> None:
        receiver.perform(notice("true"))
        assert receiver.wait() == Notified("#notice.7.0", 1, True, "")
        assert receiver.heard() == [7]

    def test_two_tries_fail_and_the_third_is_taken(self, receiver: Receiver) -> None:
        receiver.deaf(2)
        reports = []
        for attempt in (1, 2, 3):
            receiver.perform(notice("true", attempt=attempt))
            reports.append(receiver.wait())
        assert [(found.attempt, found.ok, bool(found.error)) for found in reports] == [
            (1, False, True),
            (2, False, True),
            (3, True, False),
        ]

    def test_asked_twice_it_tries_once(self, receiver: Receiver) -> None:
        for _ in range(3):
            receiver.perform(notice("true"))
        receiver.wait()
        receiver.perform(notice("true"))
        receiver.perform(notice("true", cause=9))
        assert receiver.wait().unit == "#notice.9.0"
        assert receiver.heard() == [7, 9]

    def test_the_next_supervisor_makes_the_same_try_again(self, receiver: Receiver) -> None:
        receiver.perform(notice("true"))
        receiver.wait()
        receiver.another()
        receiver.perform(notice("true"))
        assert receiver.wait() == Notified("#notice.7.0", 1, True, "")
        assert receiver.heard() == [7, 7]


class TestFake(Contract):
    make = FakeReceiver


class TestReal(Contract):
    make = RealReceiver


# ------------------------------------------------------------------------------------------------------- commands


def test_a_command_is_told_on_stdin_and_in_its_environment(post: Post) -> None:
    found = post.tell(notice("cat >stdin; env >env; pwd >pwd; cat /proc/self/status >status"))
    assert found.ok, found.error
    assert json.loads(post.read("stdin")) == told(notice())
    env = dict(line.split("=", 1) for line in post.read("env").splitlines())
    assert {name: value for name, value in env.items() if name.startswith("FSM_")} == {
        "FSM_SPRINT_EVENT": "blocked",
        "FSM_SPRINT_TEXT": "as told: – 'x' $(y)",
        "FSM_SPRINT_IDEMPOTENCY_KEY": f"{RUN}/7",
        "FSM_SPRINT_NOTICE": "#notice.7.0",
    }
    assert post.read("pwd").strip() == str(post.directory)
    assert dispositions(post.read("status")) == CLEAN


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("echo one; echo two >&2; exit 3", "exit code 3: two"),
        ("exit 9", "exit code 9"),
        ("kill -15 $$", "killed by signal 15"),
        ("no-such-program", "not found"),
    ],
)
def test_why_a_command_failed_is_told(post: Post, text: str, error: str) -> None:
    found = post.tell(notice(text))
    assert not found.ok
    assert error in found.error


def test_a_command_that_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    post = Post(tmp_path, bound=0.5)
    hang = (
        "setsid env -i /bin/sh -c 'echo $$ >far; exec /bin/sleep 60' & echo $$ >near; trap '' TERM; sleep 60"
    )
    found = post.tell(notice(hang))
    assert (found.ok, found.error) == (False, "had not ended after 0.5 s")
    for name in ("near", "far"):
        assert platform.start_time(int(post.read(name))) is None, f"{name} is still alive"


def test_nothing_is_left_of_a_command_that_was_taken(post: Post) -> None:
    assert post.tell(notice("setsid sleep 60 & echo $! >left")).ok
    assert platform.start_time(int(post.read("left"))) is None


def test_a_courier_that_is_killed_has_not_delivered_and_leaves_nothing(post: Post) -> None:
    found = post.tell(notice("echo $$ >mine; kill -9 $PPID; sleep 60"))
    assert (found.ok, found.error) == (False, "its courier was killed")
    mine = int(post.read("mine"))
    end = post.clock.monotonic() + PATIENCE
    while platform.start_time(mine) is not None:
        assert post.clock.monotonic() < end


def test_a_folder_that_is_gone_is_a_failure_and_no_crash(tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    post = Post(tmp_path)
    post.messenger = post.another(cwd=place)
    place.rmdir()
    assert str(place) in post.tell(notice("true")).error


def test_a_try_that_cannot_begin_has_failed(tmp_path: Path) -> None:
    assert "cannot be begun" in Post(tmp_path / "gone").tell(notice("true")).error


class Stopped:
    """A clock that is set."""

    at = 100.0

    def now(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.at


def test_there_is_a_pause_before_a_later_try_and_none_after_a_new_start(tmp_path: Path) -> None:
    clock = Stopped()
    post = Post(tmp_path)
    post.clock = clock  # type: ignore[assignment]
    post.messenger = post.another(pauses=PAUSES)
    post.clock = SystemClock()
    assert post.tell(notice("exit 1", attempt=3)).attempt == 3, "nobody knows how long ago the second was"
    post.messenger.perform(notice("exit 0", attempt=4))
    assert post.messenger.due() == clock.at + PAUSES[3]
    clock.at += PAUSES[3]
    assert post.wait().ok
    assert tuple(sorted(PAUSES)) == PAUSES


# ------------------------------------------------------------------------------------------------------- addresses


class Web(HTTPServer):
    """A receiver on the loopback that answers with the statuses that it is given."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.statuses = list(statuses)
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Web

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers.items()), json.loads(body)))
        self.send_response(self.server.statuses.pop(0))
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nobody reads it."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Web(500, 200)
    thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_an_address_is_posted_to_with_the_same_key_until_it_takes_it(post: Post, web: Web) -> None:
    first = post.tell(notice(url=f"{web.url}/höok?x=y"))
    assert (first.ok, first.error) == (False, "HTTP 500 Internal Server Error")
    assert post.tell(notice(url=f"{web.url}/höok?x=y", attempt=2)).ok
    assert [path for path, _, _ in web.got] == ["/h%C3%B6ok?x=y"] * 2
    assert {headers["Idempotency-Key"] for _, headers, _ in web.got} == {f"{RUN}/7"}
    assert {headers["Content-Type"] for _, headers, _ in web.got} == {"application/json"}
    assert [body for _, _, body in web.got] == [told(notice())] * 2


def test_a_redirect_is_no_delivery_and_is_not_followed(post: Post, web: Web) -> None:
    web.statuses = [307, 200]
    found = post.tell(notice(url=web.url))
    assert (found.ok, found.error) == (False, "HTTP 307 Temporary Redirect, and redirects are not followed")
    assert len(web.got) == 1


def test_a_login_in_an_address_becomes_a_header(post: Post, web: Web) -> None:
    web.statuses = [204]
    assert post.tell(notice(url=web.url.replace("//", "//me:p%40ss@"))).ok
    assert web.got[0][1]["Authorization"] == "Basic bWU6cEBzcw=="
    assert "@" not in web.got[0][1]["Host"]


def test_nobody_there_is_a_failure_that_says_so(post: Post) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    assert post.tell(notice(url=f"http://127.0.0.1:{port}")).error == "Connection refused"


def test_somebody_who_never_answers_does_not_keep_us(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        post = Post(tmp_path, bound=0.3)
        found = post.tell(notice(url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert not found.ok
    assert "0.3 s" in found.error or "timed out" in found.error
