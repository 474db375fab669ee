"""Retrying and resuming without the list, from another directory, and with options that change what was refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk import IngestReport, IngestRequest, ingest
from pupline.bulk._run_selection import _retry_reasons
from pupline.errors import ConfigurationError
from pupline.local import LocalBackend, NewIngest
from pupline.samples._pictures import pictures
from tests.shared.tiny_web import Said, Site, serving

JPEGS = sorted(body for body in pictures().values() if body[:2] == b"\xff\xd8")


@pytest.fixture
def site() -> Iterator[Site]:
    """Three pictures; robots.txt disallows one of them."""
    made = Site({f"/{name}.jpg": Said(JPEGS[at]) for at, name in enumerate(("rex", "max", "shy"))})
    made.pages["/robots.txt"] = Said(b"User-agent: *\nDisallow: /shy")
    with serving(made) as served:
        yield served


def listed(folder: Path, site: Site, *names: str) -> Path:
    """A list of these pictures."""
    path = folder / "dogs.txt"
    path.write_text("".join(f"{site.origin}/{name}.jpg\n" for name in names))
    return path


def ingested(data: Path, **options: Any) -> IngestReport:
    """The report of an ingest."""
    return ingest(data, IngestRequest(concurrency=2, workers=1, **options), lambda _event: None)


@pytest.mark.slow
def test_options_that_allow_what_was_refused_have_it_asked_for_again(tmp_path: Path, site: Site) -> None:
    """The origin, then robots.txt, then the size: each retry asks for what was refused for that reason, no more."""
    path = listed(tmp_path, site, "rex", "shy")
    data = tmp_path / "data"
    first = ingested(data, source=str(path), run_id="first")
    assert first.counts.reasons == {"blocked_address": 2}
    path.unlink()
    assert ingested(data, retry_failed="first").counts.items == 0
    allowed = (site.origin,)
    small = ingested(data, retry_failed="first", allow_origins=allowed, max_bytes=10, run_id="small")
    assert small.counts.reasons == {"too_large": 1, "robots_disallowed": 1}
    larger = ingested(data, retry_failed="small", max_bytes=20 * 1024 * 1024, given=frozenset({"max_bytes"}))
    assert larger.counts.reasons == {"accepted": 1}
    ignoring = ingested(data, retry_failed="small", heed_robots=False)
    assert ignoring.counts.reasons == {"too_large": 1}


@pytest.mark.slow
def test_a_run_is_resumed_without_its_list(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has listed is fetched; the rest needs the list, which may have been moved."""
    data = tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    path = listed(tmp_path, site, "rex", "max")
    first = ingested(data, source="dogs.txt", allow_origins=(site.origin,), run_id="first")
    assert first.status == "SUCCEEDED"
    with LocalBackend.open(data, exclusive=True) as backend:  # as if killed after the first item was listed
        row = backend.ingests.get("first")
        assert Path(str(row.settings["source"])) == path
        position = json.loads(str(row.position)) | {"at": path.read_bytes().index(b"\n") + 1, "listed": 1}
        position["complete"] = False
        half = "UPDATE ingests SET status = 'RUNNING', listed = 0, items = 1, position = ? WHERE run_id = 'first'"
        backend.database.write(lambda connection: connection.execute(half, (json.dumps(position),)))
        rest = "DELETE FROM ingest_items WHERE item_index = 1"
        backend.database.write(lambda connection: connection.execute(rest))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    moved = path.rename(elsewhere / "dogs.txt")
    waiting = ingested(data, resume=True, dataset="dogs")
    assert (waiting.status, waiting.listed_complete) == ("RUNNING", False)
    assert "pupline stop first" in str(waiting.trouble)
    with LocalBackend.open(data, exclusive=False) as backend:
        assert backend.ingests.get("first").cause == waiting.trouble
    done = ingested(data, source=str(moved), resume=True, dataset="dogs")
    assert (done.run_id, done.status, done.counts.done) == ("first", "SUCCEEDED", 2)


