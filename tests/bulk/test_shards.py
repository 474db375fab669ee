"""Tar shards and sidecars: images with their metadata, for training."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk._run_files import RunFiles
from pupline.bulk._shards import ShardWriter, SidecarWriter, training_schema
from pupline.errors import StorageError
from pupline.tasks.metadata import ItemRow, columns_of
from tests.shared.item_rows import DATASET, RUN, batch, row
from tests.shared.memory_bucket import MemoryBucket

SHARDS = f"datasets/{DATASET}/shards/run={RUN}/"
SIDECARS = f"datasets/{DATASET}/sidecars/run={RUN}/"


def held(*rows: ItemRow) -> MemoryBucket:
    """A bucket with the images of the rows, each of bytes of its own."""
    return MemoryBucket({str(one.key): b"\xff\xd8 image %d" % one.index for one in rows})


def sharded(bucket: MemoryBucket, rows: list[ItemRow], tmp: Path, size: int) -> ShardWriter:
    """Write all rows, in pages of two."""
    schema = training_schema([columns_of(rows, DATASET)])
    writer = ShardWriter(RunFiles(bucket, tmp, DATASET, RUN), schema, size)
    for start in range(0, len(rows), 2):
        writer.add(batch(rows[start : start + 2]))
    writer.finish()
    writer.close()
    return writer


def members(bucket: MemoryBucket, number: int) -> dict[str, bytes]:
    """The files of one shard, in their order."""
    with tarfile.open(fileobj=io.BytesIO(bucket.held[f"{SHARDS}{number:05}.tar"])) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def samples(bucket: MemoryBucket, number: int) -> list[dict[str, Any]]:
    """One shard as webdataset groups it: files that follow each other with the same name up to the first dot."""
    found: list[dict[str, Any]] = []
    for name, body in members(bucket, number).items():
        key, _, extension = name.partition(".")
        if not found or found[-1]["__key__"] != key:
            found.append({"__key__": key})
        found[-1][extension] = body
    return found


def test_a_sample_is_an_image_and_its_metadata(tmp_path: Path) -> None:
    """Every image has its bytes as stored and its training row, under a key without dots, a PNG as `.jpg` too."""
    rows = [row(1), row(42, key="html/dogs/a.b.c.png", image_name="dogs/a.b.c.png", file_type="png")]
    bucket = held(*rows)
    sharded(bucket, rows, tmp_path, 100)
    first, second = samples(bucket, 0)
    assert (first["__key__"], first["jpg"]) == ("00000001", b"\xff\xd8 image 1")
    assert set(second) == {"__key__", "jpg", "json"}
    assert json.loads(second["json"])["file_type"] == "png"
    assert json.loads(second["json"])["image_name"] == "dogs/a.b.c.png"


def test_shards_hold_so_many_images_each(tmp_path: Path) -> None:
    """Seven images in shards of three are three shards; pages of rows do not matter."""
    rows = [row(number) for number in range(7)]
    bucket = held(*rows)
    sharded(bucket, rows, tmp_path, 3)
    assert bucket.puts == [f"{SHARDS}{number:05}.tar" for number in range(3)]
    assert [len(samples(bucket, number)) for number in range(3)] == [3, 3, 1]
    assert list(tmp_path.iterdir()) == []


def test_only_accepted_images_are_in_shards(tmp_path: Path) -> None:
    """What was quarantined, refused or lost is no training data, nor is a duplicate of what is in quarantine."""
    rows = [
        row(0, outcome="quarantined", reason="damaged_image", key="quarantine/dogs/0.jpg"),
        row(1, outcome="duplicate", reason="same_content", key="quarantine/dogs/0.jpg"),
        row(2, outcome="duplicate", reason="same_content", key="html/cats/9.jpg"),
        row(3, outcome="failed", reason="not_found"),
    ]
    bucket = held(*rows)
    writer = sharded(bucket, rows, tmp_path, 10)
    assert [sample["__key__"] for sample in samples(bucket, 0)] == ["00000002"]
    assert writer.missing == 0


def test_no_images_make_no_shard(tmp_path: Path) -> None:
    """A run without a single image leaves no empty tar file."""
    bucket = MemoryBucket()
    sharded(bucket, [row(0, outcome="failed", reason="timeout")], tmp_path, 10)
    assert bucket.puts == []


class ChangedBucket(MemoryBucket):
    """A bucket that was changed from outside: the object's bytes are not those recorded."""

    def read(self, key: str) -> bytes:
        """Raises: StorageError for one key, KeyError."""
        if key.endswith("/2.jpg"):
            raise StorageError(f"{key} was changed after it was stored")
        return super().read(key)


