"""`ingest` with real workers against a small site: which run a command means, what is asked for, what comes of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import new
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk import (
    IngestReport,
    IngestRequest,
    IngestStarted,
    ItemsDone,
    ListingNote,
    MetadataWritten,
    ingest,
    preview,
)
from pupline.errors import ConfigurationError
from pupline.images import MAX_PIXELS
from pupline.local import LocalBackend
from pupline.samples._pictures import pictures
from pupline.tasks.layout import summary_key
from pupline.tasks.records import AuditRecord
from tests.shared.item_rows import stored_rows
from tests.shared.tiny_web import Said, Site, serving

pytestmark = pytest.mark.slow

JPEGS = sorted(body for path, body in pictures().items() if body[:2] == b"\xff\xd8")
PNG = next(body for body in pictures().values() if body[:4] == b"\x89PNG")


def digest(algorithm: str, picture: int = 0) -> str:
    """Of a picture, in hex."""
    return new(algorithm, JPEGS[picture]).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with nothing on it."""
    with serving(Site({})) as served:
        yield served


class Place:
    """A data directory and a list of URLs of one site."""

    def __init__(self, tmp_path: Path, site: Site) -> None:
        self.data = tmp_path / "data"
        self.list = tmp_path / "dogs.jsonl"
        self.site = site
        self.events: list[Any] = []

    def serve(self, **pages: bytes | Said | Callable[[Mapping[str, str]], Said]) -> None:
        """Have the site serve these, `rex` at /rex.jpg, and the list name them."""
        for name, page in pages.items():
            self.site.pages[f"/{name}.jpg"] = Said(page) if isinstance(page, bytes) else page
        self.name(*({"url": self.url(name)} for name in pages))

    def name(self, *items: dict[str, Any]) -> None:
        """Have the list name these."""
        self.list.write_text("".join(f"{json.dumps(item)}\n" for item in items))

    def url(self, name: str) -> str:
        """Where the site has it."""
        return f"{self.site.origin}/{name}.jpg"

    def ingest(self, **options: Any) -> IngestReport:
        """Ingest the list, or what the options say."""
        self.site.asked.clear()
        options.setdefault("source", str(self.list))
        request = IngestRequest(allow_origins=(self.site.origin,), concurrency=4, workers=1, **options)
        return ingest(self.data, request, self.events.append)

    def summary(self, report: IngestReport) -> dict[str, Any]:
        """The run's summary.json."""
        key = summary_key(report.dataset, report.run_id)
        found: dict[str, Any] = json.loads((self.data / "buckets" / "dog-images" / key).read_bytes())
        return found

    @property
    def images_asked(self) -> list[str]:
        """Image requests since the last ingest began, by name, in alphabetical order."""
        return sorted(path[1:].removesuffix(".jpg") for path in self.site.asked if path.endswith(".jpg"))

    def records(self, run: str) -> dict[str, AuditRecord]:
        """The run's records by name in the URL."""
        with LocalBackend.open(self.data, exclusive=False) as backend:
            found = [record for record in backend.audit.records() if record.execution.startswith(f"{run}-")]
        by_name = {str(record.source_url).rpartition("/")[2].removesuffix(".jpg"): record for record in found}
        assert len(by_name) == len(found)
        return by_name


@pytest.fixture
def place(tmp_path: Path, site: Site) -> Place:
    """A fresh directory beside the site."""
    return Place(tmp_path, site)


