"""A served console and a watched page of Debian's chromium, for tests in a real browser.

Every page is watched: errors in its console, requests that leave the console, and answers of 400 and more are problems.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.shared.needed_tools import needs

CHROMIUM = Path("/usr/bin/chromium")

needs_chromium = needs(
    None if CHROMIUM.exists() else f"there is no {CHROMIUM}: install Debian's package chromium to test in a browser"
)

DESKTOP = (1280, 800)
PHONE = (390, 844)

_AXE = Axe()
_SERIOUS = {"serious", "critical"}


@contextmanager
def served(data_dir: Path, *options: str) -> Iterator[str]:
    """The URL of `pupline serve` over the directory, in a process of its own that ends with the block."""
    command = [sys.executable, "-m", "pupline", "serve", "--port=0", "--json", f"--data={data_dir}", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TZ": "UTC"}) as process:
        try:
            assert process.stdout is not None
            url: str = json.loads(process.stdout.readline())["url"]
            yield url.rstrip("/")
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's chromium. Its sandbox needs rights that containers do not have."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class WatchedPage:
    """A page with all that went wrong in it. page: Playwright's."""

    page: Page
    origin: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._message)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)
        self.expected_status = 200

    def _message(self, message: ConsoleMessage) -> None:
        # That an answer was an error is known from the answer itself.
        if message.type in {"error", "warning"} and "the server responded with a status" not in message.text:
            self.problems.append(f"{message.type} in the console of {self.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.problems.append(f"a request to {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status != self.expected_status:
            self.problems.append(f"status {response.status} of {response.url}")

    def open(self, path: str, status: int = 200) -> Page:
        """Go to the path, which must answer with that status."""
        self.expected_status = status
        answer = self.page.goto(self.origin + path, wait_until="load")
        assert answer is not None
        assert answer.status == status, path
        return self.page

    def show(self, theme: Literal["light", "dark"], size: tuple[int, int] = DESKTOP) -> None:
        """Change the system's theme and the size of the window."""
        self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def overflow(self) -> int:
        """How far the page can be scrolled to the side, in pixels."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width

    def serious_findings(self, *rules: str) -> str:
        """What axe-core finds serious, as text; of these rules only, if any are given."""
        only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        found = _AXE.run(self.page, options={"resultTypes": ["violations"], **only}).response["violations"]
        return "\n".join(
            f"{one['id']} ({one['impact']}): {node['html'][:300]} {node.get('failureSummary', '')}"
            for one in found
            if one["impact"] in _SERIOUS
            for node in one["nodes"][:3]
        )

    def check(self) -> None:
        """Fail if anything went wrong."""
        assert not self.problems, "\n".join(self.problems)


@contextmanager
def watched(browser: Browser, origin: str) -> Iterator[WatchedPage]:
    """A new page of the console at `origin`, which must end without problems."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    context.set_default_timeout(10_000)
    found = WatchedPage(context.new_page(), origin)
    yield found
    found.check()
    context.close()
