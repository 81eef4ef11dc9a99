"""The attempt file: what is certainly known of one attempt, whoever has died.

1,024 bytes, two sectors of 512. Sector 0 is the exit record, sector 1 says *started*. Each carries its own checksum
and is written in place with one sync, so that neither a full disk nor a torn write can lose or invent a verdict. This
module only turns records into bytes and back; it is shared by the shim, the supervisor and the simulator, and imports
nothing beyond builtins, because the shim's start-up time is paid per run.
"""

from binascii import crc32

SECTOR = 512
SIZE = 2 * SECTOR
EXIT_OFFSET = 0
STARTED_OFFSET = SECTOR
EMPTY = b"\0" * SIZE
_MAGIC = "fsm1"
_ROOM = SECTOR - 10
"""Less the checksum, and at least one zero before it."""


def sector(kind: str, fields: dict[str, str | int]) -> bytes:
    """One checksummed sector. Numbers and short texts are whole; what finds no room is cut off the longest texts.

    Texts lose their line breaks.
    """
    raw = f"{_MAGIC} {kind}\n".encode()
    for key, value in sorted(
        fields.items(), key=lambda field: (isinstance(field[1], str), len(str(field[1])))
    ):
        line = f"{key}={_clean(str(value))}".encode("utf-8", "replace")[: _ROOM - len(raw) - 1]
        raw += line.decode("utf-8", "ignore").encode() + b"\n"
    raw += b"\0" * (_ROOM + 1 - len(raw))
    return raw + b"%08x\n" % crc32(raw)


def parse(raw: bytes, kind: str) -> dict[str, str] | None:
    """The fields of a sector, or None when it was never written, is torn, or is of another kind."""
    if len(raw) != SECTOR or raw[-9:] != b"%08x\n" % crc32(raw[:-9]):
        return None
    lines = raw[:-9].rstrip(b"\0").decode("utf-8", "replace").split("\n")
    if lines[0] != f"{_MAGIC} {kind}":
        return None
    return dict(line.split("=", 1) for line in lines[1:] if "=" in line)


def read(raw: bytes) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """(exit record, started record) of a whole attempt file; None for each that is not certainly there."""
    return parse(raw[:SECTOR], "exit"), parse(raw[SECTOR:SIZE], "started")


def _clean(text: str) -> str:
    """One line of at most 200 characters: the longest texts are error messages."""
    return " ".join(text.split())[:200]