def test_outcomes_of_one_run(place: Place) -> None:
    """Sound, repeated, damaged, gone, unwanted, disallowed: each ends as what it is, with its reason."""
    place.serve(
        rex=JPEGS[0],
        twin=JPEGS[0],
        cut=JPEGS[1][: len(JPEGS[1]) // 2],
        page=b"<!DOCTYPE html><title>no dog</title>",
        gone=Said(status=404),
        shy=Said(JPEGS[2], headers={"X-Robots-Tag": "noai"}),
        hidden=JPEGS[3],
        disguised=PNG,
    )
    place.site.pages["/robots.txt"] = Said(b"User-agent: *\nDisallow: /hidden")
    report = place.ingest()
    told = {name: (record.outcome, record.reason) for name, record in place.records(report.run_id).items()}
    pair = [told.pop("rex"), told.pop("twin")]
    assert sorted(pair) == [("duplicate", "same_content"), ("stored", "accepted")]
    assert told == {
        "cut": ("quarantined", "damaged_image"),
        "page": ("quarantined", "not_an_image"),
        "gone": ("failed", "not_found"),
        "shy": ("refused", "robots_disallowed"),
        "hidden": ("refused", "robots_disallowed"),
        "disguised": ("stored", "accepted"),
    }
    assert "hidden" not in place.images_asked
    assert (report.status, report.failed, report.counts.done) == ("SUCCEEDED", 3, 8)
    assert place.site.asked[0] == "/robots.txt"
    assert not list((place.data / "tmp").iterdir())


def test_more_pixels_than_allowed_are_quarantined(place: Place) -> None:
    """The limit of pixels is the user's to set, and a run that goes on may be given another one."""
    place.serve(large=JPEGS[0])
    assert place.ingest(max_pixels=10).counts.reasons == {"too_many_pixels": 1}
    with pytest.raises(ConfigurationError, match="--max-pixels 0: give a number of at least 1"):
        place.ingest(max_pixels=0)
    old = {name: value for name, value in IngestRequest(source="x").as_json().items() if name != "max_pixels"}
    assert IngestRequest.from_json(old).max_pixels == MAX_PIXELS


def test_a_large_robots_txt_costs_its_host_nothing(place: Place) -> None:
    """What its beginning disallows is left alone, and the rest is fetched (RFC 9309, 2.5)."""
    place.serve(rex=JPEGS[0], hidden=JPEGS[1])
    place.site.pages["/robots.txt"] = Said(b"User-agent: *\nDisallow: /hidden\n" + b"#" * 3_000_000, status=203)
    assert place.ingest().counts.reasons == {"accepted": 1, "robots_disallowed": 1}


def test_robots_are_passed_over_when_told_so(place: Place) -> None:
    """Without heed_robots neither robots.txt is asked for nor X-Robots-Tag looked at."""
    place.serve(shy=Said(JPEGS[0], headers={"X-Robots-Tag": "noimageai"}))
    assert place.ingest(heed_robots=False).counts.outcomes == {"stored": 1}
    assert place.site.asked == ["/shy.jpg"]


def test_what_is_told_is_stored(place: Place) -> None:
    """Every item is told of once, and its object is there at that moment."""
    place.serve(**{f"dog{number}": body for number, body in enumerate(JPEGS)})
    seen: list[int] = []

    def hear(event: Any) -> None:
        if isinstance(event, ItemsDone):
            for item in event.items:
                assert (place.data / "buckets" / "dog-images" / "html" / str(item.record.image_name)).is_file()
                seen.append(item.index)

    request = IngestRequest(source=str(place.list), allow_origins=(place.site.origin,), concurrency=4)
    report = ingest(place.data, request, hear)
    assert sorted(seen) == list(range(len(JPEGS)))
    assert report.began_done == 0
    assert report.cpu_seconds > 0


def test_the_end_is_told_of_too(place: Place) -> None:
    """After the last item, how many of them metadata and manifest hold."""
    place.serve(**{f"dog{number}": body for number, body in enumerate(JPEGS)})
    place.ingest()
    written = [event.items for event in place.events if isinstance(event, MetadataWritten)]
    assert written == [len(JPEGS)]
    assert isinstance(place.events[-1], MetadataWritten)


def test_declared_hashes_are_checked(place: Place) -> None:
    """Bytes with other hashes than the source declared are kept in quarantine; right ones are stored."""
    place.serve(rex=JPEGS[0], changed=JPEGS[1])
    place.name(
        {"url": place.url("rex"), "sha256": digest("sha256"), "sha1": digest("sha1"), "md5": digest("md5")},
        {"url": place.url("changed"), "md5": digest("md5")},
        {"url": place.url("gone"), "sha256": digest("sha256", 2)},
    )
    report = place.ingest()
    records = place.records(report.run_id)
    assert {name: (one.outcome, one.reason) for name, one in records.items()} == {
        "rex": ("stored", "accepted"),
        "changed": ("quarantined", "hash_mismatch"),
        "gone": ("failed", "not_found"),
    }
    assert report.counts.verification == {"verified": 1, "changed": 1, "gone": 1}
    with LocalBackend.open(place.data, exclusive=False) as backend:
        rows = {row.item.url: row for row in stored_rows(backend, report.run_id)}
        changed = rows[place.url("changed")]
        assert backend.bucket().read(str(changed.key)) == JPEGS[1]
    assert (changed.verification, changed.md5) == ("changed", digest("md5", 1))


def test_metadata_rebuilds_the_dataset_elsewhere(place: Place, tmp_path: Path) -> None:
    """Ingested in another data directory, each image has to be what it was; other columns come along."""
    place.serve(rex=JPEGS[0], fido=JPEGS[1])
    place.name(*({"url": place.url(name), "TEXT": name, "score": 0.5} for name in ("rex", "fido")))
    first = place.ingest()
    (part,) = (place.data / "buckets/dog-images/datasets/dogs/metadata/jsonl").rglob("*.jsonl")
    place.site.pages["/fido.jpg"] = Said(JPEGS[2])
    there = Place(tmp_path / "there", place.site)
    second = there.ingest(source=str(part), dataset="dogs")
    assert second.counts.verification == {"verified": 1, "changed": 1}
    rows = []
    for one, report in ((place, first), (there, second)):
        with LocalBackend.open(one.data, exclusive=False) as backend:
            rows.append(stored_rows(backend, report.run_id))
    assert [[(row.item.caption, row.item.extra) for row in found] for found in rows] == [
        [("rex", {"score": 0.5}), ("fido", {"score": 0.5})]
    ] * 2
    assert [row.item.sha256 for row in rows[1]] == [row.record.sha256 for row in rows[0]]


def test_a_verified_image_is_not_requested_again(place: Place) -> None:
    """Nothing but what changed is requested when the list is ingested again, and all of it without validators."""
    place.serve(rex=JPEGS[0], changed=JPEGS[1])
    place.name(
        {"url": place.url("rex"), "md5": digest("md5")}, {"url": place.url("changed"), "sha256": digest("sha256", 2)}
    )
    place.ingest()
    assert place.images_asked == ["changed", "rex"]
    report = place.ingest()
    assert report.counts.verification == {"verified": 1, "changed": 1}
    assert place.images_asked == ["changed"]


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_what_is_here_by_its_declared_hash_is_not_fetched(place: Place, algorithm: str) -> None:
    """Another URL with the declared hash of an object in the bucket is a duplicate without a request."""
    declared = digest(algorithm)
    place.serve(rex=JPEGS[0])
    place.name({"url": place.url("rex"), algorithm: declared})
    place.ingest()
    place.name({"url": place.url("elsewhere"), algorithm: declared})
    record = place.records(place.ingest().run_id)["elsewhere"]
    assert (record.outcome, record.image_name) == ("duplicate", "dogs/rex.jpg")
    assert place.images_asked == []


def test_all_declared_hashes_have_to_hold_also_without_a_request(place: Place) -> None:
    """An object with one of them is fetched and compared; with all of them it is not."""
    place.serve(rex=JPEGS[0], fido=JPEGS[1])
    right = {name: digest(name) for name in ("sha256", "sha1", "md5")}
    contradicting = {"sha256": digest("sha256", 1), "md5": digest("md5", 2)}
    place.name({"url": place.url("rex"), **right}, {"url": place.url("fido"), "sha256": digest("sha256", 1)})
    place.ingest()
    assert place.images_asked == ["fido", "rex"]
    place.name({"url": place.url("rex"), **right}, {"url": place.url("fido"), **contradicting})
    assert place.ingest().counts.verification == {"verified": 1, "changed": 1}
    assert place.images_asked == ["fido"]


def test_a_second_run_sends_validators(place: Place) -> None:
    """Run again after success, the same command begins a new run, and what the server has not changed is not sent."""
    seen: list[str | None] = []

    def page(headers: Mapping[str, str]) -> Said:
        seen.append(headers.get("If-None-Match"))
        return Said(status=304) if seen[-1] == '"one"' else Said(JPEGS[0], headers={"ETag": '"one"'})

    place.serve(rex=page)
    first, second = place.ingest(), place.ingest()
    assert seen == [None, '"one"']
    assert first.run_id != second.run_id
    assert place.records(second.run_id)["rex"].reason == "not_modified"


def test_an_interrupted_run_goes_on_with_the_same_command(place: Place) -> None:
    """A listener that gives up ends the run cleanly; the same command goes on, and no image is had twice."""
    place.serve(**{f"dog{number}": JPEGS[number % len(JPEGS)] + bytes([number]) for number in range(40)})

    def give_up(event: Any) -> None:
        if isinstance(event, ItemsDone):
            raise KeyError("enough")

    request = IngestRequest(source=str(place.list), allow_origins=(place.site.origin,), concurrency=4, workers=1)
    with pytest.raises(KeyError, match="enough"):
        ingest(place.data, request, give_up)
    report = place.ingest()
    (began,) = [event for event in place.events if isinstance(event, IngestStarted)]
    assert began.resumed
    assert began.done == report.began_done > 0
    assert (dict(began.before), began.ended) == ({"stored": began.done}, False)
    assert len(place.images_asked) == 40 - began.done
    assert len(place.records(report.run_id)) == 40


def test_another_command_begins_another_run(place: Place) -> None:
    """An unfinished run is gone on with only by the command that asks for the same images."""
    place.serve(rex=JPEGS[0])
    with LocalBackend.open(place.data, exclusive=True):
        pass
    place.events.clear()
    request = IngestRequest(source=str(place.list), allow_origins=(place.site.origin,), count=7)

    def give_up(_: Any) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError):
        ingest(place.data, request, give_up)
    place.ingest()
    place.ingest(count=7)
    assert [event.resumed for event in place.events if isinstance(event, IngestStarted)] == [False, True]


