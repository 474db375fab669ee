"""Finished items are stored in groups: one object for the same bytes, one record for an item, all or nothing."""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import ConfigurationError, StorageError
from pupline.local import TOPIC_ARN, Alert, LocalBackend
from pupline.local.bucket._paths import folded
from pupline.local.ingests import _committer, _group_files
from pupline.tasks.items import PreviousFetch, UnchangedImage
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.records import AuditRecord
from tests.local.committer_fakes import Source, arrival, fetched
from tests.shared.item_rows import stored_rows

REX = "http://127.0.0.1/a/rex.jpg"
OTHER_REX = "http://127.0.0.1/b/rex.jpg"
SMALL_REX = "http://127.0.0.1/c/REX.jpg"
BELLA = "http://127.0.0.1/a/bella.jpg"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory."""
    with LocalBackend.open(tmp_path, exclusive=True) as opened:
        yield opened


@pytest.fixture
def source(backend: LocalBackend) -> Source:
    """A run that names four URLs."""
    made = Source(backend)
    made.list_urls(REX, OTHER_REX, SMALL_REX, BELLA)
    return made


def files(backend: LocalBackend) -> dict[str, bytes]:
    """What lies in the bucket's directory, by path; and nothing lies in tmp."""
    assert list((backend.data_dir / "tmp").iterdir()) == []
    root = backend.bucket().root
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def ends(records: list[AuditRecord]) -> list[tuple[str, str, str]]:
    """Name, outcome and reason of each."""
    return [(one.image_name, one.outcome, one.reason) for one in records]


def test_an_item_is_done_with_its_object_and_record(backend: LocalBackend, source: Source) -> None:
    """The object lies under the dataset, the record says where, the item is pending no more."""
    [record] = source.take_in(source.fetched(0, REX, b"rex"))
    assert files(backend) == {"html/dogs/rex.jpg": b"rex"}
    assert ends([record]) == [("dogs/rex.jpg", "stored", "accepted")]
    assert record.image_url == (backend.bucket().root / "html/dogs/rex.jpg").as_uri()
    assert list(backend.audit.records()) == [record]
    assert [(one.key, one.owner) for one in backend.bucket().objects()] == [("html/dogs/rex.jpg", "run-00000000")]
    assert [one.index for one in backend.ingests.pending(source.run.ingest_id, after=-1, limit=9)] == [1, 2, 3]
    [row] = stored_rows(backend, source.run.run_id)
    assert (row.index, row.item.url, row.record, row.key, row.etag) == (0, REX, record, "html/dogs/rex.jpg", '"v1"')
    assert (row.attempts, row.began_at, row.ended_at) == (1, 1.0, 2.0)


def test_the_same_bytes_are_stored_once(backend: LocalBackend, source: Source) -> None:
    """In one group, in a later group, and in another dataset: duplicates name the first object."""
    same = [source.fetched(0, REX, b"rex"), source.fetched(3, BELLA, b"rex")]
    first = source.take_in(*same)
    later = source.take_in(source.fetched(1, OTHER_REX, b"rex"))
    cats = Source(backend, "run2", "cats")
    cats.list_urls(BELLA)
    other = cats.take_in(cats.fetched(0, BELLA, b"rex"))
    assert [one.outcome for one in first] == ["stored", "duplicate"]
    assert ends(later) == ends(other) == [("dogs/rex.jpg", "duplicate", "same_content")]
    assert other[0].image_url == first[0].image_url
    assert files(backend) == {"html/dogs/rex.jpg": b"rex"}


def test_bytes_of_a_single_image_are_found_too(backend: LocalBackend, source: Source) -> None:
    """What `run` stored counts; what was put for other purposes does not."""
    sha256 = fetched(REX, b"rex").sha256
    backend.bucket().put("datasets/dogs/rex.jpg", b"rex", "image/jpeg")
    backend.bucket().create(ObjectToCreate("html/old.jpg", b"rex", sha256, "image/jpeg", "monday-00001"))
    assert ends(source.take_in(source.fetched(0, REX, b"rex"))) == [("old.jpg", "duplicate", "same_content")]


