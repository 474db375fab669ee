"""Fixtures of the tests of `pupline.local`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.driver_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty data directory at START."""
    made = Bench(tmp_path)
    yield made
    made.backend.close()