def test_a_retry_asks_for_the_reasons_that_its_options_change() -> None:
    """Those that the run had already change nothing; so does an option with the value that it had."""
    saved = IngestRequest(source="x", allow_origins=("http://a.test",), max_bytes=10, max_pixels=10)

    def reasons(**options: Any) -> tuple[str, ...]:
        return _retry_reasons(saved, IngestRequest(retry_failed="x", **options))

    assert reasons() == reasons(allow_origins=("http://a.test",)) == ()
    assert reasons(allow_origins=("http://b.test",)) == ("blocked_address",)
    assert reasons(metadata_addresses=("169.254.169.254",)) == ("blocked_address",)
    assert reasons(source="other.toml") == ("blocked_address",)
    assert reasons(heed_robots=False, max_pixels=11) == ("robots_disallowed", "too_many_pixels")
    assert reasons(max_bytes=5) == ()
    assert reasons(given=frozenset({"max_bytes"})) == ("too_large",), "the default, named by the user"


def test_the_same_name_in_another_directory_is_another_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of an earlier version, which was saved as it was typed, is looked for where the command is."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "dogs.txt").write_text("http://127.0.0.1/x.jpg\n")
    monkeypatch.chdir(tmp_path / "a")
    saved = IngestRequest(source="dogs.txt").anchored()
    assert IngestRequest(source="./dogs.txt").is_same_command(saved)
    monkeypatch.chdir(tmp_path / "b")
    assert not IngestRequest(source="dogs.txt").is_same_command(saved)
    assert IngestRequest(source=str(tmp_path / "a" / "dogs.txt")).is_same_command(saved)
    for source in ("dog-ceo", "openverse?q=dog", "http://127.0.0.1:8099/api", "s3://dog-images/dogs.txt", "-"):
        assert IngestRequest(source=source).anchored().source == source


@pytest.mark.slow
def test_a_changed_list_says_how_to_end_the_run(tmp_path: Path, site: Site) -> None:
    """The same command cannot go on; it names the command that ends the run."""
    data = tmp_path / "data"
    path = listed(tmp_path, site, "rex")
    ingested(data, source=str(path), run_id="first")
    with LocalBackend.open(data, exclusive=True) as backend:
        undone = "UPDATE ingests SET status = 'RUNNING', listed = 0 WHERE run_id = 'first'"
        backend.database.write(lambda connection: connection.execute(undone))
    listed(tmp_path, site, "rex", "max")
    with pytest.raises(ConfigurationError, match=r"the file has changed .*pupline stop first"):
        ingested(data, source=str(path))


@pytest.mark.slow
@pytest.mark.parametrize(("page", "status"), [(Said(status=404), "FAILED"), (Said(status=503), "RUNNING")])
def test_a_first_page_that_fails_for_good_fails_the_run(tmp_path: Path, site: Site, page: Said, status: str) -> None:
    """With the reason; one that may come later is waited for by the same run."""
    site.pages["/api/breeds/list/all"] = page
    report = ingested(tmp_path / "data", source=f"{site.origin}/api", run_id="first")
    assert report.status == status
    with LocalBackend.open(tmp_path / "data", exclusive=False) as backend:
        row = backend.ingests.get("first")
    assert (row.status, row.cause) == (status, report.trouble)


@pytest.mark.slow
def test_a_lost_run_of_a_spec_names_its_file(tmp_path: Path) -> None:
    """Which images it may fetch, and how fast, is in the spec alone."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        settings = IngestRequest(source="/none/my.toml", dataset="dogs").as_json()
        backend.ingests.open(NewIngest(run_id="first", dataset="dogs", source="my", settings=settings))
    with pytest.raises(ConfigurationError, match=r"/none/my\.toml"):
        ingested(tmp_path, resume=True, dataset="dogs")