def test_other_bytes_of_the_same_name_are_kept_beside(backend: LocalBackend, source: Source) -> None:
    """Also when both are in one group, and when only case tells them apart: no path is one that folds to another."""
    records = source.take_in(
        source.fetched(0, REX, b"one"), source.fetched(1, OTHER_REX, b"two"), source.fetched(2, SMALL_REX, b"three")
    )
    assert [one.outcome for one in records] == ["stored"] * 3
    assert [one.reason for one in records] == ["accepted", "renamed", "accepted"]
    assert records[2].image_name == "dogs/REX.jpg"
    assert sorted(files(backend).values()) == [b"one", b"three", b"two"]
    assert len({folded(path) for path in files(backend)}) == 3


def test_what_is_no_image_goes_to_quarantine(backend: LocalBackend, source: Source) -> None:
    """And stays quarantined when its bytes come again; sound images are not looked for there."""
    records = source.take_in(
        source.fetched(0, REX, b"page", problem="not_an_image"),
        source.fetched(1, OTHER_REX, b"page", problem="not_an_image"),
        source.fetched(2, SMALL_REX, b"cut", problem="damaged_image"),
        source.fetched(3, BELLA, b"page"),
    )
    assert ends(records) == [
        ("dogs/rex.jpg", "quarantined", "not_an_image"),
        ("dogs/rex.jpg", "quarantined", "not_an_image"),
        ("dogs/REX.jpg", "quarantined", "damaged_image"),
        ("dogs/bella.jpg", "stored", "accepted"),
    ]
    assert sorted(files(backend).values()) == [b"cut", b"page", b"page"]
    kinds = {one.key: one.content_type for one in backend.bucket().objects()}
    octets = "application/octet-stream"
    assert kinds == {
        "quarantine/dogs/rex.jpg": octets,
        "quarantine/dogs/REX.jpg": octets,
        "html/dogs/bella.jpg": "image/jpeg",
    }


def test_a_failed_item_has_its_record_alone(backend: LocalBackend, source: Source) -> None:
    """No object, and it is among what can be tried again."""
    [record] = source.take_in(source.failed(0, REX))
    assert (record.outcome, record.reason, record.image_url) == ("failed", "not_found", None)
    again = Source(backend, "again")
    assert backend.ingests.add_failed_of(again.run.ingest_id, source.run) == 1
    assert backend.ingests.add_failed_of(again.run.ingest_id, source.run) == 1
    assert [one.item.url for one in backend.ingests.pending(again.run.ingest_id, after=-1, limit=9)] == [REX]


def test_a_second_arrival_changes_nothing(backend: LocalBackend, source: Source) -> None:
    """In the same group, or after it: the first one counts, the file of the second one goes."""
    first = source.take_in(source.fetched(0, REX, b"one"), source.fetched(0, REX, b"two"))
    assert source.take_in(source.fetched(0, REX, b"three")) == []
    assert list(backend.audit.records()) == first
    assert files(backend) == {"html/dogs/rex.jpg": b"one"}


def test_an_object_whose_file_is_gone_is_stored_again(backend: LocalBackend, source: Source) -> None:
    """Nothing is called a duplicate of what is not there; its key is free again."""
    source.take_in(source.fetched(0, REX, b"rex"))
    (backend.bucket().root / "html/dogs/rex.jpg").unlink()
    assert ends(source.take_in(source.fetched(1, OTHER_REX, b"rex"))) == [("dogs/rex.jpg", "stored", "accepted")]
    assert files(backend) == {"html/dogs/rex.jpg": b"rex"}
    assert [one.owner for one in backend.bucket().objects()] == ["run-00000001"]


@pytest.mark.parametrize("body", [b"rex", b"somebody's"])
def test_a_foreign_file_keeps_its_place(backend: LocalBackend, source: Source, body: bytes) -> None:
    """With other bytes the object goes beside it; with the same it is the object."""
    foreign = backend.bucket().root / "html/dogs/rex.jpg"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(body)
    [record] = source.take_in(source.fetched(0, REX, b"rex"))
    assert (record.outcome, foreign.read_bytes()) == ("stored", body)
    assert backend.bucket().read("html/dogs/rex.jpg") == b"rex"
    assert record.image_url == backend.bucket().path("html/dogs/rex.jpg").as_uri()  # type: ignore[union-attr]
    assert len(files(backend)) == (1 if body == b"rex" else 2)


