"""Where an export goes: a directory or a bucket; what is replaced, removed, refused, and what a kill leaves."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.datasets import ExportDirectory, ExportHeader, ExportPrefix, ExportReport, ExportRequest, export_dataset
from pupline.datasets.export import _directory
from pupline.errors import ConfigurationError, LocalTrouble
from tests.datasets.export_world import DATASET, DogBucket, dog_directory, dog_memory, files_of, rows_of
from tests.shared.memory_bucket import MemoryBucket


def test_repeating_updates(tmp_path: Path) -> None:
    """New images are added, those that left the dataset are removed with their folders, the rest stays as it is."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg", labels=["pug"])
    dogs.add_images("2", "b.jpg", labels=["husky"])
    first = dogs.export(tmp_path)
    kept = next(tmp_path.rglob("pug/*.jpg")).stat()
    assert isinstance(dogs.store, MemoryBucket)
    del dogs.store.held["html/dogs/b.jpg"]
    dogs.add_images("3", "c.jpg", labels=["corgi"])
    second = dogs.export(tmp_path)
    assert (first.added, first.removed, second.added, second.removed) == (2, 0, 1, 1)
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["corgi", "metadata.jsonl", "pug"]
    assert next(tmp_path.rglob("pug/*.jpg")).stat().st_ino == kept.st_ino
    assert dogs.export(tmp_path).added == 0


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data directory may be on another one; the error of a write alone does not say which it was."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")

    def no_room(_file: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(LocalTrouble, match=rf"no room is left \(.*: '{tmp_path}'\)"):
        dogs.export(tmp_path)


def test_files_of_others_are_neither_replaced_nor_removed(tmp_path: Path) -> None:
    """They stay in every export; where one is in the way, the export stops and names it."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg", labels=["pug"])
    (tmp_path / "train/pug").mkdir(parents=True)
    (tmp_path / "train/pug/mine.jpg").write_bytes(b"mine")
    dogs.export(tmp_path)
    dogs.export(tmp_path, format="jsonl")
    assert set(files_of(tmp_path)) == {"train/pug/mine.jpg", "train.jsonl"}
    (tmp_path / "train/metadata.jsonl").write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match=r"train/metadata\.jsonl is not a file of an export; move it away"):
        dogs.export(tmp_path)
    assert (tmp_path / "train/metadata.jsonl").read_bytes() == b"mine"


def test_a_users_file_with_the_wanted_bytes_stays_his(tmp_path: Path) -> None:
    """It is used, and not removed when the export no longer needs it."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    dogs.export(tmp_path / "other")
    (image,) = (path for path in files_of(tmp_path / "other") if path.endswith(".jpg"))
    (tmp_path / "out" / image).parent.mkdir(parents=True)
    (tmp_path / "out" / image).write_bytes(b"a.jpg")
    dogs.export(tmp_path / "out")
    dogs.export(tmp_path / "out", format="jsonl")
    assert set(files_of(tmp_path / "out")) == {image, "train.jsonl"}
    (tmp_path / "out" / image).write_bytes(b"other bytes")
    with pytest.raises(ConfigurationError, match="is not a file of an export"):
        dogs.export(tmp_path / "out")


@pytest.mark.slow
def test_an_edited_or_lost_file_of_the_export_is_made_again(tmp_path: Path) -> None:
    """Of a copy the bytes are compared, of a link the file."""
    for link in (True, False):
        with dog_directory(tmp_path / "data") as dogs:
            if link:
                dogs.add_images("1", "a.jpg", "b.jpg")
            else:
                dogs.summaries.append({"run": "1", "status": "SUCCEEDED", "done": 2})
            dogs.export(tmp_path / "out", link=link)
            first, second = sorted((tmp_path / "out").rglob("*.jpg"))
            first.unlink()
            second.unlink()
            second.write_bytes(b"edite")
            report = dogs.export(tmp_path / "out", link=link)
        assert report.added == 2
        assert sorted(path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")) == [b"a.jpg", b"b.jpg"]


def test_an_export_changes_between_links_and_copies(tmp_path: Path) -> None:
    """With the bytes it has, as the last command wants it."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "a.jpg")
        assert dogs.root
        for link in (True, False, True):
            dogs.export(tmp_path / "out", link=link)
            (image,) = (tmp_path / "out").rglob("*.jpg")
            assert image.samefile(dogs.root / "html/dogs/a.jpg") is link


def test_another_datasets_export_is_not_replaced(tmp_path: Path) -> None:
    """Two datasets in one directory would remove each other's files."""
    with ExportDirectory(tmp_path, ExportHeader("cats", "folders"), link=True) as target:
        target.begin([])
        target.finish()
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    with pytest.raises(ConfigurationError, match="is of an export of the dataset 'cats'; choose another place"):
        dogs.export(tmp_path)


def test_two_exports_to_one_directory_take_turns(tmp_path: Path) -> None:
    """The second is refused while the first writes."""
    header = ExportHeader(DATASET, "folders")
    with (
        ExportDirectory(tmp_path, header, link=True),
        pytest.raises(ConfigurationError, match="another export is writing to"),
        ExportDirectory(tmp_path, header, link=True),
    ):
        pass


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "a/../../outside", ".pupline-export/lock", "a\\b", "a//b"]
)
def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path, path: str) -> None:
    """A downloaded dataset may bring a manifest that somebody else wrote."""
    (tmp_path / "outside").write_bytes(b"keep")
    state = tmp_path / "out/.pupline-export"
    state.mkdir(parents=True)
    (tmp_path / "out/a").mkdir()
    lines = [{"pupline_export": 1, "dataset": DATASET, "format": "folders"}, {"path": path}]
    (state / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    assert dogs.export(tmp_path / "out").removed == 0
    assert (tmp_path / "outside").read_bytes() == b"keep"


def test_links_to_other_places_are_not_followed(tmp_path: Path) -> None:
    """Neither to write an image nor to remove one."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg", labels=["pug"])
    dogs.add_images("2", "b.jpg", labels=["husky"])
    dogs.export(tmp_path / "out")
    (tmp_path / "out/train/husky").rename(tmp_path / "elsewhere")
    (tmp_path / "out/train/husky").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="train/husky is not a file of an export"):
        dogs.export(tmp_path / "out")
    assert isinstance(dogs.store, MemoryBucket)
    del dogs.store.held["html/dogs/b.jpg"]
    assert dogs.export(tmp_path / "out").removed == 0
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


@pytest.mark.parametrize("text", ["", "[]\n", "not json\n", '{"pupline_export":2}\n'])
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    """In one line, before anything is written."""
    (tmp_path / ".pupline-export").mkdir()
    (tmp_path / ".pupline-export/manifest.jsonl").write_text(text)
    with pytest.raises(ConfigurationError, match="is not a manifest of this version"):
        dog_memory().export(tmp_path)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["_target", "_make", "_write_manifest", "_temporary"])
@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_a_killed_export_is_completed_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, calls: int
) -> None:
    """Whatever was under way: no half file has a final name, and nothing stale is left in the end."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "a.jpg", "b.jpg", "c.jpg", labels=["pug"])
        dogs.export(tmp_path / "expected")
        dogs.export(tmp_path / "out", filters=_only_wide())
        left = [calls]
        real: Callable[..., Any] = getattr(ExportDirectory, point)

        def kill(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                raise Killed
            return real(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(_directory.ExportDirectory, point, kill)
            try:
                dogs.export(tmp_path / "out")
            except Killed:
                assert left == [0]
        for path, content in files_of(tmp_path / "out").items():
            assert content == files_of(tmp_path / "expected")[path]
        dogs.export(tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "expected")


def _only_wide() -> Any:
    from pupline.datasets import Filters

    return Filters(min_width=10_000)


def to_bucket(dogs: DogBucket, **given: Any) -> ExportReport:
    """Export to a prefix of the bucket itself."""
    request = ExportRequest(dataset=DATASET, summaries=tuple(dogs.summaries), **given)
    header = ExportHeader(DATASET, request.format)
    with ExportPrefix(dogs.store, "exports/dogs", header, "s3://b/exports/dogs") as target:
        return export_dataset(dogs.store, request, target)


def test_an_export_to_a_bucket_has_the_files_of_one_to_a_directory(tmp_path: Path) -> None:
    """Below its prefix; repeating it puts no image again."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg", "b.jpg", labels=["pug"])
    dogs.export(tmp_path)
    assert to_bucket(dogs).added == 2
    assert isinstance(dogs.store, MemoryBucket)
    held = {
        key.removeprefix("exports/dogs/"): body for key, body in dogs.store.held.items() if key.startswith("exports/")
    }
    assert held.pop(".pupline-export/manifest.jsonl")
    assert held == files_of(tmp_path)
    dogs.add_images("2", "c.jpg")
    del dogs.store.held["html/dogs/a.jpg"]
    dogs.store.put("exports/dogs/mine.txt", b"mine", "text/plain")
    report = to_bucket(dogs)
    assert (report.added, report.removed) == (1, 1)
    assert len([key for key in dogs.store.held if key.startswith("exports/dogs/train/")]) == 3
    assert dogs.store.read("exports/dogs/mine.txt") == b"mine"


def test_an_export_to_the_bucket_of_a_directory(tmp_path: Path) -> None:
    """Its objects are read as those of any other kind."""
    with dog_directory(tmp_path / "data") as dogs:
        dogs.add_images("1", "a.jpg")
        to_bucket(dogs, format="webdataset")
        assert dogs.store.read("exports/dogs/train-00000.tar")[:20]
        assert list((tmp_path / "data/tmp").iterdir()) == []
        assert to_bucket(dogs, format="csv").removed == 1
        assert list(dogs.store.keys("exports/")) == [
            "exports/dogs/.pupline-export/manifest.jsonl",
            "exports/dogs/train.csv",
        ]
        assert dogs.root
        assert not (dogs.root / "exports/dogs/train-00000.tar").exists()


def test_objects_of_others_are_not_replaced() -> None:
    """The export stops, and names the place."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg")
    dogs.store.put("exports/dogs/train/metadata.jsonl", b"mine", "text/plain")
    with pytest.raises(ConfigurationError, match=r"s3://b/exports/dogs/train/metadata\.jsonl is not an object of"):
        to_bucket(dogs)
    assert dogs.store.read("exports/dogs/train/metadata.jsonl") == b"mine"


def test_the_table_names_only_images_that_are_there(tmp_path: Path) -> None:
    """Each `file_name` is the path of an image next to it."""
    dogs = dog_memory()
    dogs.add_images("1", "a.jpg", "b.jpg", labels=["hound", "afghan"])
    dogs.export(tmp_path)
    assert all((tmp_path / "train" / row["file_name"]).is_file() for row in rows_of(tmp_path))
    assert {row["file_name"].partition("/")[0] for row in rows_of(tmp_path)} == {"hound-afghan"}
