"""The gallery in a browser: as long as all its images with few elements, by keyboard, with the record beside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pupline.local import LocalBackend
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp
from tests.shared.browsing import WatchedPage, needs_chromium, served, watched

pytestmark = needs_chromium

MANY = 5000
_NAMES = "[...document.querySelectorAll('#shots .shot-name')].map((one) => one.textContent)"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a console over five thousand records of five days."""
    folder: Path = tmp_path_factory.mktemp("many")
    with LocalBackend.open(folder, exclusive=True, create=True) as backend:
        backend.audit.put_many([_record(number) for number in range(MANY)])
    with served(folder) as found:
        yield found


def _record(number: int) -> AuditRecord:
    return AuditRecord(
        image_name=f"dog-{number}.jpg",
        upload_timestamp=timestamp(1_790_000_000 + number * 86.4),
        alert_triggered=False,
        outcome="failed",
        reason="not_found",
        execution=f"many-{number:08}",
    )


def test_the_scroll_bar_has_the_length_of_all_images(browser: Browser, many: str) -> None:
    """Anywhere in it the right images come, in order, and there are never many elements."""
    with watched(browser, many) as watch:
        page = watch.open("/gallery")
        expect(page.get_by_text("dog-4999.jpg")).to_be_visible()
        columns = len({round(one.bounding_box()["x"]) for one in page.locator("#shots > li").all()[:8]})  # type: ignore[index]
        height = page.evaluate("document.getElementById('shots').offsetHeight")
        assert height / (MANY / columns) > 150
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
        expect(page.locator("#shots .is-waiting")).to_have_count(0)
        names = page.evaluate(_NAMES)
        numbers = [int(name[4:-4]) for name in names]
        assert numbers == sorted(numbers, reverse=True)
        assert 1500 < numbers[0] < 3500
        assert len(names) < 120
        expect(page.locator("#scrubber button[aria-current]")).to_have_count(1)
        page.locator("#scrubber button").last.click()
        expect(page.locator("#gallery-place")).to_contain_text("2026-09")
        page.keyboard.press("End")
        expect(page.locator(".shot.is-current")).to_contain_text("dog-0.jpg")
        assert len(page.evaluate(_NAMES)) < 120
        page.keyboard.press("ArrowUp")
        expect(page.locator(".shot.is-current")).to_contain_text(f"dog-{columns}.jpg")


def test_the_keyboard_opens_the_record_beside_its_image(watch: WatchedPage) -> None:
    """`j` and arrows move, Enter opens, moving on shows the next record, Esc closes and leaves the place."""
    page = watch.open("/gallery?outcome=stored")
    page.keyboard.press("j")
    page.keyboard.press("j")
    current = page.locator(".shot.is-current .shot-name")
    expect(current).not_to_be_empty()
    second = current.inner_text()
    page.keyboard.press("Enter")
    side = page.get_by_role("complementary", name="Image")
    expect(side.get_by_role("heading", name=second)).to_be_visible()
    expect(side.get_by_text("SHA-256")).to_be_visible()
    page.keyboard.press("k")
    expect(side.get_by_role("heading", name=current.inner_text())).to_be_visible()
    assert current.inner_text() != second
    assert not watch.serious_findings()
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    assert page.evaluate("document.activeElement.closest('.shot') !== null")


def test_a_filter_is_chosen_from_its_menu(watch: WatchedPage) -> None:
    """It is in the URL, and shows as many images as it said."""
    page = watch.open("/gallery")
    page.locator("summary", has_text="Type").click()
    link = page.locator(".facet-values a:visible", has_text="png").first
    number = int(link.locator(".number").inner_text())
    link.click()
    page.wait_for_url("**/gallery?type=png")
    expect(page.locator("#gallery-count")).to_contain_text(str(number))
    expect(page.locator("#shots > li")).to_have_count(number)


def test_what_is_not_an_image_is_never_fetched(watch: WatchedPage) -> None:
    """Neither by the grid nor by the page of a quarantined file."""
    asked: list[str] = []
    watch.page.on("request", lambda request: asked.append(request.url))
    page = watch.open("/gallery?outcome=quarantined&outcome=refused&outcome=failed")
    expect(page.locator("#shots .shot-name").first).to_be_visible()
    page.locator(".shot-link").first.click()
    expect(page.get_by_role("complementary", name="Image").get_by_text("Type found")).to_be_visible()
    assert not [url for url in asked if "/thumbnails/" in url or "/objects/" in url]


def test_without_script_pages_have_numbers(browser: Browser, many: str) -> None:
    """And every image is on one of them."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{many}/gallery?page=84")
    assert page.locator("#shots > li").count() == MANY % 60
    page.get_by_role("link", name="Previous").click()
    assert page.locator("#shots > li").count() == 60
    context.close()