def test_an_object_in_the_way_is_gone_around(backend: LocalBackend, source: Source) -> None:
    """A file that has the dataset's directory as its name, or a directory that has an image's name: both are kept."""
    bucket, sha256 = backend.bucket(), fetched(REX, b"a").sha256
    for key in ("html/dogs/BELLA.jpg/a.jpg", "html/Cats"):
        bucket.create(ObjectToCreate(key, b"a", sha256, "image/jpeg", "x"))
    source.take_in(source.fetched(3, BELLA, b"bella"))
    cats = Source(backend, "run2", "cats")
    cats.list_urls(BELLA)
    assert ends(cats.take_in(cats.fetched(0, BELLA, b"tom"))) == [("cats/bella.jpg", "stored", "accepted")]
    assert (bucket.read("html/dogs/bella.jpg"), bucket.read("html/cats/bella.jpg")) == (b"bella", b"tom")
    assert len({folded(path) for path in files(backend)}) == 4
    assert not any(folded(path).startswith(("html/dogs/bella.jpg/", "html/cats/")) for path in files(backend)
                   if files(backend)[path] != b"a")  # fmt: skip


def test_unchanged_is_a_duplicate_of_what_is_known(backend: LocalBackend, source: Source) -> None:
    """With the URL of the object; when that object is gone, the item failed, and says what to do."""
    [stored] = source.take_in(source.fetched(0, REX, b"rex"))
    again = Source(backend, "again")
    again.list_urls(REX, BELLA)
    [pending, _] = backend.ingests.pending(again.run.ingest_id, after=-1, limit=9)
    assert isinstance(pending.previous, PreviousFetch)
    fetch_outcome = UnchangedImage(previous=pending.previous)
    [record] = again.take_in(arrival(0, REX, fetch_outcome))
    assert ends([record]) == [("dogs/rex.jpg", "duplicate", "not_modified")]
    assert (record.image_url, record.sha256) == (stored.image_url, stored.sha256)
    (backend.bucket().root / "html/dogs/rex.jpg").unlink()
    [lost] = again.take_in(arrival(1, BELLA, fetch_outcome))
    assert (lost.outcome, lost.reason) == ("failed", "storage_error")
    assert "--retry-failed" in (lost.cause or "")


def test_the_first_alert_is_committed_with_its_item(backend: LocalBackend, source: Source) -> None:
    """It is published once in a run, however many items alert and however often the run goes on."""
    told: list[str] = []

    def first(record: AuditRecord) -> Alert:
        told.append(record.execution)
        return backend.topic.prepare("run", "first-alert", {"TopicArn": TOPIC_ARN, "Message": record.image_name})

    for index, url in ((0, REX), (3, BELLA)):
        with source.committer(first) as committer:
            committer.take([source.fetched(index, url, b"%d" % index, alerts=True)])
    assert told == ["run-00000000"]
    assert [alert.message for alert, _ in backend.topic.alerts()] == ["dogs/rex.jpg"]
    assert [(one.execution, one.alert_sent) for one in backend.audit.records()] == [
        ("run-00000000", True),
        ("run-00000003", None),
    ]
    assert source.done[0].record.alert_sent is True


def test_a_digest_tells_of_all_the_others(backend: LocalBackend, source: Source) -> None:
    """Publishing it and saying so is one step; afterwards nothing is left to tell."""
    source.take_in(source.fetched(0, REX, b"1", alerts=True), source.fetched(3, BELLA, b"2"))
    ingests, number = backend.ingests, source.run.ingest_id
    assert [one.execution for one in ingests.alerted(number, sent=False)] == ["run-00000000"]
    ingests.publish(number, backend.topic.prepare("run", "digest", {"TopicArn": TOPIC_ARN, "Message": "1 more"}))
    assert list(ingests.alerted(number, sent=False)) == []
    assert [one.execution for one in ingests.alerted(number, sent=True)] == ["run-00000000"]
    assert [one.alert_sent for one in backend.audit.records()] == [True, None]


