"""Published lists: what is in them, what is not, and that an ingest reads back what was written."""

import csv
import hashlib
import io
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.datasets import ExportReport, ExportRequest, ListFile, export_dataset, list_kind
from pupline.errors import ConfigurationError
from pupline.sources import resolve
from pupline.tasks.items import SourceItem
from tests.datasets.export_world import DATASET, DogBucket, dog_directory, dog_memory
from tests.shared.memory_bucket import MemoryBucket

FACTS: dict[str, Any] = {
    "id": "17",
    "license": "CC BY 4.0",
    "creator": "=HYPERLINK(1)",
    "attribution": "A. Author, \"quoted\", 'CC'",
    "landing": "https://cdn.example/photos/17",
    "title": "'=not a formula",
    "alt": "@alt",
    "caption": "ein Hund, ein Ball",
    "labels": ["hound", "afghan"],
    "md5": "0" * 32,
}
EXTRA: dict[str, Any] = {"score": 0.5, "views": 12, "=name": "+1", "tags": ["a", "b"], "safe": True, "author": "x"}


def publish(dogs: DogBucket, path: Path, **given: Any) -> ExportReport:
    """Write the list."""
    summaries = tuple(dogs.summaries)
    request = ExportRequest(dataset=DATASET, format="list", list_kind=list_kind(path), summaries=summaries, **given)
    with ListFile(path) as target:
        return export_dataset(dogs.store, request, target)


def items_of(path: Path) -> list[SourceItem]:
    """The items of a list, as an ingest reads them."""
    listing = resolve(str(path)).open()
    found: list[SourceItem] = []
    while not listing.complete:
        found += listing.read(None, {}).items
    listing.close()
    return found


@pytest.mark.parametrize("name", ["list.jsonl", "list.csv", "list.parquet"])
def test_an_ingest_reads_back_what_was_published(tmp_path: Path, name: str) -> None:
    """Every fact of the source, and the hashes; a CSV has numbers of the source's columns as text."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", extra=EXTRA, **FACTS), dogs.add_image("b.png", b"b"))
    publish(dogs, tmp_path / name)
    first, second = sorted(items_of(tmp_path / name), key=lambda item: item.url)
    expected = {**FACTS, "labels": tuple(FACTS["labels"])}
    assert {field: getattr(first, field) for field in FACTS} == expected
    assert (first.sha256, first.mime, first.width, first.bytes) == (
        hashlib.sha256(b"a").hexdigest(),
        "image/jpeg",
        640,
        1,
    )
    if name == "list.csv":
        assert first.extra == {
            "score": "0.5",
            "views": "12",
            "=name": "+1",
            "tags": '["a","b"]',
            "safe": "true",
            "author": "x",
        }
    else:
        assert {**first.extra, "tags": ["a", "b"]} == EXTRA
    assert (second.title, second.extra, second.labels) == (None, {}, ())


TEXTS = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("=+-@',\";\t\n #"), min_size=1, max_size=30
)


@pytest.mark.slow
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXTS, value=TEXTS, name=st.text(string.ascii_letters, min_size=1, max_size=8).map("x{}".format))
def test_any_text_in_a_csv_is_read_back(tmp_path: Path, title: str, value: str, name: str) -> None:
    """Formulas, apostrophes, quotes, line breaks: a CSV says the same as JSON Lines, and has no cell with a formula."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", title=title, extra={name: value}))
    for kind in ("jsonl", "csv"):
        publish(dogs, tmp_path / f"list.{kind}")
    assert items_of(tmp_path / "list.csv") == items_of(tmp_path / "list.jsonl")
    cells = [
        cell
        for row in csv.reader(io.StringIO((tmp_path / "list.csv").read_bytes().decode(), newline=""))
        for cell in row
    ]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_numbers_in_a_csv_are_numbers(tmp_path: Path) -> None:
    """A negative one is not taken for a formula, so that other programs read the column as numbers."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", extra={"east": -0.5, "floor": -2}, title="-2"))
    publish(dogs, tmp_path / "list.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "list.csv").read_text()))
    assert (row["east"], row["floor"], row["title"]) == ("-0.5", "-2", "'-2")


def test_a_list_of_a_rebuilt_dataset_names_the_version_once(tmp_path: Path) -> None:
    """An ingest keeps the version of a list's perceptual hashes among the source's columns."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", extra={"phash_version": "dct64-1", "n": 1}))
    publish(dogs, tmp_path / "list.jsonl")
    (row,) = map(json.loads, (tmp_path / "list.jsonl").read_text().splitlines())
    assert (row["phash_version"], row["extra"]) == ("dct64-1", {"n": 1})


