"""What applies to every test: the fast lane, the order of the files, and byte code that is compiled once.

Plain `pytest` runs the fast lane: the tests without the markers that pyproject.toml deselects, on all cores. Where the
command line names files or folders, everything in them runs, in one process. `make test` runs all tests.
"""

import gc
import itertools
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

TESTS = Path(__file__).parent

MARKED_FOLDERS = {"aws": "aws", "crash": "crash", "e2e": "e2e", "differential": "slow", "console/browser": "slow"}
"""The marker of every test below a folder. Single tests and files elsewhere have theirs at their definition."""

FAST_LANE = "not (slow or long or e2e or aws or crash)"
"""The `-m` of pyproject.toml."""

SLOW_MARKERS = ("slow", "long", "e2e", "aws", "crash")

MARKED_FILE = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.(?:{'|'.join(SLOW_MARKERS)})\b", re.MULTILINE)
"""The line by which all tests of a file have such a marker, as their first one."""

# No test measures time: a deadline for each example fails on a busy machine, and finds nothing.
settings.register_profile("pupline", deadline=None)
settings.load_profile("pupline")

# The tests start hundreds of Python processes. Where this is set, each of them would compile all of pupline again, and
# pytest all tests: that is more work than the tests themselves.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def look_at_fewer_examples(function: Any) -> None:
    """Have a test of random data look at a tenth of its examples, but at 10 or more; `make test` looks at all.

    The attribute is what `@settings` writes; hypothesis has no public way to scale the settings of many tests.
    """
    if is_hypothesis_test(function):
        full: settings = function._hypothesis_internal_use_settings
        function._hypothesis_internal_use_settings = settings(full, max_examples=max(10, full.max_examples // 10))


def pytest_configure(config: pytest.Config) -> None:
    """Deselect nothing that the command line names."""
    if names_tests(config) and config.option.markexpr == FAST_LANE:
        config.option.markexpr = ""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No workers for tests that the command line names: one process starts sooner. None leaves it to xdist."""
    is_number_given = any(word.startswith(("-n", "--numprocesses")) for word in config.invocation_params.args)
    return 0 if names_tests(config) and not is_number_given else None


def names_tests(config: pytest.Config) -> bool:
    """Whether the command line names files, folders or tests. Workers read the same command line."""
    return config.args_source is pytest.Config.ArgsSource.ARGS


def marker_of(path: Path) -> str | None:
    """The marker of all tests below the marked folder that the path is, or is in."""
    folder, _, rest = path.relative_to(TESTS).as_posix().partition("/")
    return MARKED_FOLDERS.get(folder) or MARKED_FOLDERS.get(f"{folder}/{rest.partition('/')[0]}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what the fast lane leaves out as a whole: that costs as much as a tenth of its tests."""
    if config.option.markexpr != FAST_LANE or TESTS not in collection_path.parents:
        return None
    if collection_path.suffix == ".py":
        return bool(MARKED_FILE.search(collection_path.read_text(encoding="utf-8"))) or None
    return marker_of(collection_path) is not None or None


def pytest_collection() -> None:
    """Collect no garbage meanwhile: tests are many small objects, and all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later search for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what a folder marks, and put the files that take longest first, so that no core idles at the end.

    Processes get whole files, in this order, so that a module's fixtures are set up once. Coverage is measured by the
    other tests alone, which makes them take twice as long: slow ones mostly start processes, and what tests of random
    data reach differs from run to run.
    """
    slow_files = set()
    for path, tests in itertools.groupby(items, key=lambda item: item.path):
        marker = marker_of(path)
        for item in tests:
            if marker:
                item.add_marker(marker)
            is_slow = any(mark.name in SLOW_MARKERS for mark in item.iter_markers())
            if is_slow:
                slow_files.add(path)
            if is_slow or (isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)):
                item.add_marker("no_cover")
    if config.option.markexpr == FAST_LANE:
        functions = (item.obj for item in items if isinstance(item, pytest.Function))
        for function in {getattr(function, "__func__", function) for function in functions}:
            look_at_fewer_examples(function)
    items.sort(key=lambda item: item.path not in slow_files and item.path.name != "test_architecture.py")
