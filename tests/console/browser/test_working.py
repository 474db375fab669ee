"""What people do in the console, in a real browser: watch, search, pick, redrive, run again, also by keyboard."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.shared.browsing import PHONE, WatchedPage, needs_chromium, served, watched
from tests.shared.console_world import FAILED, SUCCEEDED
from tests.shared.functions_fakes import picture

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def data_dir(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample data directory that all tests of this file write to."""
    import shutil

    return Path(shutil.copytree(world, tmp_path_factory.mktemp("acting") / "data"))


@pytest.fixture(scope="module")
def acting_origin(data_dir: Path) -> Iterator[str]:
    """The address of a console over it."""
    with served(data_dir) as found:
        yield found


@pytest.fixture
def acting(browser: Browser, acting_origin: str) -> Iterator[WatchedPage]:
    """A watched page of that console."""
    with watched(browser, acting_origin) as found:
        yield found


def pupline(data_dir: Path, *arguments: str) -> None:
    """Run a command in the directory, in another process."""
    subprocess.run([sys.executable, "-m", "pupline", *arguments, f"--data={data_dir}"], check=True, capture_output=True)


def test_list_follows_what_happens(acting: WatchedPage, data_dir: Path) -> None:
    """New executions appear without a reload; what is picked stays picked, and the focus stays."""
    page = acting.open("/executions")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.evaluate("window.mark = true")
    page.locator(f'input[data-pick][value="{SUCCEEDED}"]').check()
    page.locator(f'a[href="/executions/{SUCCEEDED}"]').focus()
    pupline(data_dir, "run", "--source=sample", "--count=1", "--run-id=later")
    expect(page.locator('a[href="/executions/later-00001"]')).to_be_visible(timeout=15_000)
    assert page.evaluate("window.mark") is True
    expect(page.locator(f'input[data-pick][value="{SUCCEEDED}"]')).to_be_checked()
    expect(page.locator(f'a[href="/executions/{SUCCEEDED}"]')).to_be_focused()
    expect(page.locator("[data-picked-count]")).to_have_text("1 selected")


