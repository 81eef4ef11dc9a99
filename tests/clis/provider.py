"""A loopback server that is three providers at once: it plays a scenario to whoever speaks one of their wire formats.

Rule: only what belongs to the conversation takes a turn: a request with tools. What agents ask beside it, a count of
tokens or a list of models, gets an answer that means nothing.
"""

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.clis.scenario import Hang, Held, Say, Scenario, Till
from tests.clis.wires import Reply, answer, aside


class Provider(ThreadingHTTPServer):
    """One scenario on a port of its own."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scenario = scenario
        self.over = Event()
        self.go = Event()
        """Set by the test: what was held is answered."""
        self.seen: list[str] = []
        """Every request, by method and path."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that hangs up is nobody's mistake."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.server.seen.append(f"GET {self.path}")
        self._reply(aside(""))

    do_HEAD = do_GET  # noqa: N815  # http.server's names

    def do_POST(self) -> None:
        self.server.seen.append(f"POST {self.path}")
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            request = json.loads(raw)
        except ValueError:
            request = {}
        wire = _wire(self.path)
        if not wire or not request.get("tools"):
            self._reply(aside(wire))
            return
        turn = self.server.scenario.next(raw.decode())
        assert not isinstance(turn, Till), "the scenario has looked through it"
        if isinstance(turn, Hang):
            self._hang()
            return
        if isinstance(turn, Held):
            self.server.go.wait(60)
            turn = Say(turn.text)
        self._reply(answer(wire, turn, request), turn.cut if isinstance(turn, Say) else None)

    def _reply(self, reply: Reply, cut: int | None = None) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.kind)
        self.send_header("content-length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _hang(self) -> None:
        while not self.server.over.wait(0.05):
            if select.select([self.connection], [], [], 0)[0]:
                break
        self.close_connection = True


def _wire(path: str) -> str:
    place = path.partition("?")[0]
    if place.endswith("/messages"):
        return "anthropic"
    if place.endswith("/responses"):
        return "openai"
    return "google" if place.endswith(":streamGenerateContent") else ""


@contextmanager
def playing(scenario: Scenario) -> Iterator[Provider]:
    """A provider that plays a scenario until the end of the block."""
    server = Provider(scenario)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