def test_resume_needs_neither_source_nor_origins(place: Place) -> None:
    """`resume` alone goes on with what is unfinished, as it was begun."""
    place.serve(rex=JPEGS[0])

    def give_up(_: Any) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError):
        ingest(place.data, IngestRequest(source=str(place.list), allow_origins=(place.site.origin,)), give_up)
    report = ingest(place.data, IngestRequest(resume=True), place.events.append)
    assert report.counts.outcomes == {"stored": 1}
    with pytest.raises(ConfigurationError, match="no ingest is unfinished here"):
        ingest(place.data, IngestRequest(resume=True), place.events.append)


def test_only_what_failed_is_fetched_again(place: Place) -> None:
    """retry_failed makes a run of the failed items of another one, refused ones left out, and asks for no other."""
    place.serve(rex=JPEGS[0], late=Said(status=404), shy=Said(JPEGS[2], headers={"X-Robots-Tag": "noai"}))
    first = place.ingest()
    place.site.pages["/late.jpg"] = Said(JPEGS[1])
    report = place.ingest(source=None, retry_failed=first.run_id)
    assert place.images_asked == ["late"]
    assert report.counts.outcomes == {"stored": 1}
    assert report.dataset == first.dataset


def test_a_run_that_was_stopped_by_its_tolerance_can_go_on(place: Place) -> None:
    """FAILED with its error; resumed with a wider tolerance it does the rest."""
    place.serve(**{f"gone{number}": Said(status=404) for number in range(9)}, rex=JPEGS[0])
    stopped = place.ingest(tolerate=0.0, dataset="pets")
    assert (stopped.status, stopped.tolerance_exceeded) == ("FAILED", True)
    report = place.ingest(source=None, resume=True, tolerate=95.0)
    assert (report.run_id, report.status, report.counts.done) == (stopped.run_id, "SUCCEEDED", 10)


