"""The plugin for pytest: the fixture `state_machine`, and `--asl-coverage` and `--asl-fail-under`.

It imports nothing of pupline before a test uses the fixture. With pytest-xdist, each worker hands what it has covered
to the process that reports.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pupline.testing import MachineUnderTest
    from pupline.testing._suite import Suite

_SUITE = pytest.StashKey["Suite"]()
_WORKER_OUTPUT = "pupline_coverage"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("state machines")
    group.addoption(
        "--asl-coverage",
        action="store_true",
        help="show which states, Choice rules, Retriers and Catchers of the state machines no test has taken",
    )
    group.addoption(
        "--asl-fail-under",
        type=_percent,
        metavar="PERCENT",
        help="fail when the tests have taken less of their state machines; implies --asl-coverage",
    )


@pytest.fixture
def state_machine(request: pytest.FixtureRequest) -> Callable[..., MachineUnderTest]:
    """Load a state machine: `state_machine("orders.asl.json", mocks="MockConfigFile.json")`.

    A file is looked for in the test's folder first, then in the root folder of the tests, then in the current
    directory. See `pupline.testing.load_machine` for all that can be loaded.
    """
    suite, folders = _suite(request.config), [request.path.parent, request.config.rootpath]

    def load(source: Any, **options: Any) -> MachineUnderTest:
        __tracebackhide__ = True
        from pupline.errors import PuplineError

        try:
            return suite.load(source, folders, **options)
        except PuplineError as error:
            raise error.with_traceback(None) from None  # what loads files is of no interest to the test's author

    return load


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what this worker has covered; or fail the session that has covered too little."""
    config = session.config
    suite = config.stash.get(_SUITE, None)
    output = getattr(config, "workeroutput", None)
    if output is not None:
        if suite is not None:
            output[_WORKER_OUTPUT] = suite.as_text()
    elif session.exitstatus == pytest.ExitCode.OK and _is_too_little(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist has covered."""
    text = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT)
    if text is not None:
        _suite(node.config).merge(text)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the coverage."""
    needed = config.getoption("asl_fail_under")
    if needed is None and not config.getoption("asl_coverage"):
        return
    suite = _suite(config)
    terminalreporter.section("state machine coverage")
    for line in suite.lines(config.rootpath):
        terminalreporter.write_line(line)
    if _is_too_little(config):
        from pupline.asl import percent_text

        text = f"FAIL: {percent_text(suite.percent)} of the state machines is less than the required {needed:g}%"
        terminalreporter.write_line(text, red=True)


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return value


def _is_too_little(config: pytest.Config) -> bool:
    needed = config.getoption("asl_fail_under")
    return needed is not None and _suite(config).percent < needed


def _suite(config: pytest.Config) -> Suite:
    """The suite of this process, made when it is first needed."""
    if _SUITE not in config.stash:
        from pupline.testing._suite import Suite

        config.stash[_SUITE] = Suite()
    return config.stash[_SUITE]
