"""Exports: which images are in one, and what is told of those that are not."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pupline.datasets import ExportReport, Filters, Split, parse_where
from pupline.errors import ConfigurationError
from tests.datasets.export_world import DogBucket, dog_directory, dog_memory, files_of, metadata_row, rows_of


def urls(report: ExportReport, to: Path) -> list[str]:
    """The ends of the URLs in an export's table, sorted."""
    assert report.images == len(rows_of(to))
    return sorted(row["url"].rpartition("/")[2] for row in rows_of(to))


def test_the_latest_good_row_of_each_address_counts(tmp_path: Path) -> None:
    """Retried images are in; one that failed later stays; a newer picture replaces the older one."""
    dogs = dog_memory()
    old = dogs.add_image("a.jpg", b"old")
    dogs.add_run(
        "1", old, metadata_row("b.jpg", b"", outcome="failed", key=None, sha256=None), dogs.add_image("c.jpg", b"c")
    )
    later = {"upload_timestamp": "2026-11-23T17:00:00.000Z"}
    new = dogs.add_image("a.jpg", b"new", key="html/dogs/a-2.jpg", **later)
    failed = metadata_row("c.jpg", b"", outcome="failed", key=None, sha256=None, **later)
    dogs.add_run("2", new, dogs.add_image("b.jpg", b"b", **later), failed)
    report = dogs.export(tmp_path)
    assert urls(report, tmp_path) == ["a.jpg", "b.jpg", "c.jpg"]
    assert sorted(files_of(tmp_path).values())[:3] == [b"b", b"c", b"new"]
    assert report.is_whole


def test_only_chosen_runs_count(tmp_path: Path) -> None:
    """As if there were no others: neither their rows nor their trouble."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    dogs.add_images("2", "b.jpg")
    dogs.add_images("3", "c.jpg")
    report = dogs.export(tmp_path, runs=frozenset({"1", "3"}))
    assert urls(report, tmp_path) == ["a.jpg", "c.jpg"]
    assert report.findings.rows == {"1": 1, "3": 1}


def test_what_is_in_quarantine_is_not_exported(tmp_path: Path) -> None:
    """Neither the quarantined image nor a duplicate of it; its address counts as without an image."""
    dogs = dog_memory()
    bad = dogs.add_image("a.jpg", b"a", outcome="quarantined", key="quarantine/dogs/a.jpg")
    same = dogs.add_image("b.jpg", b"a", outcome="duplicate", key="quarantine/dogs/a.jpg")
    dogs.add_run("1", bad, same, dogs.add_image("c.jpg", b"c"))
    report = dogs.export(tmp_path)
    assert urls(report, tmp_path) == ["c.jpg"]
    assert report.findings.without_image == 2


def test_identical_bytes_are_exported_once_or_for_each_address(tmp_path: Path) -> None:
    """Once, by the row that has labels; with per_address each under a name of its own, in one split."""
    dogs = dog_memory()
    first = dogs.add_image("a.jpg", b"same")
    second = dogs.add_image("b.jpg", b"same", outcome="duplicate", key="html/cats/a.jpg", labels=["pug"])
    dogs.add_run("1", first, second)
    report = dogs.export(tmp_path / "once")
    assert [(row["label"], row["url"][-5:]) for row in rows_of(tmp_path / "once")] == [("pug", "b.jpg")]
    assert report.choice.repeated == 1
    dogs.export(tmp_path / "each", per_address=True)
    assert sorted(files_of(tmp_path / "each").values())[:2] == [b"same", b"same"]


def test_images_known_from_another_dataset_are_included(tmp_path: Path) -> None:
    """A duplicate's object lies in the folder of the dataset that fetched it first."""
    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", outcome="duplicate", key="html/cats/a.jpg"))
    assert dogs.export(tmp_path).images == 1


