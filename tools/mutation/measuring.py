"""The pytest plugin that notes what each test ran, and how long it took."""

import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tools.mutation.probes import REACHED, reached_marks
from tools.mutation.reach import MEASURED

# pytest's finder, which rewrites assertions, takes a plugin's whole package: ours goes before it.
sys.meta_path.sort(key=lambda finder: type(finder).__name__ != "ProbedFinder")

_marks = reached_marks(Path(os.environ[REACHED]))
_of_files: dict[Path, bytes] = {}
"""What the fixtures of a file ran that are set up once: every test of the file may notice a fault there."""
_failed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Note what a fixture runs that lives longer than one test."""
    if fixturedef.scope == "function":
        return (yield)
    before = _marks[:]
    _marks[:] = bytes(len(_marks))
    try:
        return (yield)
    finally:
        path = request.node.path
        _of_files[path] = _either(_of_files.get(path, bytes(len(_marks))), _marks[:])
        _marks[:] = _either(before, _marks[:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Write a line for the test if it passes."""
    _marks[:] = bytes(len(_marks))
    started = time.perf_counter()
    result = yield
    seconds = time.perf_counter() - started
    if item.nodeid not in _failed:
        marks = _either(_marks[:], _of_files.get(item.path, b""))
        line = {"test": item.nodeid, "seconds": round(seconds, 4), "marks": _packed(marks).hex()}
        with Path(os.environ[MEASURED]).open("a") as file:
            file.write(json.dumps(line) + "\n")
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test that fails or is skipped here can notice nothing."""
    if not report.passed:
        _failed.add(report.nodeid)


def _either(one: bytes, other: bytes) -> bytes:
    size = max(len(one), len(other))
    return (int.from_bytes(one, "little") | int.from_bytes(other, "little")).to_bytes(size, "little")


def _packed(marks: bytes) -> bytes:
    """A bit for each byte."""
    packed = bytearray(len(marks) // 8 + 1)
    number = marks.find(1)
    while number >= 0:
        packed[number // 8] |= 1 << number % 8
        number = marks.find(1, number + 1)
    return bytes(packed)
