"""The quality pass over a dataset: what is decoded, grouped, published and remembered."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest
from PIL import Image, ImageEnhance

from pupline.errors import ConfigurationError
from pupline.local import LocalBackend
from pupline.quality import DecoderLimits, QualityRequest, examine_dataset, publish, read_dataset, recall
from pupline.tasks.layout import quality_key, quality_parquet_key, quality_summary_key
from tests.datasets.export_world import DATASET, dog_memory
from tests.quality.quality_world import QualityWorld, quality_world
from tests.shared.pictures import encoded, picture

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[QualityWorld]:
    """An empty dataset."""
    with quality_world(tmp_path / "data") as made:
        yield made


def _copies(seed: int) -> dict[str, bytes]:
    """A picture and what people make of it, the largest second."""
    original = picture(seed)
    return {
        f"{seed}.jpg": encoded(original),
        f"{seed}-large.png": encoded(original.resize((640, 480)), "PNG"),
        f"{seed}-small.webp": encoded(original.resize((160, 120)), "WEBP"),
        f"{seed}-bad.jpg": encoded(original, quality=30),
        f"{seed}-bright.jpg": encoded(ImageEnhance.Brightness(original).enhance(1.1)),
        f"{seed}-cropped.jpg": encoded(original.crop((3, 3, 317, 237))),
    }


def test_copies_are_grouped_and_others_are_not(world: QualityWorld) -> None:
    """Copies of a picture are one group with the largest as keeper; different, flat and grey-graded pictures none."""
    plain = {f"flat{grey}.png": encoded(Image.new("RGB", (300, 200), (grey,) * 3), "PNG") for grey in (10, 130, 250)}
    graded = {
        "down.png": encoded(Image.linear_gradient("L"), "PNG"),
        "across.png": encoded(Image.linear_gradient("L").rotate(90), "PNG"),
    }
    others = {f"{seed}.jpg": encoded(picture(seed)) for seed in range(10, 20)}
    world.add("00", _copies(1) | _copies(2) | plain | graded | others)
    report = world.run()
    assert world.groups() == {frozenset(_copies(1)), frozenset(_copies(2))}
    assert (report.images, report.groups, report.near_duplicates) == (27, 2, 10)
    keeper = world.line("1-large.png")
    assert (keeper["keeper"], keeper["keeper_reason"]) == (True, "largest: 640 x 480, the next 320 x 240")
    assert not world.line("1.jpg")["keeper"]
    assert world.line("1.jpg")["group_size"] == 6
    assert world.line("15.jpg")["keeper"]
    assert world.line("flat10.png")["low_information"]
    assert world.line("flat10.png")["group"] is None
    assert report.above["single_colour"] == 3


def test_a_second_pass_decodes_only_what_is_new(world: QualityWorld) -> None:
    """And what is known stays as it was: groups do not flip when images come."""
    world.add("00", _copies(1) | {"9.jpg": encoded(picture(9))})
    assert world.run().examined == 7
    before = {line["sha256"]: line["group"] for line in world.lines}
    assert world.run().examined == 0
    world.add("01", {"9-copy.png": encoded(picture(9), "PNG"), "8.jpg": encoded(picture(8))})
    assert world.run().examined == 2
    assert world.groups() == {frozenset(_copies(1)), frozenset({"9.jpg", "9-copy.png"})}
    after = {line["sha256"]: line["group"] for line in world.lines}
    assert {name for name, group in before.items() if after[name] != group} == {world.line("9.jpg")["sha256"]}
    assert world.line("9-copy.png")["group"] == world.line("9.jpg")["sha256"]


def test_growing_equals_one_pass_over_all(world: QualityWorld, tmp_path: Path) -> None:
    """Three passes in the order in which images came publish the same lines as one at the end."""
    runs = {
        "00": _copies(1),
        "01": {"3.jpg": encoded(picture(3))} | _copies(2),
        "02": {"3-b.png": encoded(picture(3), "PNG")},
    }
    for run, pictures in runs.items():
        world.add(run, pictures)
        world.run()
    with quality_world(tmp_path / "other") as other:
        for run, pictures in runs.items():
            other.add(run, pictures)
        other.run()
        assert other.lines == world.lines


def test_an_image_of_another_dataset_is_not_decoded_again(world: QualityWorld) -> None:
    """What was found belongs to the bytes."""
    world.add("00", _copies(1))
    world.run()
    rows = world.dogs.store.read(f"datasets/{DATASET}/metadata/jsonl/run=00/part-00000.jsonl")
    world.dogs.store.put("datasets/cats/metadata/jsonl/run=09/part-00000.jsonl", rows, "text/plain")
    state = examine_dataset(world.table, world.dogs.store, QualityRequest(dataset="cats"), lambda *_: None)
    assert (state.examined, len(state.known)) == (0, 6)
    report = publish(world.table, state, lambda: nullcontext(world.dogs.store), lambda _line: None)
    assert (report.images, report.groups) == (6, 1)


def test_another_distance_groups_again_without_decoding(world: QualityWorld) -> None:
    """With no bit to spare only equal hashes are near-duplicates."""
    world.add("00", _copies(1))
    world.run()
    assert world.run(distance=0).examined == 0
    strict = world.groups()
    assert all(len(names) < 6 for names in strict)
    world.run()
    assert world.groups() == {frozenset(_copies(1))}


def test_what_cannot_be_decoded_is_told_and_remembered(world: QualityWorld) -> None:
    """With the reason; it is tried again only by request, or where the limits are others."""
    cut = encoded(picture(1), "PNG")[:3000]
    world.add(
        "00", {"cut.png": cut, "large.png": encoded(Image.new("L", (3000, 2000)), "PNG"), "1.jpg": encoded(picture(1))}
    )

    tight = DecoderLimits(max_pixels=1_000_000)
    report = world.run(limits=tight)
    assert report.undecodable == {"damaged": 1, "too_many_pixels": 1}
    assert world.line("cut.png")["undecodable_detail"].startswith("OSError: ")
    assert world.line("cut.png")["blur"] is None
    assert world.line("large.png")["undecodable_detail"] == "3000 x 2000, more than 1,000,000"
    assert world.run(limits=tight).examined == 0
    assert world.run(limits=tight, retry=True).examined == 2
    assert world.run().undecodable == {"damaged": 1}


def test_decisions_are_remembered_and_choose_the_keeper(world: QualityWorld) -> None:
    """A kept image is the keeper whatever its size; a dropped one never is."""
    world.add("00", _copies(1))
    state = world.state()
    world.publish(state)
    names = {name: world.line(name)["sha256"] for name in _copies(1)}
    world.table.decide(DATASET, [names["1-small.webp"]], "keep")
    world.table.decide(DATASET, [names["1-large.png"]], "drop")
    report = world.publish(state)
    assert world.line("1-small.webp")["keeper_reason"] == "chosen"
    assert (world.line("1-large.png")["review"], world.line("1-large.png")["keeper"]) == ("drop", False)
    assert report.reviews == {"keep": 1, "drop": 1}
    world.table.decide(DATASET, [names["1-small.webp"]], None)
    world.publish(state)
    [keeper] = [line for line in world.lines if line["keeper"]]
    assert str(keeper["keeper_reason"]).startswith("same size, most bytes: ")


def test_a_decision_leaves_the_groups_as_they_are(world: QualityWorld) -> None:
    """Also those of another distance: what is published again differs in the decision alone."""
    world.add("00", _copies(1))
    world.run(distance=0)
    groups = world.groups()
    assert groups != {frozenset(_copies(1))}
    world.table.decide(DATASET, [world.line("1.jpg")["sha256"]], "keep")
    state = read_dataset(world.dogs.store, QualityRequest(dataset=DATASET), lambda *_: None)
    recall(world.table, state)
    report = world.publish(state)
    assert world.groups() == groups
    assert (report.distance, report.reviews) == (0, {"keep": 1})


def test_images_that_are_gone_are_counted(world: QualityWorld) -> None:
    """An image whose file was removed or changed is missing; the others are examined."""
    world.add("00", {"1.jpg": encoded(picture(1)), "2.jpg": encoded(picture(2)), "3.jpg": encoded(picture(3))})
    assert world.dogs.root is not None
    (world.dogs.root / "html/dogs/1.jpg").unlink()
    (world.dogs.root / "html/dogs/2.jpg").write_bytes(encoded(picture(4)))
    report = world.run()
    assert (report.missing, report.images) == (2, 1)


def test_the_files_hold_what_the_report_counts(world: QualityWorld) -> None:
    """`quality.jsonl` has a line for each image with every column, Parquet the same; `summary.json` the figures."""
    world.add("00", _copies(1) | {"cut.png": encoded(picture(2), "PNG")[:2000]})
    report = world.run()
    lines = [json.loads(line) for line in world.dogs.store.read(quality_key(DATASET)).splitlines()]
    assert lines == world.lines
    assert len({tuple(line) for line in lines}) == 1
    assert [line["sha256"] for line in lines] == sorted(line["sha256"] for line in lines)
    assert world.dogs.root is not None
    parquet = duckdb.read_parquet(str(world.dogs.root / quality_parquet_key(DATASET)))
    assert parquet.columns == [*lines[0]]
    [(rows, keepers)] = parquet.aggregate("count(*), count(*) FILTER (keeper)").fetchall()
    assert (rows, keepers) == (7, 2)
    assert json.loads(world.dogs.store.read(quality_summary_key(DATASET))) == json.loads(json.dumps(report.as_dict()))


def test_a_dataset_without_images_is_an_error(world: QualityWorld) -> None:
    """There is nothing to examine before a run has ended."""
    with pytest.raises(ConfigurationError, match="has no image yet"):
        world.run()


def test_a_bucket_that_is_not_a_directory_serves_as_well(tmp_path: Path) -> None:
    """As on a stack: objects are read and files put through the interface of buckets; the journal is local."""
    with LocalBackend.open(tmp_path, exclusive=False, create=True) as backend:
        far = QualityWorld(dog_memory(), backend.quality("s3://bucket/"))
        far.add("00", _copies(1))
        assert far.run().groups == 1
        assert [json.loads(line) for line in far.dogs.store.read(quality_key(DATASET)).splitlines()] == far.lines
        assert backend.quality().groups(DATASET, "dct64-1/8") == []
        assert len(backend.quality("s3://bucket/").groups(DATASET, "dct64-1/8")) == 6