def test_alerts_are_the_first_and_a_digest(place: Place) -> None:
    """Three alerted images make two alerts, and every record says that it was told of."""
    place.serve(a=PNG + b"a", b=PNG + b"b", c=PNG + b"c")
    report = place.ingest()
    with LocalBackend.open(place.data, exclusive=False) as backend:
        alerts = [alert for alert, _ in backend.topic.alerts()]
    assert len(alerts) == 2
    assert "2 more" in str(alerts[1].subject)
    assert {record.alert_sent for record in place.records(report.run_id).values()} == {True}


def test_a_run_id_names_the_run_and_finds_it_again(place: Place) -> None:
    """The same command with the same run id, after success, has nothing to do; another command is refused."""
    place.serve(rex=JPEGS[0])
    first = place.ingest(run_id="monday")
    again = place.ingest(run_id="monday")
    assert (first.run_id, again.status, again.counts) == ("monday", "SUCCEEDED", first.counts)
    assert place.site.asked == []
    assert again.outputs == ()
    with pytest.raises(ConfigurationError, match="started with another source, dataset or count"):
        place.ingest(run_id="monday", count=3)


def test_a_listing_that_breaks_is_gone_on_with(place: Place) -> None:
    """A source that shuts us out: what it listed is fetched, the run has failed, and --resume lists the rest."""
    api = {"breeds": {"message": {"pug": [], "hound": []}, "status": "success"}}
    place.site.pages |= {
        "/api/breeds/list/all": Said(json.dumps(api["breeds"]).encode()),
        "/api/breed/pug/images": Said(json.dumps({"message": [place.url("p")], "status": "success"}).encode()),
        "/api/breed/hound/images": Said(status=403),
        "/h.jpg": Said(JPEGS[0]),
        "/p.jpg": Said(JPEGS[1]),
    }
    source = f"{place.site.origin}/api"
    broken = place.ingest(source=source)
    assert (broken.status, broken.listed_complete) == ("FAILED", False)
    assert "403" in str(broken.trouble)
    summary = place.summary(broken)
    assert (summary["error"], summary["trouble"]) == ("HttpError", broken.trouble)
    place.site.pages["/api/breed/hound/images"] = Said(
        json.dumps({"message": [place.url("h")], "status": "success"}).encode()
    )
    report = place.ingest(resume=True, dataset=broken.dataset)
    assert (report.run_id, report.status, report.trouble) == (broken.run_id, "SUCCEEDED", None)
    assert set(place.records(report.run_id)) == {"h", "p"}
    assert not [event for event in place.events if isinstance(event, ListingNote)]


