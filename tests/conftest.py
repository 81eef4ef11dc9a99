"""What holds for every test: examples are drawn without a clock, and the header says what the results depend on."""

import sqlite3

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a busy machine is not a failure, and pytest-timeout guards against hanging.
settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("usual"), max_examples=5_000)
settings.load_profile("usual")


def pytest_report_header(config: pytest.Config) -> str:
    """SQLite comes with Python, and its version decides what the journal's tests mean."""
    return f"SQLite {sqlite3.sqlite_version}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A fault campaign says what it ran and what it did not: also where it ran in another process."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "campaign"
    }
    if told:
        terminalreporter.section("fault campaigns")
        for line in sorted(told):
            terminalreporter.write_line(str(line))
