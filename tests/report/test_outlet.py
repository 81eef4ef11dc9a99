"""A reader that is slow, stopped or gone holds nobody up."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from fsm_sprint.report.outlet import Outlet


@contextmanager
def pipe(encoding: str = "utf-8") -> Iterator[tuple[int, TextIO]]:
    """A pipe: the descriptor to read from, and the stream to write to."""
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding=encoding) as stream, os.fdopen(read, "rb", buffering=0) as reader:
        yield reader.fileno(), stream


def test_text_arrives_as_it_is_written():
    with pipe() as (read, stream):
        outlet = Outlet(stream)
        outlet.write("a line, ünïcode …\n")

        assert os.read(read, 100).decode() == "a line, ünïcode …\n"
        assert not outlet.full


def test_what_nobody_reads_is_kept_and_comes_later():
    with pipe() as (read, stream):
        outlet = Outlet(stream)
        lines = [f"{number:07}\n" for number in range(50_000)]
        for line in lines:
            outlet.write(line)

        assert outlet.full
        found = b""
        while len(found) < 8 * len(lines):
            found += os.read(read, 1 << 20)
            outlet.flush()
        assert found.decode() == "".join(lines)
        assert not outlet.full


def test_what_is_too_much_to_keep_is_left_out_and_that_is_said():
    with pipe() as (read, stream):
        outlet = Outlet(stream)
        for _ in range(300):
            outlet.write("x" * 8191 + "\n")
        found = b""
        while outlet.full:
            found += os.read(read, 1 << 20)
            outlet.flush()
        outlet.write("the end\n")
        while not found.endswith(b"the end\n"):
            found += os.read(read, 1 << 20)
            outlet.flush()

        assert found.endswith(b"bytes left out: nobody took them]\nthe end\n")
        assert len(found) < 1_500_000


def test_a_reader_that_has_left_is_no_trouble():
    with pipe() as (read, stream):
        outlet = Outlet(stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), read)
        outlet.write("to nobody")

        assert outlet.gone
        assert outlet.write("again") == 5
        outlet.close()


def test_streams_in_memory_and_no_stream_at_all():
    memory = io.StringIO()
    Outlet(memory).write("kept")
    assert memory.getvalue() == "kept"
    memory.close()
    closed = Outlet(memory)
    closed.write("lost")
    assert closed.gone
    assert Outlet(None).gone


def test_characters_that_a_stream_cannot_show_are_replaced():
    with pipe("ascii") as (read, stream):
        Outlet(stream).write("a … b \ud800\n")

        assert os.read(read, 100) == b"a ? b ?\n"
