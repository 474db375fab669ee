"""Every page in a real browser: both themes, phone width, axe-core, no foreign request, no error in the console."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, APIRouter
from playwright.sync_api import Request

from pupline.console import ConsoleSettings, create_app
from pupline.console._app import AREAS
from tests.shared.browsing import PHONE, WatchedPage, needs_chromium
from tests.shared.console_pages import NOT_HERE, PAGES

pytestmark = needs_chromium

MOST_BYTES = 150_000


@pytest.mark.parametrize("path", PAGES)
def test_page(watch: WatchedPage, path: str) -> None:
    """It is readable in both themes, fits on a phone, and nothing in it is seriously inaccessible."""
    sizes: list[int] = []
    watch.page.on("requestfinished", lambda request: sizes.append(_bytes_of(request)))
    watch.open(_with_alert(watch, path), 404 if path == "/nowhere" else 200)
    assert sum(sizes) < MOST_BYTES
    assert watch.page.locator("h1").count() == 1
    assert watch.serious_findings() == ""
    assert watch.overflow() <= 0
    watch.show("dark", PHONE)
    assert watch.overflow() <= 0
    assert watch.serious_findings("color-contrast", "target-size", "scrollable-region-focusable") == ""


def test_every_page_is_in_the_list(tmp_path: Path) -> None:
    """The list of pages has an example of each page route."""
    console = create_app(ConsoleSettings(data_dir=tmp_path)).console
    routes = [route for area in AREAS for route in _routes_of(area.pages(console)) if "GET" in (route.methods or ())]
    assert len(routes) > 15
    examples = [path.partition("?")[0] for path in PAGES]
    pages = [route for route in routes if not route.path.startswith(_BYTES) and route.path not in NOT_HERE]
    assert [route.path for route in pages if not any(re.fullmatch(route.path_regex, path) for path in examples)] == []


_BYTES = ("/objects", "/thumbnails", "/audit/export")


def _routes_of(router: APIRouter) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from _routes_of(inner)


def _with_alert(watch: WatchedPage, path: str) -> str:
    if "{alert}" not in path:
        return path
    alerts = watch.page.request.get(f"{watch.origin}/api/alerts").json()["items"]
    return path.replace("{alert}", alerts[0]["message_id"])


def _bytes_of(request: Request) -> int:
    """What a finished request brought, apart from pictures."""
    return 0 if request.resource_type == "image" else request.sizes()["responseBodySize"]
