"""What is put on the disk before what: a power cut at any instant leaves nothing acknowledged without its name."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.local import LocalBackend
from pupline.local.alerts._channels import to_file
from pupline.tasks.ports import ObjectToCreate
from tests.local.committer_fakes import Source
from tests.local.test_channels import ALERT

REX = "http://127.0.0.1/rex.jpg"


class Steps:
    """The steps towards the disk in a test: the inode of each fsync, and `link`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[int | str] = []
        fsync, link = os.fsync, os.link

        def synced(descriptor: int) -> None:
            self.taken.append(os.fstat(descriptor).st_ino)
            fsync(descriptor)

        def linked(*args: Any, **kwargs: Any) -> None:
            self.taken.append("link")
            link(*args, **kwargs)

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "link", linked)

    def before_link(self) -> set[int | str]:
        """What was synced before the first name was given."""
        return set(self.taken[: self.taken.index("link")])


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """A data directory in which a process was killed when it had made directories, and not synced them."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        (tmp_path / "buckets/dog-images/html/dogs").mkdir(parents=True)
        yield backend


def inodes(root: Path, *names: str) -> set[int | str]:
    """Of directories below `root`."""
    return {(root / name).stat().st_ino for name in names}


def test_a_directory_that_is_there_already_has_its_name_on_the_disk_first(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed process may have made it, or another thread a moment ago; once a process is enough."""
    steps = Steps(monkeypatch)
    for name in ("rex", "bella"):
        new = ObjectToCreate(f"html/dogs/{name}.jpg", b"x", hashlib.sha256(b"x").hexdigest(), "image/jpeg", name)
        backend.bucket().create(new)
    above = inodes(backend.data_dir, "", "buckets", "buckets/dog-images", "buckets/dog-images/html")
    assert above <= steps.before_link()
    assert all(steps.taken.count(inode) == 1 for inode in above)


def test_a_small_group_has_its_temporary_names_on_the_disk_before_others(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By those, recovery knows the files of a group that was not committed."""
    source = Source(backend)
    source.list_urls(REX)
    arrival = source.fetched(0, REX, b"rex")
    steps = Steps(monkeypatch)
    source.take_in(arrival)
    assert inodes(backend.data_dir, "tmp") <= steps.before_link()


def test_a_killed_group_is_removed_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files were moved and have no temporary names: those with the bytes of their rows go, others stay."""

    def no_links(*_args: Any, **_kwargs: Any) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    urls = [f"http://127.0.0.1/{name}.jpg" for name in ("rex", "bella")]
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        source = Source(backend)
        source.list_urls(*urls)
        source.take_in(*(source.fetched(at, url, url.encode()) for at, url in enumerate(urls)))
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'writing'"))
        root = backend.bucket().root
    (root / "html/dogs/bella.jpg").write_bytes(b"somebody's")
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert backend.database.rows("SELECT count(*) FROM objects") == [(0,)]
    assert [path.name for path in root.rglob("*.jpg")] == ["bella.jpg"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_new_data_directory_has_all_its_names_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories above it, too; and one whose maker was killed before that is synced at the next start."""
    steps = Steps(monkeypatch)
    LocalBackend.open(tmp_path / "some" / "new" / "place", exclusive=True).close()
    assert inodes(tmp_path, "", "some", "some/new") <= set(steps.taken)
    steps.taken.clear()
    (tmp_path / "some" / "other").mkdir()
    LocalBackend.open(tmp_path / "some" / "other", exclusive=True).close()
    assert inodes(tmp_path, "some") <= set(steps.taken)


def test_a_new_file_of_alerts_has_its_name_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert that counts as delivered is not in a file that a power cut takes away."""
    steps = Steps(monkeypatch)
    to_file(ALERT, str(tmp_path / "alerts.jsonl"))
    assert inodes(tmp_path, "") <= set(steps.taken)
