"""The rules of the ports, written once. A backend's tests subclass each contract and give its fixture.

class TestS3Bucket(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> ObjectStore: ...
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pupline.errors import StorageError
from pupline.tasks.ports import (
    AuditTable,
    ErasableStore,
    MultipartStore,
    NoSuchUpload,
    ObjectStore,
    ObjectToCreate,
    ReadableStore,
    WriteOnceStore,
)
from pupline.tasks.records import AuditRecord


def an_object(key: str = "html/rex.jpg", body: bytes = b"rex", owner: str = "run-00001") -> ObjectToCreate:
    """An object to create, with the right hash."""
    return ObjectToCreate(key, body, hashlib.sha256(body).hexdigest(), "image/jpeg", owner)


def a_record(image_name: str = "rex.jpg", execution: str = "run-00001") -> AuditRecord:
    """A record with every kind of field: text, number, flag, list, absent."""
    return AuditRecord(
        image_name=image_name,
        image_url="file:///buckets/dog-images/html/rex.jpg",
        upload_timestamp="2026-01-02T03:04:05Z",
        file_type="jpg",
        alert_triggered=True,
        outcome="stored",
        reason="accepted",
        alert_sent=False,
        alert_reasons=("png_name", "extension_mismatch"),
        sha256="00" * 32,
        size_bytes=70_000,
        width=640,
        height=480,
        breed="hound/afghan",
        execution=execution,
    )


class ObjectStoreContract:
    """Rules of `ports.ObjectStore`. Needs a fixture `store`: an empty one. A fixture `aside` may say where files go."""

    @pytest.fixture
    def aside(self, tmp_path: Path) -> Path:
        """A file to put, which is not there yet."""
        return tmp_path / "aside"

    def test_what_was_created_is_read_back(self, store: ObjectStore) -> None:
        """The bytes that come back are the bytes that went in."""
        body = bytes(range(256)) * 300
        held = store.create(an_object(body=body))
        assert store.read("html/rex.jpg") == body
        assert (held.key, held.sha256, held.owner) == ("html/rex.jpg", hashlib.sha256(body).hexdigest(), "run-00001")

    def test_creating_again_is_harmless(self, store: ObjectStore) -> None:
        """The same owner asking again, as after a crash, gets the same answer."""
        assert store.create(an_object()) == store.create(an_object())

    def test_another_owner_does_not_overwrite(self, store: ObjectStore) -> None:
        """Who comes second is told what is held, and nothing changes."""
        first = store.create(an_object())
        second = store.create(an_object(body=b"another dog", owner="run-00002"))
        assert second == first
        assert store.read("html/rex.jpg") == b"rex"

    def test_the_same_bytes_still_belong_to_the_first(self, store: ObjectStore) -> None:
        """A duplicate is told by the owner: the first one's name stays."""
        store.create(an_object())
        assert store.create(an_object(owner="run-00002")).owner == "run-00001"

    def test_an_absent_key_is_a_key_error(self, store: ObjectStore) -> None:
        """Reading what is not there raises KeyError."""
        with pytest.raises(KeyError):
            store.read("html/nobody.jpg")

    def test_an_empty_body_is_an_object(self, store: ObjectStore) -> None:
        """No bytes are bytes too."""
        store.create(an_object(body=b""))
        assert store.read("html/rex.jpg") == b""

    @pytest.mark.parametrize(
        "key",
        [
            "html/Rex.jpg",
            "html/rex.JPG",
            "html/r\u00e9x.jpg",
            "html/re\u0301x.jpg",
            "html/rex 1+2%20&#.jpg",
            "html/\u72ac.jpg",
            "html/rex.jpg/rex.jpg",
            "quarantine/rex.jpg",
        ],
    )
    def test_keys_that_look_alike_are_different_objects(self, store: ObjectStore, key: str) -> None:
        """Case, Unicode form, escapes and folders keep keys apart; none hides another."""
        store.create(an_object())
        held = store.create(an_object(key, b"the other", "run-00002"))
        assert (held.key, held.owner) == (key, "run-00002")
        assert (store.read("html/rex.jpg"), store.read(key)) == (b"rex", b"the other")

    def test_one_of_many_at_once_wins(self, store: ObjectStore) -> None:
        """Sixteen owners ask for one key: all are told the same one, whose bytes are there."""
        wanted = [an_object(body=b"dog %d" % number, owner=f"run-{number:05}") for number in range(16)]
        with ThreadPoolExecutor(8) as pool:
            held = list(pool.map(store.create, wanted))
        assert len(set(held)) == 1
        winner = next(new for new in wanted if new.owner == held[0].owner)
        assert store.read("html/rex.jpg") == winner.body

    def test_putting_replaces_what_was_there(self, store: ObjectStore) -> None:
        """The bytes put last are what is read, whoever made the key; the URL stays."""
        first = store.put("datasets/dogs/summary.json", b"{}", "application/json")
        assert store.put("datasets/dogs/summary.json", b'{"done": 1}', "application/json") == first
        assert store.read("datasets/dogs/summary.json") == b'{"done": 1}'
        held = store.create(an_object())
        store.put("html/rex.jpg", b"newer", "image/jpeg")
        assert store.read(held.key) == b"newer"

    def test_a_file_can_be_put(self, store: ObjectStore, aside: Path) -> None:
        """A large body comes as a file, which may be moved away."""
        aside.write_bytes(b"line\n" * 100_000)
        store.put("datasets/dogs/manifest.jsonl", aside, "application/jsonl")
        assert store.read("datasets/dogs/manifest.jsonl") == b"line\n" * 100_000

    def test_keys_come_in_order(self, store: ObjectStore) -> None:
        """Those that begin with the prefix, whoever made them; a prefix is a text, not a pattern or a folder."""
        for key in ("a/2.jpg", "a/10.jpg", "ab.jpg", "b.jpg"):
            store.create(an_object(key))
        store.put("a/put.json", b"{}", "application/json")
        assert list(store.keys("a")) == ["a/10.jpg", "a/2.jpg", "a/put.json", "ab.jpg"]
        assert list(store.keys("%")) == []
        assert list(store.keys("a", after="a/2.jpg")) == ["a/put.json", "ab.jpg"]
        assert list(store.keys("a/", after="a/put.json")) == list(store.keys("b", after="c")) == []

    def test_an_object_may_be_read_in_pieces(self, store: MultipartStore) -> None:
        """Together they are the object; one that is not there has none."""
        body = b"0123456789abcdef" * 2**17
        store.put("datasets/dogs/manifest.jsonl", body, "application/x-ndjson")
        store.put("datasets/dogs/empty.jsonl", b"", "application/x-ndjson")
        assert b"".join(store.chunks("datasets/dogs/manifest.jsonl")) == body
        assert b"".join(store.chunks("datasets/dogs/empty.jsonl")) == b""
        with pytest.raises(KeyError):
            list(store.chunks("datasets/dogs/nothing.jsonl"))

    def test_a_part_of_an_object_may_be_read(self, store: ReadableStore) -> None:
        """An open object says what it is, and gives any part of its bytes; after it was replaced, these or none."""
        body = bytes(range(256)) * 4096
        store.create(an_object("html/a dog?#.jpg", body))
        with store.open_object("html/a dog?#.jpg") as opened:
            facts = opened.facts
            assert (facts.key, facts.size_bytes, facts.owner) == ("html/a dog?#.jpg", len(body), "run-00001")
            assert facts.sha256 == hashlib.sha256(body).hexdigest()
            assert facts.etag
            for start, stop in ((0, 1), (255, 300_000), (len(body) - 1, len(body)), (7, 7), (0, len(body))):
                assert b"".join(opened.chunks(start, stop)) == body[start:stop]
            with pytest.raises(StorageError):
                list(opened.chunks(len(body) - 1, len(body) + 5))
            store.put("html/a dog?#.jpg", b"newer", "image/jpeg")
            with suppress(StorageError):
                assert b"".join(opened.chunks(0, 10)) == body[:10]
        with store.open_object("html/a dog?#.jpg") as opened:
            assert opened.facts.etag != facts.etag
            assert b"".join(opened.chunks(0, 5)) == b"newer"
        assert store.keys_of(facts.sha256) == store.keys_of("00" * 32) == []
        for absent in ("html/none.jpg", "html", "html/a dog?#.jpg/x"):
            with pytest.raises(KeyError):
                store.open_object(absent)

    def test_an_object_may_come_in_parts(self, store: MultipartStore) -> None:
        """There is nothing until all are there; a part that is sent again counts once; the old object gives way."""
        key, large = "datasets/dogs/runs/r1/failures.jsonl", b"0123456789abcdef" * (5 * 2**16)
        upload = store.start_upload(key, "application/x-ndjson")
        tags = [store.upload_part(key, upload, 1, large)]
        store.upload_part(key, upload, 2, b"not this")
        tags.append(json.loads(json.dumps(dict(store.upload_part(key, upload, 2, b"end")))))
        with pytest.raises(KeyError):
            store.read(key)
        store.put(key, b"before", "application/x-ndjson")
        store.complete_upload(key, upload, tags)
        assert store.read(key) == large + b"end"
        with suppress(NoSuchUpload):
            store.complete_upload(key, upload, tags)
        assert store.read(key) == large + b"end"

    def test_what_was_deleted_is_gone(self, store: ErasableStore) -> None:
        """Other objects stay, keys without an object do no harm, and a key may be used again."""
        for key in ("exports/a/1", "exports/a/2"):
            store.put(key, b"old", "text/plain")
        store.delete(["exports/a/1", "exports/a/none"])
        assert list(store.keys("exports/")) == ["exports/a/2"]
        with pytest.raises(KeyError):
            store.read("exports/a/1")
        store.put("exports/a/1", b"new", "text/plain")
        assert store.read("exports/a/1") == b"new"
        assert store.delete([]) == 0

    def test_the_url_is_quoted(self, store: ObjectStore) -> None:
        """The URL can be put into a page or a terminal as it is."""
        url = store.create(an_object("html/a dog?#.jpg")).url
        assert url.endswith("a%20dog%3F%23.jpg")