def test_images_that_are_gone_or_changed_are_told_and_left_out(tmp_path: Path) -> None:
    """With their keys; the export is not whole. Bytes that another key still has are taken from there."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "gone.jpg", "changed.jpg", "good.jpg")
        twice = [dogs.add_image("x.jpg", b"x"), dogs.add_image("y.jpg", b"x")]
        dogs.add_run("2", *twice)
        assert dogs.root
        for name in ("gone.jpg", "x.jpg"):
            (dogs.root / "html/dogs" / name).unlink()
        (dogs.root / "html/dogs/changed.jpg").write_bytes(b"CHANGED.jpg")
        report = dogs.export(tmp_path / "out")
    assert report.left_out == {"gone": 1, "changed": 1}
    assert sorted(one.key for one in report.examples) == ["html/dogs/changed.jpg", "html/dogs/gone.jpg"]
    assert report.images == 2
    assert not report.is_whole


def test_unfinished_runs_and_lost_metadata_are_told(tmp_path: Path) -> None:
    """A run that still runs, a part that was deleted, rows that are missing, lines that are none."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "a.jpg")
        dogs.summaries[0]["done"] = 3
        dogs.add_images("2", "b.jpg")
        dogs.summaries.append({"run": "3", "status": "RUNNING", "done": 7})
        part = "datasets/dogs/metadata/jsonl/run={}/part-00000.jsonl"
        assert dogs.root
        (dogs.root / part.format(2)).unlink()
        row = metadata_row("x.jpg", b"x")
        broken: list[Any] = [
            {"url": 1},
            [],
            row | {"labels": "pug"},
            row | {"labels": [1]},
            row | {"width": "9"},
            row | {"extra": []},
        ]
        dogs.store.put(part.format(4), "".join(json.dumps(one) + "\n" for one in broken).encode() + b'{"', "text/plain")
        report = dogs.export(tmp_path / "out")
    assert list(report.trouble) == [
        "run 1: its metadata has 1 of 3 rows; the rest is not exported",
        "run 2: its metadata has 0 of 1 row; the rest is not exported",
        "run 3 is unfinished: 0 of its images are known",
        "run 4 is unfinished, or its summary.json is gone",
        f"{part.format(2)} is gone or cannot be read",
        "7 lines of metadata cannot be read",
    ]
    assert not report.is_whole


def test_labels_that_differ_for_the_same_bytes_are_told(tmp_path: Path) -> None:
    """With two addresses as an example."""
    dogs = dog_memory()
    dogs.add_run(
        "1", dogs.add_image("a.jpg", b"x", labels=["pug"]), dogs.add_image("b.jpg", b"x", labels=["hound", "afghan"])
    )
    report = dogs.export(tmp_path)
    assert report.choice.label_conflicts == 1
    assert report.choice.conflict_examples == [("https://cdn.example/b.jpg", "https://cdn.example/a.jpg")]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"labels": frozenset({"hound/afghan"})}, ["afghan.png"]),
    ({"labels": frozenset({"hound"})}, ["afghan.png", "basset.jpg"]),
    ({"file_types": frozenset({"png"})}, ["afghan.png"]),
    ({"licenses": frozenset({"cc0"})}, ["basset.jpg"]),
    ({"min_width": 641}, ["basset.jpg"]),
    ({"min_height": 481}, []),
    ({"min_bytes": 8}, ["afghan.png", "basset.jpg"]),
    ({"verified_only": True}, ["pug.jpg"]),
    ({"where": parse_where("score >= 0.5")}, ["pug.jpg"]),
    ({"where": parse_where("blur > 20")}, ["basset.jpg"]),
    ({"where": parse_where("label contains 'hound' and not license is null")}, ["basset.jpg"]),
]


@pytest.fixture
def litter() -> DogBucket:
    """Three images that differ in all that filters look at; the quality pass saw two of them."""
    dogs = dog_memory()
    dogs.add_run(
        "1",
        dogs.add_image("afghan.png", b"afghan.png", labels=["hound", "afghan"], file_type="png"),
        dogs.add_image("basset.jpg", b"basset.jpg", labels=["hound", "basset"], license="CC0", width=1000),
        dogs.add_image("pug.jpg", b"pug.jpg", verification="verified", extra={"score": "0.75"}),
    )
    dogs.add_quality({"basset.jpg": {"blur": 30.5, "phash": "0f"}, "pug.jpg": {"blur": 3}})
    return dogs


@pytest.mark.parametrize(("given", "wanted"), FILTERS)
def test_filters(litter: DogBucket, tmp_path: Path, given: dict[str, Any], wanted: list[str]) -> None:
    """Each leaves the images that fulfil it; an export of nothing is not whole."""
    report = litter.export(tmp_path, filters=Filters(**given))
    assert report.images == len(wanted)
    assert report.choice.filtered == 3 - len(wanted)
    assert report.is_whole is bool(wanted)
    if wanted:
        assert urls(report, tmp_path) == wanted


def test_images_without_the_columns_of_a_condition_are_counted(litter: DogBucket, tmp_path: Path) -> None:
    """Nobody can say whether they fulfil it."""
    assert litter.export(tmp_path, filters=Filters(where=parse_where("blur > 20"))).choice.unrated == 1


def test_a_condition_on_a_column_that_no_image_has_is_an_error(litter: DogBucket, tmp_path: Path) -> None:
    """Rather than an export of nothing; the message has the nearest name."""
    with pytest.raises(ConfigurationError, match=r"no image has a column 'blurr'; did you mean blur\?"):
        litter.export(tmp_path, filters=Filters(where=parse_where("blurr > 20")))


