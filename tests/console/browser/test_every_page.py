"""Every page in a real browser: both themes, phone width, axe-core, no foreign request, no error in the console."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from pupline.console import ConsoleSettings, create_app
from tests.shared.browsing import PHONE, WatchedPage, browser_test
from tests.shared.console_pages import PAGES

pytestmark = browser_test

MOST_BYTES = 150_000


@pytest.mark.parametrize("path", PAGES)
def test_page(watch: WatchedPage, path: str) -> None:
    """It is readable in both themes, fits on a phone, and nothing in it is seriously inaccessible."""
    sizes: list[int] = []
    watch.page.on("requestfinished", lambda request: sizes.append(_bytes_of(request)))
    watch.open(path, 404 if path == "/nowhere" else 200)
    assert sum(sizes) < MOST_BYTES
    assert watch.page.locator("h1").count() == 1
    assert watch.serious_findings() == ""
    assert watch.overflow() <= 0
    watch.show("dark")
    assert watch.serious_findings("color-contrast") == ""
    watch.show("dark", PHONE)
    assert watch.overflow() <= 0
    assert watch.serious_findings("color-contrast", "target-size", "scrollable-region-focusable") == ""


def test_every_page_is_in_the_list(tmp_path: Path) -> None:
    """The list of pages has an example of each page route."""
    app = create_app(ConsoleSettings(data_dir=tmp_path))
    pages = [
        route
        for route in app.routes
        if isinstance(route, APIRoute)
        and "GET" in (route.methods or ())
        and not route.path.startswith(("/api", "/static", "/favicon", "/objects", "/thumbnails"))
        and not route.path.endswith("/export")
    ]
    paths = [path.partition("?")[0] for path in PAGES]
    assert [route.path for route in pages if not any(re.fullmatch(route.path_regex, path) for path in paths)] == []


def _bytes_of(request: object) -> int:
    """What a finished request brought, apart from pictures."""
    from playwright.sync_api import Request

    assert isinstance(request, Request)
    return 0 if request.resource_type == "image" else request.sizes()["responseBodySize"]
