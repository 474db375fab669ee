"""Names and texts from hostile sources are shown as text, wherever they appear, and change nothing else on the page."""

import pytest
from playwright.sync_api import Dialog, expect

from tests.shared.browsing import PHONE, WatchedPage, needs_chromium
from tests.shared.console_world import HOSTILE_NAME_RUN

pytestmark = needs_chromium

STORED, FAILED = f"{HOSTILE_NAME_RUN}-1-00001", f"{HOSTILE_NAME_RUN}-2-00001"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/executions?run={HOSTILE_NAME_RUN}-1&run={HOSTILE_NAME_RUN}-2",
        f"/executions/{STORED}",
        f"/executions/{FAILED}?tab=events",
        f"/audit?run={HOSTILE_NAME_RUN}-1",
        "/alerts",
        "/gallery",
        "/insights",
    ],
)
def test_hostile_texts_are_text(watch: WatchedPage, path: str) -> None:
    """No element comes from them, no dialogue opens, and the page does not become wider."""
    opened: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    watch.page.on("dialog", dismiss)
    page = watch.open(path)
    assert page.locator("img[src='x'], img[onerror]").count() == 0
    text = page.locator("body").inner_text()
    assert "\u202e" not in text, "an override of the direction of text is shown as it is"
    watch.show("light", PHONE)
    assert watch.overflow() <= 0
    assert opened == []


def test_search_for_markup_is_text(watch: WatchedPage) -> None:
    """What is searched for comes back as text, also in the filters above the list."""
    page = watch.open("/executions?q=%3Cscript%3Ealert(1)%3C/script%3E%22%20onfocus=alert(1)%20autofocus%20x=%22")
    expect(page.locator("[data-search]")).to_have_value('<script>alert(1)</script>" onfocus=alert(1) autofocus x="')
    assert page.locator("main script").count() == 0
