"""A directory as a bucket: nothing outside it, nothing overwritten, nothing half-written."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, InvalidInput, LocalTrouble, StorageError
from pupline.local import LocalBackend, NewIngest
from pupline.local.bucket import LocalBucket
from pupline.local.bucket._paths import candidates, folded
from pupline.local.data_dir._prepare import spread_directories
from pupline.tasks.ports import NoSuchUpload, ObjectToCreate


def an_object(key: str, body: bytes = b"rex", owner: str = "run-00001") -> ObjectToCreate:
    """An object to create, with the right hash."""
    return ObjectToCreate(key, body, hashlib.sha256(body).hexdigest(), "image/jpeg", owner)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[LocalBucket]:
    """An empty bucket."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        yield backend.bucket()


def files(bucket: LocalBucket) -> list[str]:
    """The paths of all files in the bucket's directory."""
    return sorted(str(path.relative_to(bucket.root)) for path in bucket.root.rglob("*") if path.is_file())


def test_an_object_lies_under_its_key(bucket: LocalBucket) -> None:
    """The path is the key, and the URL leads to it."""
    held = bucket.create(an_object("html/rex the dog.jpg"))
    assert files(bucket) == ["html/rex the dog.jpg"]
    assert held.url == (bucket.root / "html/rex the dog.jpg").as_uri()
    assert held.url.endswith("rex%20the%20dog.jpg")


@pytest.mark.parametrize(
    "key",
    ["../rex.jpg", "html/../../../rex.jpg", "/etc/rex.jpg", "a//rex.jpg", "a/./rex.jpg", "rex.jpg/", "a\\..\\rex.jpg",
     "~/rex.jpg", "a\x00b.jpg", "a\nb.jpg", "x" * 300 + ".jpg"],
)  # fmt: skip
def test_no_key_leaves_the_root(bucket: LocalBucket, tmp_path: Path, key: str) -> None:
    """A key that is no safe path is kept all the same, under its hash and inside the bucket."""
    held = bucket.create(an_object(key))
    assert held.key == key
    assert bucket.read(key) == b"rex"
    inside = [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"rex"]
    assert [path.parent for path in inside] == [bucket.root / "~"]


@given(st.text(min_size=1, max_size=200).filter(lambda key: key.isprintable() or "/" in key))
def test_every_candidate_stays_inside(key: str) -> None:
    """Whatever the key, each path has only plain parts of at most 255 bytes, and all differ, also when folded."""
    paths = list(candidates(key.encode("utf-8", "replace").decode()))
    assert len({folded(path) for path in paths}) == len(paths) >= 8
    for path in paths:
        for part in path.split("/"):
            assert part not in {"", ".", ".."}
            assert len(part.encode()) <= 255


def test_names_that_a_file_system_folds_get_other_paths(bucket: LocalBucket) -> None:
    """Case and Unicode form alone never lead to one path, whatever this file system does."""
    keys = ["html/Rex.jpg", "html/rex.jpg", "html/r\u00e9x.jpg", "html/re\u0301x.jpg", "HTML/rex.jpg"]
    for key in keys:
        bucket.create(an_object(key, key.encode()))
    assert [bucket.read(key) for key in keys] == [key.encode() for key in keys]
    assert len({folded(path) for path in files(bucket)}) == len(keys)
    assert sorted(one.key for one in bucket.objects()) == sorted(keys)


def test_a_foreign_file_is_never_overwritten(bucket: LocalBucket) -> None:
    """Somebody else's file keeps its place and bytes; the object goes beside it."""
    (bucket.root / "html").mkdir(parents=True)
    (bucket.root / "html" / "rex.jpg").write_bytes(b"mine, says somebody")
    bucket.create(an_object("html/rex.jpg"))
    assert (bucket.root / "html" / "rex.jpg").read_bytes() == b"mine, says somebody"
    assert bucket.read("html/rex.jpg") == b"rex"


