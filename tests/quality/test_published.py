"""What a pass tells: the suggested keeper, the contact sheet."""

from pathlib import Path
from typing import Any

import pytest

from pupline.errors import ConfigurationError
from pupline.local import Decision
from pupline.quality._contact_sheet import MAX_GROUPS, MAX_MEMBERS, ContactSheet, write_contact_sheet
from pupline.quality._dataset import DatasetImage
from pupline.quality._keepers import Candidate, suggested_keeper


def _image(name: str, size_bytes: int = 1000, *, is_verified: bool = False, arrived: int = 0) -> DatasetImage:
    return DatasetImage(
        sha256=name * 64,
        key=f"html/{name}",
        image_name=name,
        url=name,
        file_type="jpg",
        size_bytes=size_bytes,
        is_verified=is_verified,
        arrived=("2026-11-22T17:00:00.000Z", "r", arrived),
    )


_VERIFIED = _image("b", is_verified=True, arrived=1)


def _candidate(image: DatasetImage, width: int = 100, decision: Decision | None = None) -> Candidate:
    return Candidate(image, width, 100, decision)


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (_candidate(_image("a"), 200), _candidate(_image("b", 9000)), "largest: 200 x 100, the next 100 x 100"),
        (
            _candidate(_image("a", 9000)),
            _candidate(_image("b", is_verified=True)),
            "same size, most bytes: 9,000 bytes",
        ),
        (
            _candidate(_image("a", is_verified=True, arrived=1)),
            _candidate(_image("b")),
            "same size, its hash is verified",
        ),
        (_candidate(_image("b")), _candidate(_image("a", arrived=1)), "same size, came first"),
        (_candidate(_image("a"), 100, "keep"), _candidate(_image("b"), 200), "chosen"),
        (_candidate(_image("a")), _candidate(_image("b"), 200, "drop"), "the others were dropped"),
    ],
)
def test_the_keeper_is_the_best_and_the_reason_its_first_advantage(
    better: Candidate, worse: Candidate, reason: str
) -> None:
    """Whatever the order of the members."""
    assert suggested_keeper([better, worse]) == (better, reason)
    assert suggested_keeper([worse, better]) == (better, reason)


def _line(name: str, group: str | None, **given: Any) -> dict[str, Any]:
    plain = {
        "sha256": name,
        "image_name": name,
        "group": group,
        "group_distance": 0,
        "keeper_reason": None,
        "review": None,
        "width": 10,
        "height": 10,
        "size_bytes": 10,
        **dict.fromkeys(("blur", "darkness", "single_colour"), 0.5),
    }
    return plain | given


def test_the_page_is_escaped_and_bounded(tmp_path: Path) -> None:
    """Names from outside are text; so many groups and pictures are shown, and the page says of how many."""
    sheet = ContactSheet()
    for number in range(150):
        for member in range(20 if number == 7 else 2):
            name = f"<script>alert({number})</script>\x1b{member}"
            sheet.add(_line(name, f"{number:03}", keeper_reason=None if member else "largest"))
    pictures = dict.fromkeys(sheet.shown(), 'AAAA" onerror="x')
    page = tmp_path / "sheet.html"
    write_contact_sheet(page, sheet, "dogs & <cats>", pictures)
    text = page.read_text()
    assert "<script" not in text
    assert "\x1b" not in text
    assert 'onerror="' not in text
    assert "default-src 'none'" in text
    assert f"{MAX_GROUPS} of 150 groups" in text
    beside_each_other = text.partition('<div class="groups">')[2].partition("</div>")[0]
    assert beside_each_other.count("<section>") == MAX_GROUPS
    assert "<h3>20 images</h3>" in text
    assert text.count("<li") == (MAX_GROUPS - 1) * 2 + MAX_MEMBERS + 3 * 24
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.html"]


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """The path and the reason."""
    with pytest.raises(ConfigurationError, match=r"--contact-sheet .*none/sheet.html cannot be written: No such file"):
        write_contact_sheet(tmp_path / "none" / "sheet.html", ContactSheet(), "dogs", {})