def test_a_preview_counts_as_the_ingest_does(place: Place) -> None:
    """A repeated URL is fetched once, so that two images are meant by a count of two."""
    place.serve(rex=JPEGS[0], max=JPEGS[1], pug=JPEGS[2])
    place.list.write_text("".join(f"{place.url(name)}\n" for name in ("rex", "rex", "max", "max", "pug")))
    request = IngestRequest(source=str(place.list), count=2)
    assert [item.url for item in preview(request).items] == [place.url(name) for name in ("rex", "rex", "max")]
    assert place.ingest(count=2).counts.items == 2


def test_a_preview_asks_for_no_image_and_makes_no_directory(place: Place) -> None:
    """The items as the source names them, at most as many as asked for."""
    place.serve(rex=JPEGS[0], max=JPEGS[1])
    found = preview(IngestRequest(source=str(place.list), count=1))
    assert [item.url for item in found.items] == [place.url("rex")]
    assert (found.dataset, found.total) == ("dogs", 2)
    assert place.site.asked == []
    assert not place.data.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"count": 0}, "--count 0"),
        ({"concurrency": 0}, "--concurrency 0"),
        ({"rate": -1.0}, "--rate -1"),
        ({"tolerate": 101.0}, "--tolerate 101"),
        ({"timeout_seconds": float("nan")}, "--timeout nan"),
        ({"allow_origins": ("nonsense",)}, "not an origin"),
        ({"source": None}, "name a source"),
        ({"resume": True, "retry_failed": "x"}, "give one of them"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options: dict[str, Any], says: str) -> None:
    """One line that names the option."""
    with pytest.raises(ConfigurationError, match=says):
        IngestRequest(**{"source": "sample", **options})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "no-such-source"}, "no-such-source"),
        ({"source": "wikimedia-commons"}, "--contact"),
        ({"source": "sample", "dataset": "../up"}, "--dataset"),
        ({"source": "sample", "dataset": "run=1"}, "--dataset"),
        ({"retry_failed": "never"}, "there is no"),
    ],
)
def test_sources_that_do_not_allow_it_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    """One clear error, before anything is asked of anybody."""
    with pytest.raises(ConfigurationError, match=says):
        ingest(tmp_path / "data", IngestRequest(**options), lambda _: None)
    assert not (tmp_path / "data").exists()
