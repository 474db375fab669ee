"""A source listed into a manifest: each image once, retried politely, telling no secret."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.backends._manifest import ManifestLimits, manifest_line, write_manifest
from pupline.bulk import IngestRequest, ItemsListed, ListingNote
from pupline.errors import (
    ConfigurationError,
    ConnectionFailed,
    LongRetryAfter,
    NotFound,
    PuplineError,
    RetryAfter,
    ServerError,
    SourceError,
    TaskFailure,
    UnreadableAnswer,
)
from pupline.http import HttpClient, Response
from pupline.sources import ColumnUse, ImageSource, Listing, Opening, Page, PageRequest, Pages
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import LeftOut

NO_LIMITS = ManifestLimits()
API = "https://api.example/page/"
SECRET = "s3cret"  # noqa: S105  what must not be seen


@dataclass
class Numbered:
    """A listing of numbered pages. Pages that are independent can be left out."""

    pages: list[list[SourceItem]]
    independent: bool = False
    closed: bool = False
    number: int = 0
    total: int | None = None
    shortfall: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    columns: tuple[ColumnUse, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """All pages were read or left out."""
        return self.number >= len(self.pages)

    def request(self) -> PageRequest | None:
        """The next page."""
        return PageRequest(f"{API}{self.number}?key={SECRET}", secrets=(SECRET,))

    def read(self, body: bytes | None, headers: Mapping[str, str]) -> Page:
        """Its items."""
        assert (body, headers) == (b"page", {"x": "y"})
        self.number += 1
        return Page(self.pages[self.number - 1], self.notes)

    def skip(self, failure: TaskFailure) -> str | None:
        """A note, where pages are independent."""
        if not self.independent:
            return None
        self.number += 1
        return f"left out: {failure.message}"

    def position(self) -> str:
        """Not asked for here."""
        return "{}"

    def close(self) -> None:
        """Note it."""
        self.closed = True


@dataclass
class Api:
    """Answers with `page`; failures come first, by the page's number."""

    failures: dict[int, list[TaskFailure]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def get(self, url: str, **_: Any) -> Response:
        """As the client."""
        number = int(url.removeprefix(API).partition("?")[0])
        self.asked.append(number)
        if self.failures.get(number):
            raise self.failures[number].pop(0)
        return Response(url, 200, {"x": "y"}, b"page", "application/json")


class Desk:
    """Lists into a file."""

    def __init__(self, listing: Numbered, api: Api | None = None) -> None:
        self.listing = listing
        self.api = api or Api()
        self.slept: list[float] = []
        self.trouble: str | None = None
        self.told: list[ItemsListed | ListingNote] = []

    def list(
        self, path: Path, count: int | None = None, limits: ManifestLimits = NO_LIMITS
    ) -> tuple[list[dict[str, Any]], int]:
        """The lines written, and how many items were repeated."""

        def opener(_: Opening) -> Listing:
            return self.listing

        source = ImageSource(name="kennel", dataset="dogs", opener=opener)
        client, chance = cast(HttpClient, self.api), random.Random(1)
        pages = Pages(client=client, interval=0.5, sleep=self.slept.append, chance=chance)
        request = IngestRequest(source="x", count=count)
        written = write_manifest(path, source, request, pages, self.told.append, limits)
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
        assert len(lines) == written.items
        self.trouble = written.trouble
        return lines, written.repeated


def page(*numbers: int) -> list[SourceItem]:
    """Items with these numbers."""
    return [SourceItem(url=f"https://images.example/{number}.jpg", id=str(number)) for number in numbers]


def test_each_image_is_listed_once(tmp_path: Path) -> None:
    """Numbered from 0, with what the source tells; repeated ones are counted."""
    desk = Desk(Numbered([page(1, 2, 2), page(2, 3), page()]))
    lines, repeated = desk.list(tmp_path / "m")
    assert [(line["index"], line["id"]) for line in lines] == [(0, "1"), (1, "2"), (2, "3")]
    assert repeated == 2
    assert desk.told[-1] == ItemsListed(3, None, complete=True)
    assert desk.listing.closed


def test_the_listing_ends_with_the_count(tmp_path: Path) -> None:
    """Pages beyond it are not asked for."""
    desk = Desk(Numbered([page(1, 2), page(3, 4), page(5)]))
    assert len(desk.list(tmp_path / "m", count=3)[0]) == 3
    assert desk.api.asked == [0, 1]


def test_pages_are_asked_for_in_the_sources_time(tmp_path: Path) -> None:
    """The interval before each; a Retry-After is obeyed; what may pass is tried again, each time a little later."""
    desk = Desk(Numbered([page(1), page(2)]), Api({0: [RetryAfter("busy", 7)], 1: [ServerError("500")] * 3}))
    assert len(desk.list(tmp_path / "m")[0]) == 2
    assert desk.api.asked == [0, 0, 1, 1, 1, 1]
    assert desk.slept[:3] == [0.5, 7.0, 0.5]
    assert all(0 <= pause <= 2.0**attempt for attempt, pause in enumerate(desk.slept[3:], 1))


def test_an_outage_of_seconds_is_waited_out(tmp_path: Path) -> None:
    """However the dice fall: of the first page some, of a later one many more."""
    gone: list[TaskFailure] = [ConnectionFailed("refused")]
    desk = Desk(Numbered([page(1), page(2)]), Api({0: gone * 3, 1: gone * 7}))
    assert len(desk.list(tmp_path / "m")[0]) == 2
    first, later = desk.slept[1:4], desk.slept[5:]
    assert [len(first), len(later)] == [3, 7]
    assert sum(first) >= 3.5
    assert sum(later) >= 45
    for failures in ({0: gone * 4}, {1: gone * 8}):
        desk = Desk(Numbered([page(1), page(2)]), Api(failures))
        with pytest.raises(PuplineError, match="refused; no image was requested yet, repeat the command"):
            desk.list(tmp_path / "m")


def test_an_api_that_wants_an_hour_is_not_asked_meanwhile(tmp_path: Path) -> None:
    """The manifest is made another time."""
    away = LongRetryAfter("busy for an hour", 3600)
    desk = Desk(Numbered([page(1)]), Api({0: [away]}))
    with pytest.raises(PuplineError, match=r"busy for an hour.* repeat the command"):
        desk.list(tmp_path / "m")
    assert desk.api.asked == [0]


def test_a_listing_that_will_never_be_whole_is_kept_with_its_trouble(tmp_path: Path) -> None:
    """What was listed before is worth fetching."""
    desk = Desk(Numbered([page(1, 2), page(3)]), Api({1: [SourceError("another shape")]}))
    assert len(desk.list(tmp_path / "m")[0]) == 2
    assert desk.trouble == "another shape"
    desk = Desk(Numbered([page(1, 2)], shortfall="there are 9"))
    desk.list(tmp_path / "m")
    assert desk.trouble == "there are 9"
    desk = Desk(Numbered([page(1, 2)], shortfall="there are 9"))
    desk.list(tmp_path / "m", count=2)
    assert desk.trouble is None


def test_a_page_that_can_be_missed_is_left_out_with_a_note(tmp_path: Path) -> None:
    """And the note tells no secret."""
    api = Api({1: [NotFound(f"{API}1?key={SECRET}: 404")]})
    desk = Desk(Numbered([page(1), page(2), page(3)], independent=True), api)
    assert [line["id"] for line in desk.list(tmp_path / "m")[0]] == ["1", "3"]
    (note,) = (event for event in desk.told if isinstance(event, ListingNote))
    assert note.text == f"left out: {API}1?key=***: 404"


@pytest.mark.parametrize("failure", [NotFound(f"{API}0?key={SECRET}: 404"), SourceError(f"no list for {SECRET}")])
def test_a_listing_that_cannot_go_on_stops_everything(tmp_path: Path, failure: TaskFailure) -> None:
    """The error says where, that nothing was fetched, and no secret."""
    desk = Desk(Numbered([page(1)]), Api({0: [failure]}))
    with pytest.raises(PuplineError, match=r"the listing of kennel stopped: .*no image was requested yet") as caught:
        desk.list(tmp_path / "m")
    assert SECRET not in str(caught.value)
    assert desk.listing.closed


@given(st.text(), st.one_of(st.none(), st.text()), st.lists(st.text(), max_size=3))
def test_a_line_gives_the_item_back(url: str, title: str | None, labels: list[str]) -> None:
    """Whatever is in it, on one line of ASCII."""
    item = SourceItem(url=url, title=title, labels=tuple(labels))
    line = manifest_line(7, item)
    assert line.isascii()
    assert line.count("\n") == 1
    found = json.loads(line)
    assert (found.pop("index"), SourceItem.from_dict(found)) == (7, item)


def test_a_page_that_is_not_json_is_asked_for_four_times(tmp_path: Path) -> None:
    """In a few seconds: either it was one bad answer, or all will be like it."""
    cut: list[TaskFailure] = [UnreadableAnswer("cut")]
    desk = Desk(Numbered([page(1), page(2)]), Api({1: cut * 3}))
    assert len(desk.list(tmp_path / "m")[0]) == 2
    assert sum(desk.slept) < 8
    desk = Desk(Numbered([page(1), page(2)]), Api({1: cut * 4}))
    desk.list(tmp_path / "m")
    assert desk.trouble == "cut"


def test_what_one_run_can_hold_is_listed(tmp_path: Path) -> None:
    """To the last image and the last byte; what the source has beyond the wanted count is not in the way."""
    size = len("".join(manifest_line(number, item) for number, item in enumerate(page(1, 2, 3))))
    desk = Desk(Numbered([page(1, 2), page(3)], total=3))
    assert len(desk.list(tmp_path / "m", limits=ManifestLimits(3, size))[0]) == 3
    desk = Desk(Numbered([page(1, 2), page(3, 4)], total=4))
    assert len(desk.list(tmp_path / "m", 3, ManifestLimits(3, size))[0]) == 3


@pytest.mark.parametrize(
    ("total", "limits", "asked", "message"),
    [
        (None, ManifestLimits(images=2), 2, "the list: 3 images are more than the 2 that one run"),
        (900, ManifestLimits(images=800), 1, "what the source announces: 900 images are more than the 800 that"),
        (None, ManifestLimits(size_bytes=100), 1, "the list: 2 images fill the 1e-07 GB that the manifest of one run"),
    ],
)
def test_what_is_too_large_for_one_run_is_refused_as_soon_as_that_is_known(
    tmp_path: Path, total: int | None, limits: ManifestLimits, asked: int, message: str
) -> None:
    """In one line with the next step; nothing was fetched, and no run is left."""
    desk = Desk(Numbered([page(1, 2), page(3), page(4)], total=total))
    with pytest.raises(ConfigurationError) as found:
        desk.list(tmp_path / "m", limits=limits)
    assert str(found.value).startswith(message)
    assert str(found.value).endswith("; ingest the list in parts, each a run of its own, with examples/scale/parts.sh")
    assert len(desk.api.asked) == asked
