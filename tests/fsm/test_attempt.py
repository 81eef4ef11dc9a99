"""The attempt file says what is certain or nothing: no torn write, no flipped bit, no long text invents a verdict."""

from hypothesis import example, given
from hypothesis import strategies as st

from fsm.attempt import EMPTY, EXIT_OFFSET, SECTOR, SIZE, STARTED_OFFSET, parse, read, sector

keys = st.text(st.sampled_from("abcdefghij-"), min_size=1, max_size=10)
numbers = st.dictionaries(keys, st.integers(-(10**15), 10**15), max_size=6)
texts = st.dictionaries(keys.map("t-{}".format), st.text(max_size=300), max_size=4)


@given(st.sampled_from(["exit", "started"]), numbers, texts)
@example("exit", {"status": 256, "elapsed-ms": 123_456}, {"error": "\U0001f600" * 300, "why": "timeout"})
@example("exit", {}, {"t-a": "=\n==", "t-b": "\0", "t-c": "\ud800", "t-d": ""})
def test_a_sector_gives_back_what_was_put_in(kind: str, some: dict[str, int], more: dict[str, str]):
    raw = sector(kind, {**more, **some})
    found = parse(raw, kind)

    assert len(raw) == SECTOR
    assert found is not None
    assert {key: str(value) for key, value in some.items()}.items() <= found.items()
    for key, value in more.items():
        clean = " ".join(value.split()).encode("utf-8", "replace").decode()
        assert clean.startswith(found.get(key, ""))
        if sum(len(text.encode("utf-8", "replace")) + len(name) + 2 for name, text in more.items()) < 200:
            assert found[key] == clean
    assert set(found) <= {*some, *more}


def test_a_long_error_takes_nothing_from_the_rest():
    fields: dict[str, str | int] = {
        "error": "é" * 500,
        "why": "timeout",
        "status": 15,
        "elapsed-ms": 3_600_000,
    }
    found = parse(sector("exit", fields), "exit")

    assert found is not None
    assert (found["why"], found["status"], found["elapsed-ms"]) == ("timeout", "15", "3600000")
    assert found["error"] == "é" * 200


def test_a_sector_is_of_one_kind():
    raw = sector("exit", {"status": 0})

    assert parse(raw, "started") is None
    assert parse(raw, "ex") is None


@given(numbers, st.integers(0, SECTOR - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(some: dict[str, int], at: int, change: int):
    raw = bytearray(sector("exit", {**some}))
    raw[at] ^= change

    assert parse(bytes(raw), "exit") is None


@given(numbers, numbers, st.integers(0, SECTOR), st.booleans())
def test_a_torn_write_leaves_the_old_the_new_or_nothing(
    some: dict[str, int], other: dict[str, int], cut: int, fresh: bool
):
    new = sector("exit", {**some})
    old = bytes(SECTOR) if fresh else sector("exit", {**other})
    for torn in (new[:cut] + old[cut:], old[:cut] + new[cut:]):
        assert parse(torn, "exit") in (None, parse(new, "exit"), parse(old, "exit"))
        if torn not in (new, old):
            assert parse(torn, "exit") is None


def test_every_tear_between_empty_and_full_is_noticed():
    new = sector("exit", {"status": 0, "why": "exit"})
    for cut in range(SECTOR):
        assert parse(new[:cut] + bytes(SECTOR - cut), "exit") is None


def test_the_file_is_two_sectors_that_know_nothing_of_each_other():
    ended, started = sector("exit", {"status": 3}), sector("started", {"pid": 7})

    assert (EXIT_OFFSET, STARTED_OFFSET, SIZE) == (0, 512, 1024)
    assert read(EMPTY) == (None, None)
    assert read(ended + started) == ({"status": "3"}, {"pid": "7"})
    assert read(bytes(SECTOR) + started) == (None, {"pid": "7"})
    assert read(ended + bytes(SECTOR)) == ({"status": "3"}, None)
    assert read(started + ended) == (None, None)
    assert read(b"") == (None, None)
    assert read(ended) == ({"status": "3"}, None)
    assert read((ended + started)[:-1]) == ({"status": "3"}, None)


@given(st.binary(max_size=2 * SIZE))
def test_chance_is_never_a_record(raw: bytes):
    assert read(raw) == (None, None)
