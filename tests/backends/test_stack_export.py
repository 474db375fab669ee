"""`pupline export --backend aws`: what the stack's bucket has, downloaded, put back as an export, or listed."""

import json
from pathlib import Path

import boto3
import pytest

from pupline.aws import S3Store
from tests.backends.stack_commands import STACK, Pupline, deployed, pupline
from tests.backends.stack_fakes import FakeStack
from tests.datasets.export_world import DATASET, DogBucket, files_of

__all__ = ["deployed", "pupline"]

pytestmark = pytest.mark.aws


@pytest.fixture
def dogs(deployed: FakeStack) -> DogBucket:  # noqa: ARG001 - it has to be there
    """A dataset in the stack's bucket, with a run that has ended."""
    bucket = DogBucket(S3Store(boto3.client("s3"), "dogs"))
    bucket.add_images("1", "a.jpg", "b.jpg", labels=["pug"])
    summary = {"run": "1", "dataset": DATASET, "status": "SUCCEEDED", "done": 2, "began_at": "2026-11-22T17:00:00.000Z"}
    bucket.store.put(f"datasets/{DATASET}/runs/1/summary.json", json.dumps(summary).encode(), "application/json")
    return bucket


def keys() -> list[str]:
    """The keys of exports in the bucket."""
    found = boto3.client("s3").list_objects_v2(Bucket="dogs", Prefix="exports/")
    return [one["Key"] for one in found.get("Contents", ())]


def test_a_dataset_is_downloaded(dogs: DogBucket, pupline: Pupline, tmp_path: Path) -> None:
    """--to names a directory: the images, and their table."""
    assert dogs
    done = pupline("export", DATASET, *STACK, "--to", str(tmp_path / "out"), "--json")
    assert (done.code, done.json[0]["images"]) == (0, 2)
    assert {path.rpartition(".")[2] for path in files_of(tmp_path / "out")} == {"jpg", "jsonl"}


def test_an_export_goes_to_the_stacks_bucket(dogs: DogBucket, pupline: Pupline) -> None:
    """By default, below exports/; another bucket or prefix is refused."""
    assert dogs
    done = pupline("export", DATASET, *STACK, "--format", "webdataset")
    assert done.code == 0
    assert "to s3://dogs/exports/dogs" in done.out
    assert keys() == ["exports/dogs/.pupline-export/manifest.jsonl", "exports/dogs/train-00000.tar"]
    assert pupline("export", DATASET, *STACK, "--format", "jsonl").code == 0
    assert keys() == ["exports/dogs/.pupline-export/manifest.jsonl", "exports/dogs/train.jsonl"]
    refused = pupline("export", DATASET, *STACK, "--to", "s3://cats/exports/x")
    assert (refused.code, "or to s3://dogs/PREFIX" in refused.err) == (2, True)
    outside = pupline("export", DATASET, *STACK, "--to", "s3://dogs/html/x")
    assert (outside.code, "s3://dogs/exports/dogs" in outside.err) == (2, True)


def test_a_list_names_only_what_is_there(dogs: DogBucket, pupline: Pupline, tmp_path: Path) -> None:
    """By a listing of the bucket, without reading images."""
    assert dogs
    boto3.client("s3").delete_object(Bucket="dogs", Key="html/dogs/a.jpg")
    done = pupline("export", DATASET, *STACK, "--list", str(tmp_path / "dogs.jsonl"))
    assert done.code == 1
    assert "no longer in the bucket: 1 image, such as html/dogs/a.jpg" in done.err
    assert [json.loads(line)["url"] for line in (tmp_path / "dogs.jsonl").read_text().splitlines()] == [
        "https://cdn.example/b.jpg"
    ]