@pytest.mark.parametrize("linked", ["html", "../dog-images", "../../buckets"])
def test_a_linked_directory_is_refused(bucket: LocalBucket, tmp_path: Path, linked: str) -> None:
    """A symbolic link on the way is not followed: nothing is written where it leads."""
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    link = Path(os.path.normpath(bucket.root / linked))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    with pytest.raises(StorageError, match="symbolic link"):
        bucket.create(an_object("html/rex.jpg"))
    assert list(elsewhere.iterdir()) == []


def test_a_linked_file_is_not_followed(bucket: LocalBucket, tmp_path: Path) -> None:
    """A link where the object would go is somebody's: it stays, and what it leads to stays."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (bucket.root / "html").mkdir(parents=True)
    (bucket.root / "html" / "rex.jpg").symlink_to(secret)
    bucket.create(an_object("html/rex.jpg"))
    assert (secret.read_bytes(), bucket.read("html/rex.jpg")) == (b"secret", b"rex")


def test_objects_are_found_by_their_hash(bucket: LocalBucket) -> None:
    """All keys with these bytes, and no other."""
    for key in ("quarantine/rex.jpg", "html/rex.jpg"):
        bucket.create(an_object(key))
    bucket.create(an_object("html/ben.jpg", b"ben"))
    assert bucket.keys_of(hashlib.sha256(b"rex").hexdigest()) == ["html/rex.jpg", "quarantine/rex.jpg"]


@pytest.mark.parametrize("replacement", ["nothing", "pipe"])
def test_what_is_not_the_file_does_not_hold_its_bytes(bucket: LocalBucket, replacement: str) -> None:
    """Only a file of the bucket itself does."""
    path = bucket.root / "html" / "rex.jpg"
    bucket.create(an_object("html/rex.jpg"))
    sha256 = hashlib.sha256(b"rex").hexdigest()
    assert bucket.files.holds("html/rex.jpg", sha256)
    assert not bucket.files.holds("html/rex.jpg", "0" * 64)
    path.unlink()
    if replacement == "pipe":
        os.mkfifo(path)
    assert not bucket.files.holds("html/rex.jpg", sha256)


def test_only_a_file_with_these_bytes_is_removed_for_them(bucket: LocalBucket) -> None:
    """Somebody's file of the same name stays."""
    bucket.create(an_object("html/rex.jpg"))
    assert not bucket.files.remove_holding("html/rex.jpg", "0" * 64)
    assert files(bucket) == ["html/rex.jpg"]
    assert bucket.files.remove_holding("html/rex.jpg", hashlib.sha256(b"rex").hexdigest())
    assert files(bucket) == []


def test_a_link_in_the_place_of_an_object_is_not_read(bucket: LocalBucket, tmp_path: Path) -> None:
    """A file, or its folder, that was replaced by a symbolic link or a pipe is not opened."""
    bucket.create(an_object("html/rex.jpg"))
    path = bucket.root / "html" / "rex.jpg"
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "rex.jpg").write_bytes(b"secret")
    path.unlink()
    path.symlink_to(tmp_path / "secret" / "rex.jpg")
    with pytest.raises(StorageError):
        bucket.open_object("html/rex.jpg")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StorageError, match="is a pipe"):
        bucket.open_object("html/rex.jpg")
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path / "secret")
    with pytest.raises(StorageError, match="symbolic link"):
        bucket.open_object("html/rex.jpg")


def test_a_deleted_file_frees_its_key(bucket: LocalBucket) -> None:
    """Nothing is called stored that is not there: after `rm`, reading says so and creating stores again."""
    bucket.create(an_object("html/rex.jpg"))
    (bucket.root / "html" / "rex.jpg").unlink()
    with pytest.raises(KeyError):
        bucket.read("html/rex.jpg")
    assert bucket.create(an_object("html/rex.jpg", b"new", "run-00002")).owner == "run-00002"
    assert bucket.read("html/rex.jpg") == b"new"


def test_changed_bytes_are_not_passed_on(bucket: LocalBucket) -> None:
    """A file that was edited in place is an error that names it, not an image."""
    bucket.create(an_object("html/rex.jpg"))
    (bucket.root / "html" / "rex.jpg").write_bytes(b"edited")
    with pytest.raises(StorageError, match=r"rex\.jpg was changed after it was stored"):
        bucket.read("html/rex.jpg")


