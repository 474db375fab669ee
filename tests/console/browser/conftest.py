"""One browser for each file, and the console over the sample data directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.shared.browsing import WatchedPage, chromium, served, watched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def origin(world: Path) -> Iterator[str]:
    """The address of a console over the sample data directory, which nothing may change."""
    with served(world) as found:
        yield found


@pytest.fixture
def own_origin(own_world: Path) -> Iterator[str]:
    """The address of a console over a copy of the sample data directory."""
    with served(own_world) as found:
        yield found


@pytest.fixture
def watch(browser: Browser, origin: str) -> Iterator[WatchedPage]:
    """A watched page of the console over the sample data directory."""
    with watched(browser, origin) as found:
        yield found


@pytest.fixture
def own_watch(browser: Browser, own_origin: str) -> Iterator[WatchedPage]:
    """A watched page of the console over a copy of the sample data directory."""
    with watched(browser, own_origin) as found:
        yield found