def test_a_full_disk_acknowledges_nothing(
    backend: LocalBackend, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives the next item, or closes, is told; the next start stores what is asked for again."""

    def full(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(StorageError, match=r"no room .*free some space"):
            source.take_in(source.fetched(0, REX, b"rex"))
    assert (source.done, list(backend.audit.records()), list(backend.bucket().objects())) == ([], [], [])
    backend.close()
    with LocalBackend.open(backend.data_dir, exclusive=True) as reopened:
        assert reopened.database.rows("SELECT count(*) FROM objects") == [(0,)]
        again = Source(reopened)
        assert [one.outcome for one in again.take_in(again.fetched(0, REX, b"rex"))] == ["stored"]
        assert files(reopened) == {"html/dogs/rex.jpg": b"rex"}


def test_a_failed_committer_takes_no_more(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """`take` raises what went wrong, also when it is waiting for room."""
    monkeypatch.setattr(_committer, "MAX_GROUP", 1)
    monkeypatch.setattr(_committer, "_MIN_GROUP", 1)

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def take_all() -> None:
        with source.committer() as committer:
            monkeypatch.setattr(os, "fsync", broken)
            for number in range(100):
                committer.take([source.fetched(number % 4, REX, b"%d" % number)])

    with pytest.raises(StorageError, match="cannot be stored or read"):
        take_all()
    assert source.done == []


def test_a_mistake_in_done_is_raised(source: Source) -> None:
    """A listener's bug does not vanish in a thread."""

    def broken(_items: Any) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), source.committer(done=broken) as committer:
        committer.take([source.failed(0, REX)])


@pytest.mark.parametrize("few", [0, 99])
def test_groups_of_any_size_are_synced(
    backend: LocalBackend, source: Source, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Few files one by one, many by one call: every temporary file is on the disk before it has a name."""
    monkeypatch.setattr(_group_files, "_FEW", few)
    source.take_in(source.fetched(0, REX, b"rex"), source.fetched(3, BELLA, b"bella"))
    assert len(files(backend)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="syncfs is a call of Linux")
def test_a_disk_that_fails_is_not_taken_for_synced() -> None:
    """The call of the whole file system raises what fsync would."""
    sync = _group_files._syncfs()
    assert sync is not None
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync(-1)


def test_a_system_without_syncfs_syncs_each_file(
    backend: LocalBackend, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no such call, each file is synced before the first one is named."""
    order: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(descriptor: int) -> None:
        order.append("fsync")
        real_fsync(descriptor)

    def link(*args: Any, **kwargs: Any) -> None:
        order.append("link")
        real_link(*args, **kwargs)

    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_options: object())
    monkeypatch.setattr(_group_files, "_FEW", 0)
    arrivals = [source.fetched(0, REX, b"rex"), source.fetched(3, BELLA, b"bella")]
    (backend.bucket().root / "html" / "dogs").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    source.take_in(*arrivals)
    # Two files, their temporary names, and the names of four directories; at the end the names in the last one.
    assert order == [*["fsync"] * 7, "link", "link", "fsync"]


def test_a_dataset_that_is_no_part_of_a_key_is_refused(backend: LocalBackend) -> None:
    """Its name would be another one on some file system."""
    bad = Source(backend, "bad", "a:b")
    with pytest.raises(ConfigurationError, match="a:b"), bad.committer():
        pass


def test_half_a_surrogate_pair_is_stored_as_a_question_mark(backend: LocalBackend, source: Source) -> None:
    """Text from outside that SQLite cannot hold stops nothing."""
    arrived = source.fetched(0, REX, b"rex")
    bad = fetched(REX, b"rex")._replace(etag='"\ud800"')
    source.take_in(replace(arrived, fetch_outcome=bad), source.fetched(3, BELLA, b"bella"))
    assert [row.etag for row in stored_rows(backend, source.run.run_id)] == ['"?"', '"v1"']


def test_a_file_system_without_links_works_too(
    backend: LocalBackend, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are renamed then, and still replace nothing."""

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    foreign = backend.bucket().root / "html/dogs/bella.jpg"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's")
    monkeypatch.setattr(os, "link", no_links)
    source.take_in(source.fetched(0, REX, b"rex"), source.fetched(3, BELLA, b"bella"), source.fetched(1, REX, b"rex"))
    assert (backend.bucket().read("html/dogs/rex.jpg"), foreign.read_bytes()) == (b"rex", b"somebody's")
    assert backend.bucket().read("html/dogs/bella.jpg") == b"bella"
    assert len(files(backend)) == 3