def test_a_changed_file_is_not_taken_for_a_duplicate(bucket: LocalBucket) -> None:
    """The same bytes again are stored beside the edited file, which stays: a record never points at other bytes."""
    bucket.create(an_object("html/rex.jpg"))
    edited = bucket.root / "html" / "rex.jpg"
    edited.write_bytes(b"edited")
    held = bucket.create(an_object("html/rex.jpg", owner="run-00002"))
    assert (held.owner, bucket.read("html/rex.jpg"), edited.read_bytes()) == ("run-00002", b"rex", b"edited")
    assert held.url != edited.as_uri()


def test_a_wrong_hash_is_refused(bucket: LocalBucket) -> None:
    """Bytes that are not those of their SHA-256 are not stored."""
    with pytest.raises(StorageError, match="do not have the SHA-256"):
        bucket.create(ObjectToCreate("html/rex.jpg", b"rex", "00" * 32, "image/jpeg", "run-00001"))
    assert list(bucket.objects()) == []


@pytest.mark.parametrize("key", ["", "x" * 1025, "\u00e9" * 513, "a\ud800b"])
def test_an_impossible_key_is_invalid_input(bucket: LocalBucket, key: str) -> None:
    """S3's limits on keys hold here too."""
    with pytest.raises(InvalidInput, match="1 to 1024 bytes"):
        bucket.create(an_object(key))


