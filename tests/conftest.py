"""Hooks for all tests: needs declared by markers, and the gate on skips.

With ``TFLM_GEN_REQUIRE`` set (CI does), a run fails if any test was skipped, or expected to fail,
for another reason than a need listed in ``allowed_skips.txt``.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.requirements import (
    ALLOWED_SKIPS_FILE,
    NEEDS,
    allowed_skips,
    is_allowed_skip,
    require,
    required_names,
)

if TYPE_CHECKING:
    from pathlib import Path

# Examples are judged by their outcome: a busy machine must not fail them by its time limit.
settings.register_profile("tflm-gen", deadline=None)
settings.load_profile("tflm-gen")

# Boards that the user of this machine has made are none of the tests' business.
os.environ["TFLM_GEN_BOARDS"] = str(ALLOWED_SKIPS_FILE.with_name("no-boards-here"))

# A shell that starts this in the background has it ignore Ctrl-C, and every program it starts: tests
# that interrupt one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_FORGOTTEN = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a misspelt TFLM_GEN_REQUIRE; it would require nothing."""
    config.stash[_FORGOTTEN] = []
    unknown = sorted(required_names() - set(NEEDS))
    if unknown:
        raise pytest.UsageError(
            f"TFLM_GEN_REQUIRE names {', '.join(unknown)}; known are {', '.join(sorted(NEEDS))}"
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the needs that a test declares by markers."""
    for mark in item.iter_markers():
        if mark.name in NEEDS:
            require(mark.name)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep raw bytes out of test names: they may hold a time, and differ between workers."""
    return f"{argname}_{len(val)}_bytes" if isinstance(val, bytes) else None


class SkipGate:
    """Collects skips that are not on the list; lives in the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        listed = os.environ.get("TFLM_GEN_ALLOWED_SKIPS_FILE")
        self.allowed = allowed_skips(config.rootpath / listed if listed else ALLOWED_SKIPS_FILE)

    def _check(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped:
            return
        longrepr = report.longrepr
        reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        if hasattr(report, "wasxfail"):
            reason = f"expected failure: {report.wasxfail}"
        if not is_allowed_skip(reason, self.allowed):
            self.config.stash[_FORGOTTEN].append(f"{report.nodeid}: {reason}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._check(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._check(report)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        harmless = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self.config.stash[_FORGOTTEN] and exitstatus in harmless:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        forgotten = self.config.stash[_FORGOTTEN]
        if forgotten:
            terminalreporter.section("skips that CI does not allow")
            for line in forgotten:
                terminalreporter.line(line)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Arm the gate in the reporting process (xdist workers only forward)."""
    config = session.config
    if required_names() and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGate(config), "tflm-gen-skip-gate")


@pytest.fixture(scope="session")
def repository_root(pytestconfig: pytest.Config) -> Path:
    """Root of the checkout."""
    return pytestconfig.rootpath