class AuditTableContract:
    """Rules of `ports.AuditTable`. Needs a fixture `table`: an empty one."""

    def test_a_record_comes_back_as_it_went_in(self, table: AuditTable) -> None:
        """Every field survives, absent ones too."""
        record = a_record()
        assert table.put(record) == record
        assert table.put(replace(record, reason="renamed")) == record

    def test_one_execution_writes_one_record(self, table: AuditTable) -> None:
        """A second attempt, with another time, changes nothing."""
        first = table.put(a_record())
        assert table.put(replace(a_record(), upload_timestamp="2026-01-02T03:04:09Z", outcome="failed")) == first

    def test_another_execution_has_its_own_record(self, table: AuditTable) -> None:
        """The same image name under another execution is another record."""
        table.put(a_record())
        other = replace(a_record(execution="run-00002"), outcome="duplicate", reason="same_content")
        assert table.put(other) == other

    def test_many_records_are_added_together(self, table: AuditTable) -> None:
        """Adding the same ones again, as after a crash, changes nothing."""
        records = [a_record(f"{number}.jpg", f"run-{number:08}") for number in range(60)]
        table.put_many(records)
        table.put_many(records)
        assert [table.put(record) for record in records] == records
        table.put_many([])

    def test_a_batch_leaves_the_records_that_are_there(self, table: AuditTable) -> None:
        """Whoever wrote them: what a later attempt says otherwise is not written, and what is missing is added."""
        alone, in_batch = a_record("0.jpg", "run-00000000"), a_record("1.jpg", "run-00000001")
        table.put(alone)
        table.put_many([in_batch])
        added = a_record("2.jpg", "run-00000002")
        others = [replace(record, outcome="failed", reason="timeout") for record in (alone, in_batch)]
        table.put_many([*others, added])
        assert [table.put(record) for record in (*others, added)] == [alone, in_batch, added]

    def test_a_record_of_little_comes_back(self, table: AuditTable) -> None:
        """A failure that knows next to nothing is a record too."""
        record = AuditRecord(
            image_name="unknown",
            upload_timestamp="2026-01-02T03:04:05Z",
            alert_triggered=False,
            outcome="failed",
            reason="timeout",
            execution="run-00003",
            cause="a cause with \u00e9, \u72ac and a\nline break",
        )
        assert table.put(record) == record
        assert table.put(record) == record


class MemoContract:
    """Rules of `ports.WriteOnceStore`. Needs a fixture `write_once`: an empty one."""

    def test_nothing_is_remembered_at_first(self, write_once: WriteOnceStore) -> None:
        """An unknown name gives None."""
        assert write_once.recall("run-00001") is None

    def test_the_first_value_stays(self, write_once: WriteOnceStore) -> None:
        """Whoever remembers second is told the first value."""
        assert write_once.remember("run-00001", "https://dogs.example/1.jpg") == "https://dogs.example/1.jpg"
        assert write_once.remember("run-00001", "https://dogs.example/2.jpg") == "https://dogs.example/1.jpg"
        assert write_once.recall("run-00001") == "https://dogs.example/1.jpg"

    def test_names_do_not_mix(self, write_once: WriteOnceStore) -> None:
        """Each name has its own value, whatever characters it is made of."""
        names = ["run-1", "run-1/a", "run 1", "RUN-1", "\u72ac"]
        for name in names:
            write_once.remember(name, f"of {name}")
        assert [write_once.recall(name) for name in names] == [f"of {name}" for name in names]