def test_quality_columns_are_columns_of_the_rows(litter: DogBucket, tmp_path: Path) -> None:
    """Joined by the SHA-256; text in every row where some image lacks a number, as training rows have it."""
    litter.export(tmp_path)
    assert {row["url"][-7:]: (row["blur"], row["phash"]) for row in rows_of(tmp_path)} == {
        "han.png": ("", ""),
        "set.jpg": ("30.5", "0f"),
        "pug.jpg": ("3.0", ""),
    }


@pytest.mark.slow
def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order in which its runs stored the images."""
    names = [f"{number}.jpg" for number in range(20)]
    for place, order in (("one", names), ("two", list(reversed(names)))):
        dogs = dog_memory()
        for run, name in enumerate(order):
            dogs.add_images(str(run), name, labels=[name[0]])
        for form in ("folders", "webdataset", "jsonl", "csv", "parquet"):
            dogs.export(tmp_path / place / form, format=form, split=Split.parse("60/20/20"), shard_size=3)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_shards_hold_each_split_by_itself(tmp_path: Path) -> None:
    """So many images each, and every image in one of them, with its row."""
    dogs = dog_memory()
    dogs.add_images("1", *(f"{number}.jpg" for number in range(30)))
    report = dogs.export(tmp_path, format="webdataset", split=Split.parse("50/50"), shard_size=7)
    seen: dict[str, int] = {}
    bodies = set()
    for path, content in files_of(tmp_path).items():
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        assert 2 <= len(members) <= 14
        split = path.rpartition("-")[0]
        for name, member in members.items():
            if name.endswith(".json"):
                seen[split] = seen.get(split, 0) + 1
                assert json.loads(member)["size_bytes"] == len(members[name.replace(".json", ".jpg")])
            else:
                bodies.add(member)
    assert seen == report.splits
    assert len(bodies) == 30


def test_csv_and_parquet_say_where_each_image_is(tmp_path: Path) -> None:
    """A table alone has the URLs of the objects, which exports with images leave out."""
    from pyarrow import parquet

    dogs = dog_memory()
    dogs.add_run("1", dogs.add_image("a.jpg", b"a", image_url="s3://b/a.jpg", title="=HYPERLINK(1)", extra={"n": 5}))
    dogs.export(tmp_path, format="csv")
    header, line = (tmp_path / "train.csv").read_text().splitlines()
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert (row["image_url"], row["title"], row["n"]) == ("s3://b/a.jpg", "'=HYPERLINK(1)", "5")
    dogs.export(tmp_path, format="parquet")
    (found,) = parquet.read_table(tmp_path / "train.parquet").to_pylist()
    assert (found["image_url"], found["title"], found["n"]) == ("s3://b/a.jpg", "=HYPERLINK(1)", 5)
    assert set(files_of(tmp_path)) == {"train.parquet"}


def test_images_without_exif_are_exported_with_their_own_hash(tmp_path: Path) -> None:
    """The row keeps the hash of the stored image, and has that of the exported one."""
    from tests.images.test_private_metadata import JPEG_WITH_GPS, STRIPPED_JPEG

    with dog_directory(tmp_path / "data") as dogs:
        rows = [dogs.add_image("a.jpg", JPEG_WITH_GPS), dogs.add_image("b.tiff", b"II*\0 GPS", file_type="tiff")]
        dogs.add_run("1", *rows)
        quality = {"sha256": rows[0]["sha256"], "camera": "C", "taken_at": "T", "has_gps": True, "blur": 0.1}
        dogs.store.put("datasets/dogs/quality/quality.jsonl", json.dumps(quality).encode(), "text/plain")
        report = dogs.export(tmp_path / "out", strip_exif=True)
    (row,) = rows_of(tmp_path / "out")
    assert (tmp_path / "out/train" / row["file_name"]).read_bytes() == STRIPPED_JPEG
    assert (row["sha256"], row["exported_sha256"]) == (
        metadata_row("a", JPEG_WITH_GPS)["sha256"],
        metadata_row("a", STRIPPED_JPEG)["sha256"],
    )
    assert report.left_out == {"not_strippable": 1}
    assert row.keys() & {"camera", "taken_at", "has_gps", "blur"} == {"blur"}


def test_a_hard_link_cannot_be_edited_by_accident(tmp_path: Path) -> None:
    """Its file is the store's, without permission to write; a copy is a file of its own."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "a.jpg")
        assert dogs.root
        stored = dogs.root / "html/dogs/a.jpg"
        dogs.export(tmp_path / "linked")
        dogs.export(tmp_path / "copied", link=False)
    linked, copied = (next((tmp_path / place).rglob("*.jpg")) for place in ("linked", "copied"))
    assert linked.samefile(stored)
    assert linked.stat().st_mode & 0o222 == 0
    assert not copied.samefile(stored)
    assert copied.stat().st_mode & 0o200