def test_a_full_disk_leaves_no_part_file(bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ENOSPC is a StorageError that says what to do; nothing is stored, and the next attempt works."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"no room .*free some space"):
            bucket.create(an_object("html/rex.jpg"))
    assert (files(bucket), list((tmp_path / "tmp").iterdir()), list(bucket.objects())) == ([], [], [])
    bucket.create(an_object("html/rex.jpg"))
    assert bucket.read("html/rex.jpg") == b"rex"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_links_works_too(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where hard links are not to be had, the file is renamed, and still overwrites nothing."""

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", no_links)
    (bucket.root / "html").mkdir(parents=True)
    (bucket.root / "html" / "foreign.jpg").write_bytes(b"foreign")
    bucket.create(an_object("html/rex.jpg"))
    bucket.create(an_object("html/foreign.jpg"))
    assert (bucket.read("html/rex.jpg"), bucket.read("html/foreign.jpg")) == (b"rex", b"rex")
    assert (bucket.root / "html" / "foreign.jpg").read_bytes() == b"foreign"


def _fail_for_directories(number: int) -> Callable[[int], None]:
    """An fsync that fails with this number for directories alone."""
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    return failing


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_directories_works_too(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """CIFS and some of FUSE have no fsync of directories: objects are stored there all the same."""
    monkeypatch.setattr(os, "fsync", _fail_for_directories(number))
    bucket.create(an_object("html/rex.jpg"))
    assert bucket.read("html/rex.jpg") == b"rex"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_directory_that_did_not_reach_the_disk_is_local_trouble(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A write that went wrong is never taken for a missing fsync: nothing counts as stored."""
    monkeypatch.setattr(os, "fsync", _fail_for_directories(number))
    with pytest.raises(LocalTrouble):
        bucket.create(an_object("html/rex.jpg"))


def test_a_bucket_on_another_file_system_is_local_trouble(bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume of its own for the buckets would fail every image: it is told once, with what to do."""

    def elsewhere(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", elsewhere)
    with pytest.raises(LocalTrouble, match="mount the whole of it as one"):
        bucket.create(an_object("html/rex.jpg"))


def test_recovery_finishes_what_is_whole_and_forgets_the_rest(tmp_path: Path) -> None:
    """After a crash: a whole file is stored under its first owner, an intent without a file goes, part files go."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        bucket = backend.bucket()
        bucket.create(an_object("html/whole.jpg"))
        bucket.create(an_object("html/lost.jpg"))
        (bucket.root / "html" / "lost.jpg").unlink()
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'writing'"))
        (tmp_path / "tmp" / "123-dog-images-0").write_bytes(b"part")
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        bucket = backend.bucket()
        assert [(one.key, one.owner) for one in bucket.objects()] == [("html/whole.jpg", "run-00001")]
        assert list((tmp_path / "tmp").iterdir()) == []
        assert bucket.create(an_object("html/whole.jpg", owner="run-00002")).owner == "run-00001"
        assert bucket.create(an_object("html/lost.jpg", b"found", "run-00002")).owner == "run-00002"


def test_the_listing_is_by_key_and_prefix(bucket: LocalBucket) -> None:
    """Objects come in the order of their keys; a prefix is a text, not a pattern."""
    for key in ["html/b.jpg", "html/a.jpg", "html%/c.jpg", "quarantine/a.jpg"]:
        bucket.create(an_object(key))
    assert [one.key for one in bucket.objects("html/")] == ["html/a.jpg", "html/b.jpg"]
    assert [(one.key, one.size_bytes, one.content_type) for one in bucket.objects("html%")] == [
        ("html%/c.jpg", 3, "image/jpeg")
    ]


@pytest.mark.parametrize("name", ["..", "a/b", "UPPER", ".dog", "ab"])
def test_a_bucket_has_an_s3_name(tmp_path: Path, name: str) -> None:
    """The bucket's name is a directory's: S3's rule keeps it inside."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend, pytest.raises(ConfigurationError, match="bucket name"):
        backend.bucket(name)


def test_putting_moves_a_file_and_leaves_none(bucket: LocalBucket, tmp_path: Path) -> None:
    """Neither bytes nor a file put leave anything in tmp; one file holds the object, at its key."""
    (tmp_path / "tmp").mkdir()
    large = tmp_path / "tmp" / "large"
    large.write_bytes(b"x" * 100_000)
    bucket.put("datasets/a.jsonl", large, "application/jsonl")
    bucket.put("datasets/a.jsonl", b"small", "text/plain")
    assert (files(bucket), list((tmp_path / "tmp").iterdir())) == (["datasets/a.jsonl"], [])
    [one] = bucket.objects()
    assert (one.size_bytes, one.content_type, one.path.read_bytes()) == (5, "text/plain", b"small")
    assert bucket.path("datasets/a.jsonl") == one.path
    assert bucket.path("datasets/b.jsonl") is None


@pytest.mark.parametrize("is_file", [False, True])
def test_a_put_is_named_after_its_bytes_are_on_the_disk(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    """The file is synced once, then named or renamed, and then the directory that holds the name is synced."""
    steps: list[str] = []
    fsync = os.fsync

    def noted(name: str) -> Callable[..., None]:
        real: Callable[..., None] = getattr(os, name)

        def step(*args: Any, **options: Any) -> None:
            [(overwrites,)] = bucket._database.rows("SELECT count(*) FROM overwrites")
            steps.append(f"{name}, {overwrites} in the journal")
            real(*args, **options)

        return step

    def synced(descriptor: int) -> None:
        steps.append("fsync directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    bucket.put("datasets/first", b"makes the directory", "text/plain")
    monkeypatch.setattr(os, "fsync", synced)
    for name in ("link", "rename"):
        monkeypatch.setattr(os, name, noted(name))
    files = [bucket.files.tmp / "one", bucket.files.tmp / "two"]
    for file in files:
        file.write_bytes(b"bytes of a file")
    bodies = files if is_file else [b"one", b"two"]
    bucket.put("datasets/a", bodies[0], "text/plain")
    new, steps[:] = list(steps), []
    bucket.put("datasets/a", bodies[1], "text/plain")
    assert [step for step, _ in groupby(new)] == ["fsync file", "link, 0 in the journal", "fsync directory"]
    assert (new.count("fsync file"), steps.count("fsync file")) == (1, 1)
    assert [step for step, _ in groupby(steps)] == ["fsync file", "rename, 1 in the journal", "fsync directory"]


def test_putting_never_replaces_a_foreign_file(bucket: LocalBucket) -> None:
    """What is in no table is somebody's: the object goes beside it, also the second time."""
    (bucket.root / "datasets").mkdir(parents=True)
    (bucket.root / "datasets" / "a.json").write_bytes(b"mine, says somebody")
    for body in (b"one", b"two"):
        bucket.put("datasets/a.json", body, "application/json")
        assert bucket.read("datasets/a.json") == body
    assert (bucket.root / "datasets" / "a.json").read_bytes() == b"mine, says somebody"
    assert len(files(bucket)) == 2


@pytest.mark.parametrize("step", ["replace", "_end_overwrite"])
def test_a_put_that_was_killed_is_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Before the next start, and after it, reading gives whole bytes, and they stay the same."""

    def die(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        bucket = backend.bucket()
        bucket.put("a.json", b"old", "application/json")
        monkeypatch.setattr(bucket.files if step == "replace" else bucket, step, die)
        with pytest.raises(KeyboardInterrupt):
            bucket.put("a.json", b"new", "application/json")
        seen = bucket.read("a.json")
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert backend.bucket().read("a.json") == seen == (b"old" if step == "replace" else b"new")
        assert backend.database.rows("SELECT 1 FROM overwrites") == []
        backend.bucket().put("a.json", b"newest", "application/json")
        assert backend.bucket().read("a.json") == b"newest"


def test_recovery_undoes_what_a_group_had_begun(tmp_path: Path) -> None:
    """Its own files go, known by the temporary names they still have; somebody's file with the same bytes stays."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        backend.ingests.open(NewIngest(run_id="run-1", dataset="dogs", source="test", settings={}))
        bucket = backend.bucket()
        for number, owner in enumerate(["run-1-00000000", "run-1-00000001", "run-1-00000002", "run-00001"]):
            bucket.create(an_object(f"html/{number}.jpg", owner=owner))
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'writing'"))
        os.link(bucket.root / "html/0.jpg", tmp_path / "tmp" / "ingest-1-0")
        (bucket.root / "html/2.jpg").unlink()
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert files(backend.bucket()) == ["html/1.jpg", "html/3.jpg"]
        assert [one.key for one in backend.bucket().objects()] == ["html/3.jpg"]
        assert list((tmp_path / "tmp").iterdir()) == []


def test_spreading_directories_is_only_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system does not know it, or there is none, nothing happens; a data directory is made anyway."""

    def unknown(*_args: Any) -> None:
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    spread_directories(tmp_path / "nowhere")
    monkeypatch.setattr("fcntl.ioctl", unknown)
    LocalBackend.open(tmp_path / "data", exclusive=True).close()
    assert (tmp_path / "data" / "pupline.sqlite").exists()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES])
def test_a_file_that_cannot_be_opened_now_is_not_a_file_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Neither a second copy, nor a forgotten object: local trouble, and all is as before when it has passed."""

    def fail(*_args: Any, **_options: Any) -> int:
        raise OSError(number, os.strerror(number))

    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        bucket = backend.bucket()
        held = bucket.create(an_object("html/rex.jpg", owner="r-1"))
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'writing'"))
        with monkeypatch.context() as broken:
            broken.setattr("os.open", fail)
            with pytest.raises(LocalTrouble):
                bucket.create(an_object("html/rex.jpg", owner="r-2"))
            with pytest.raises(LocalTrouble):
                bucket.settle()
        assert bucket.create(an_object("html/rex.jpg", owner="r-2")) == held
        assert files(bucket) == ["html/rex.jpg"]


def test_an_upload_leaves_nothing_but_its_object(bucket: LocalBucket, tmp_path: Path) -> None:
    """No part file, no name to continue it by."""
    upload = bucket.start_upload("a/large", "text/plain")
    for number, part in enumerate((b"1", b"2", b"two"), start=1):
        bucket.upload_part("a/large", upload, min(number, 2), part)
    bucket.complete_upload("a/large", upload, [{}, {}])
    assert bucket.read("a/large") == b"1two"
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(NoSuchUpload):
        bucket.upload_part("a/large", upload, 3, b"3")
    with pytest.raises(NoSuchUpload):
        bucket.complete_upload("a/large", upload, [{}, {}])