def test_private_facts_are_not_published(tmp_path: Path) -> None:
    """Nothing about the fetch, this machine or the bucket."""
    dogs = dog_memory()
    private = {"etag": "E1", "image_url": "file:///home/me/a.jpg", "source": "/home/me/urls.txt", "cause": "C"}
    row = dogs.add_image("a.jpg", b"a", landing="https://h/?api_key=K1", **private)
    dogs.add_run("1", row)
    publish(dogs, tmp_path / "list.jsonl")
    found = json.loads((tmp_path / "list.jsonl").read_text())
    assert set(found) == {"url", "sha256", "mime", "width", "height", "bytes"}


@pytest.mark.parametrize(
    "url",
    [
        "https://b.example/a.jpg?X-Amz-Signature=S1&X-Amz-Date=1",
        "https://b.example/a.jpg?w=1&sig=S1",
        "https://b.example/a.jpg?access_token=S1",
        "https://b.example/a.jpg?apikey=S1",
        "https://me:S1@b.example/a.jpg",
    ],
)
def test_addresses_with_keys_are_left_out_and_told(tmp_path: Path, url: str) -> None:
    """Without the key, unless the user wants them published."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", url=url), dogs.add_image("b.jpg", b"b", url="https://h/?key=7&w=1"))
    report = publish(dogs, tmp_path / "list.csv")
    assert report.left_out == {"has_credentials": 1}
    assert not report.is_whole
    assert "S1" not in json.dumps(report.as_dict()) + (tmp_path / "list.csv").read_text()
    assert publish(dogs, tmp_path / "list.csv", with_credentials=True).is_whole


def test_what_is_gone_is_not_published(tmp_path: Path) -> None:
    """From a directory by reading, from a remote bucket by listing it."""
    remote = dog_memory()
    remote.add_images("1", "a.jpg", "b.jpg")
    assert isinstance(remote.store, MemoryBucket)
    del remote.store.held["html/dogs/a.jpg"]
    with dog_directory(tmp_path / "data") as local:
        local.add_images("1", "a.jpg", "b.jpg")
        assert local.root
        (local.root / "html/dogs/a.jpg").write_bytes(b"other")
        reports = [publish(dogs, tmp_path / "list.csv") for dogs in (remote, local)]
    assert [report.left_out for report in reports] == [{"gone": 1}, {"changed": 1}]
    assert [item.url for item in items_of(tmp_path / "list.csv")] == ["https://cdn.example/b.jpg"]


def test_the_perceptual_hash_comes_from_the_quality_pass(tmp_path: Path) -> None:
    """With its version, so that a rebuild knows whether it can compare."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    dogs.add_quality({"a.jpg": {"phash": "0123456789abcdef", "phash_version": "v1"}})
    publish(dogs, tmp_path / "list.csv")
    (item,) = items_of(tmp_path / "list.csv")
    assert (item.phash, item.extra) == ("0123456789abcdef", {"phash_version": "v1"})
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", extra=item.extra))
    publish(dogs, tmp_path / "list.jsonl")
    assert items_of(tmp_path / "list.jsonl")[0].extra == {"phash_version": "v1"}


def test_images_without_a_licence_are_reported(tmp_path: Path) -> None:
    """How many, and their addresses."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", license="CC0"), dogs.add_image("b.jpg", b"b"))
    found = publish(dogs, tmp_path / "list.csv").as_dict()
    assert (found["licenses"], found["unlicensed"]) == ({"CC0": 1}, 1)
    assert found["unlicensed_examples"] == ["https://cdn.example/b.jpg"]


def test_names_of_lists_say_their_form(tmp_path: Path) -> None:
    """Any other name is an error, and so is a directory."""
    assert list_kind(Path("A.JSONL")) == "jsonl"
    with pytest.raises(ConfigurationError, match=r"--list dogs\.txt: the name ends in \.csv, \.jsonl or \.parquet"):
        list_kind(Path("dogs.txt"))
    with pytest.raises(ConfigurationError, match="is a directory; name a file"), ListFile(tmp_path):
        pass