class SlowImage(BaseHTTPRequestHandler):
    """Answers with a picture, once `may_answer` is set."""

    may_answer = threading.Event()

    def do_GET(self) -> None:
        """The picture, or nothing where it takes too long."""
        body = b"" if self.path == "/robots.txt" else picture("JPEG")
        if body and not self.may_answer.wait(20):
            return
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def stopped(data_dir: Path) -> Iterator[str]:
    """The name of an execution that was stopped while it fetched; from now on its image answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowImage) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/slow.jpg"
        arguments = ["run", f"--image-url={url}", "--run-id=slow", f"--data={data_dir}"]
        with subprocess.Popen([sys.executable, "-m", "pupline", *arguments], stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                if (
                    subprocess.run(
                        [sys.executable, "-m", "pupline", "stop", "slow-00001", f"--data={data_dir}"],
                        capture_output=True,
                    ).returncode
                    == 0
                ):
                    break
            with suppress(subprocess.TimeoutExpired):  # the process looks for such requests now and then
                process.wait(10)
            SlowImage.may_answer.set()
            process.wait(20)
        yield "slow-00001"
        server.shutdown()


def test_redrive_resumes_and_the_page_follows(acting: WatchedPage, stopped: str) -> None:
    """The button asks first, says which command it is, and the status changes while one looks."""
    page = acting.open(f"/executions/{stopped}")
    facts = page.locator("#facts")
    expect(facts).to_contain_text("Aborted")
    page.locator("#head").get_by_role("button", name="Redrive", exact=True).click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("pupline redrive")
    dialog.get_by_role("button", name="Redrive").click()
    expect(page.locator("#toasts")).to_contain_text("Redrive")
    expect(facts).to_contain_text("Succeeded", timeout=30_000)


def test_run_again_with_edited_input(acting: WatchedPage) -> None:
    """Input that is not JSON is refused next to the field; with other input a new execution starts."""
    page = acting.open(f"/executions/{FAILED}/again")
    field = page.locator("#input")
    field.fill('{"a": ')
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".field-error")).to_contain_text("not valid JSON")
    expect(field).to_be_focused()
    field.fill('{"note": "edited"}')
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("h1")).to_have_count(1)
    assert acting.serious_findings() == ""


def test_errors_of_actions_are_shown(acting: WatchedPage) -> None:
    """What the API refuses is said on the page, and stays until it is closed."""
    page = acting.open(f"/executions/{FAILED}")
    acting.expected_status = 403
    page.evaluate("document.querySelector('meta[name=pupline-token]').content = 'stale'")
    page.locator("#head").get_by_role("button", name="Run again", exact=True).click()
    if page.locator("#confirm-dialog").is_visible():
        page.locator("#confirm-dialog [data-confirm-button]").click()
    expect(page.get_by_role("alert")).to_contain_text("Reload the page")


def test_keyboard_reaches_everything(watch: WatchedPage) -> None:
    """Rows by j and k, pick by x, open by Enter, up by Esc, search by a slash, help by a question mark, pages by g."""
    page = watch.open("/executions")
    press(page, "j", "j", "x")
    rows = page.locator("tr[data-row]")
    expect(rows.nth(1)).to_have_class("is-current")
    expect(rows.nth(1).locator("input[data-pick]")).to_be_checked()
    expect(page.locator("[data-bulk-bar]")).to_be_visible()
    name = rows.nth(1).get_attribute("data-row")
    press(page, "k", "j", "Enter")
    page.wait_for_url(f"**/executions/{name}")
    press(page, "Escape")
    page.wait_for_url("**/executions")
    press(page, "/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("hostile")
    press(page, "Escape", "?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#keys-dialog")).to_be_hidden()
    press(page, "g", "l")
    page.wait_for_url("**/alerts")


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)


def test_first_step_fetches_the_sample(browser: Browser, tmp_path: Path) -> None:
    """In an empty directory one button starts the first run, and the overview fills while one looks."""
    with served(tmp_path / "data") as origin, watched(browser, origin) as empty:
        page = empty.open("/")
        page.get_by_role("button", name="Fetch 12 sample pictures").click()
        expect(page.locator("#toasts")).to_contain_text("Show the job")
        expect(page.locator(".tile", has_text="Succeeded")).to_contain_text("12", timeout=40_000)
        expect(page.locator(".film img").first).to_be_visible()


def test_theme_and_times_are_remembered(watch: WatchedPage) -> None:
    """The chosen theme and form of times hold on the next page, from the first paint on."""
    page = watch.open("/executions")
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.get_by_role("button", name="UTC").click()
    expect(page.locator("tbody time").first).to_contain_text("UTC")
    page = watch.open("/alerts")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("tbody time").first).to_contain_text("UTC")


def test_filters_are_in_the_address(watch: WatchedPage) -> None:
    """A choice applies at once, and fields that are empty stay out of the address."""
    page = watch.open("/executions")
    page.get_by_label("Order").select_option("failed")
    page.wait_for_url("**/executions?order=failed")
    page.locator("[data-search]").fill("sample")
    press(page, "Enter")
    page.wait_for_url("**/executions?*q=sample*")
    assert "since=" not in page.url


def test_gallery_is_filtered_and_walked_through(watch: WatchedPage) -> None:
    """A menu shows values with their numbers; a choice leaves only its images; arrow keys walk through them."""
    page = watch.open("/gallery")
    page.locator("summary", has_text="Type").click()
    choice = page.locator(".facet-values a", has_text="png").first
    count = int(choice.locator(".number").inner_text())
    choice.click()
    page.wait_for_url("**/gallery?*type=png*")
    shots = page.locator(".shot")
    expect(shots).to_have_count(count)
    assert all("PNG" in text for text in shots.all_inner_texts())
    press(page, "j", "ArrowRight")
    expect(shots.nth(1).locator("a[href]").first).to_be_focused()


def test_menu_of_a_phone(watch: WatchedPage) -> None:
    """The navigation opens by a button that says whether it is open."""
    watch.show("dark", PHONE)
    page = watch.open("/")
    link = page.locator(".nav").get_by_role("link", name="Gallery")
    expect(link).to_be_hidden()
    button = page.get_by_role("button", name="Menu")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    link.click()
    page.wait_for_url("**/gallery")
