"""A writer that is killed: what it acknowledged is there, and nothing half."""

import subprocess
import sys
from pathlib import Path

import pytest

from fsm.plan import digest
from journal.audit import audit
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.rows import row

WRITER = """
import sys
from pathlib import Path
from journal.store import SqliteJournal
from tests.journal.rows import row
journal = SqliteJournal.open(Path(sys.argv[1]))
while True:
    for _ in range(3):
        seq = journal.head[0] + 1
        journal.append(row(seq, facts={"seq": seq}))
    journal.keep(str(seq))
    journal.commit()
    print(seq, flush=True)
"""


@pytest.mark.process
@pytest.mark.parametrize(
    "kills", [pytest.param(4), pytest.param(200, marks=[pytest.mark.faults, pytest.mark.timeout(1800)])]
)
def test_a_killed_writer_loses_no_row_that_it_acknowledged(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "journal.db"
    for turn in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(1 + 40 * (turn % 7)):
            writer.stdout.readline()
        writer.kill()
        said = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()

        with open_reader(path) as reader:
            seq, _ = reader.head()
            assert said == [] or seq >= said[-1]
            assert seq % 3 == 0
            assert not list(audit(reader))
            assert reader.text(digest(str(seq))) == str(seq)
    with SqliteJournal.open(path, whole=True) as journal:
        assert [one.decoded()["seq"] for one in journal.read()] == list(range(1, journal.head[0] + 1))
        journal.append(row(journal.head[0] + 1))
        journal.commit()