def test_images_that_are_gone_or_changed_are_counted(tmp_path: Path) -> None:
    """A shard never holds other bytes than those recorded; missing images are counted, and cost no other image."""
    rows = [row(number) for number in range(4)]
    bucket = ChangedBucket(held(*rows).held)
    del bucket.held["html/dogs/1.jpg"]
    writer = sharded(bucket, rows, tmp_path, 10)
    assert [sample["__key__"] for sample in samples(bucket, 0)] == ["00000000", "00000003"]
    assert writer.missing == 2


def test_the_same_run_gives_the_same_tar(tmp_path: Path) -> None:
    """No time and no owner is in the headers."""
    rows = [row(number) for number in range(3)]
    once, again = held(*rows), held(*rows)
    sharded(once, rows, tmp_path, 2)
    sharded(again, rows, tmp_path, 2)
    assert once.held == again.held
    with tarfile.open(fileobj=io.BytesIO(once.held[f"{SHARDS}00000.tar"])) as tar:
        assert {(member.mtime, member.uid, member.uname, member.mode) for member in tar} == {(0, 0, "", 0o644)}


def test_an_unfinished_shard_leaves_nothing(tmp_path: Path) -> None:
    """Whoever stops in the middle has put no half shard, and closing removes what was written aside."""
    rows = [row(0), row(1)]
    bucket = held(*rows)
    schema = training_schema([columns_of(rows, DATASET)])
    writer = ShardWriter(RunFiles(bucket, tmp_path, DATASET, RUN), schema, 10)
    writer.add(batch(rows))
    writer.close()
    assert bucket.puts == []
    assert list(tmp_path.iterdir()) == []


def sidecars(bucket: MemoryBucket, *pages: list[ItemRow], tmp: Path) -> dict[str, Any]:
    """The sidecars after the pages were written, by the image's name."""
    schema = training_schema(columns_of(page, DATASET) for page in pages)
    writer = SidecarWriter(RunFiles(bucket, tmp, DATASET, RUN), schema)
    for page in pages:
        writer.add(batch(page))
    writer.finish()
    writer.close()
    keys = bucket.keys(SIDECARS)
    return {key.removeprefix(SIDECARS).removesuffix(".json"): json.loads(bucket.held[key]) for key in keys}


def test_a_sidecar_is_the_images_row(tmp_path: Path) -> None:
    """It is named after the image, dataset included, and holds the columns of the metadata."""
    found = sidecars(MemoryBucket(), [row(5), row(6, outcome="failed", reason="timeout")], tmp=tmp_path)
    assert list(found) == ["dogs/5.jpg"]
    assert (found["dogs/5.jpg"]["index"], found["dogs/5.jpg"]["outcome"]) == (5, "stored")


def twin_of(name: str) -> dict[str, Any]:
    """What makes a row a duplicate of the image of that name."""
    return {"image_name": name, "key": f"html/{name}", "outcome": "duplicate", "reason": "same_content"}


@pytest.mark.parametrize("apart", [False, True], ids=["one-page", "two-pages"])
@pytest.mark.parametrize("stored_first", [False, True])
def test_of_several_items_with_one_image_the_stored_one_is_told(
    tmp_path: Path, apart: bool, stored_first: bool
) -> None:
    """In whatever order they come, a duplicate never takes the place of the item that brought the image."""
    twin: dict[str, Any] = {
        "image_name": "dogs/1.jpg",
        "key": "html/dogs/1.jpg",
        "outcome": "duplicate",
        "reason": "same_content",
    }
    rows = [row(1), row(2, **twin), row(3, **twin)] if stored_first else [row(0, **twin), row(1), row(3, **twin)]
    pages = [[one] for one in rows] if apart else [rows]
    assert sidecars(MemoryBucket(), *pages, tmp=tmp_path)["dogs/1.jpg"]["index"] == 1


def test_of_duplicates_alone_the_first_is_told(tmp_path: Path) -> None:
    """An image of an earlier run has a sidecar in this one too."""
    twin: dict[str, Any] = {
        "image_name": "cats/1.jpg",
        "key": "html/cats/1.jpg",
        "outcome": "duplicate",
        "reason": "same_content",
    }
    found = sidecars(MemoryBucket(), [row(7, **twin)], [row(8, **twin)], tmp=tmp_path)
    assert found["cats/1.jpg"]["index"] == 7
