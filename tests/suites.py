"""A pytest plugin: why tests were skipped, and a failure for a suite that did not run at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest


class Suites:
    """Counts outcomes. A suite is a folder that the command line or `testpaths` names.

    With `-k` the user selects tests by name, and a suite may contain none of them.
    """

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._ran: set[Path] = set()
        self._missing: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes one outcome."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self._reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
        elif report.when == "call" or report.failed:
            self._ran.add(Path(report.nodeid.partition("::")[0]))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a file that is skipped whole, or that cannot be imported."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self._reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
        elif report.failed:
            self._ran.add(Path(report.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fails the run if nothing of a suite ran."""
        config = session.config
        if config.option.keyword or config.option.collectonly or exitstatus not in (0, 1, 5):
            return
        for argument in config.args:
            folder = (config.invocation_params.dir / argument).resolve()
            if folder.is_dir() and not any((config.rootpath / file).is_relative_to(folder) for file in self._ran):
                self._missing.append(argument)
        if self._missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None]:
        """Prints the count of each reason after pytest's own summary."""
        yield
        if self._reasons:
            terminalreporter.write_line(f"skipped: {self._reasons.total()}")
        for reason, count in sorted(self._reasons.items()):
            terminalreporter.write_line(f"  {count:>3}  {reason}")
        for argument in self._missing:
            terminalreporter.write_line(f"error: no test of {argument} ran", red=True)
