"""The garbage collector's thresholds while executions are driven."""

import gc
from pathlib import Path
from typing import Any

import pytest

from pupline.local import Invocation, StartRequest
from pupline.local.journal import _collector
from pupline.local.journal._collector import collecting_less_often
from tests.local.driver_bench import DOUBLE, Bench, double
from tests.local.local_fakes import InlineRuntime


@pytest.fixture(autouse=True)
def _no_other_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test's server may still be driving in this process."""
    monkeypatch.setattr(_collector, "_before", [])


def test_the_thresholds_are_as_before_when_a_drive_has_ended(tmp_path: Path) -> None:
    """While executions are driven, the collector looks less often."""
    bench, before, seen = Bench(tmp_path), gc.get_threshold(), []

    def called(event: Any, invocation: Invocation) -> Any:
        seen.append(gc.get_threshold()[0])
        return double(event, invocation)

    bench.driver(DOUBLE, InlineRuntime({"Double": called})).drive([StartRequest("a", {"n": 1})])
    assert (gc.get_threshold(), seen) == (before, [5_000, 5_000])


@pytest.mark.parametrize("own", [(0, 10, 10), (9_000, 3, 2), (700, 5, 10)])
def test_the_last_of_several_drives_puts_the_thresholds_back(own: tuple[int, int, int]) -> None:
    """In whatever order they end. A collector that is off, or looks less often already, is left as it is."""
    before = gc.get_threshold()
    gc.set_threshold(*own)
    try:
        first, second = collecting_less_often(), collecting_less_often()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert gc.get_threshold() == ((5_000, 5, 10) if own[0] == 700 else own)
        second.__exit__(None, None, None)
        assert gc.get_threshold() == own
    finally:
        gc.set_threshold(*before)
