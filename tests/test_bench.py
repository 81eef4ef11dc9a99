"""The measurements still run; what they say is for `make bench`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "measures",
    [
        ("append", "fold"),
        pytest.param(("task", "flat"), marks=pytest.mark.faults),  # minutes, of which `make faults` has more
        pytest.param(("compile", "startup", "memory"), marks=pytest.mark.faults),
    ],
)
def test_every_measurement_gives_its_rows(measures, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--dir", tmp_path, *measures],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for measure in measures:
        assert re.search(rf"^{measure}\n\S", done.stdout, flags=re.MULTILINE), measure
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_figures_has_both_markers_and_a_date():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    part = page.partition("<!-- bench: begin -->")[2].partition("<!-- bench: end -->")[0]

    assert re.search(r"Measured on \d{4}-\d\d-\d\d with `python -m bench", part)
