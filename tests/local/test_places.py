"""A pipe, a socket, a directory or a link in the place of one of our files: said at once, and left alone."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pupline.errors import ConfigurationError, StorageError
from pupline.local import LocalBackend
from pupline.local.alerts._channels import to_file
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._subscriptions import checked_endpoint
from pupline.local.alerts._topic import Alert

ALERT = Alert("m-1", "r-1", "c-1", "arn", None, "A PNG", {}, 0.0)


def a_socket(path: Path) -> None:
    """As a server leaves it behind."""
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def a_file(path: Path) -> None:
    """Not ours."""
    path.write_text("in the way")


KINDS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": a_socket,
    "a directory": Path.mkdir,
    "a file": a_file,
    "which is not there": lambda path: path.symlink_to("nowhere"),
    "leads back to itself": lambda path: path.symlink_to(path.name),
}
FILES = ["lock", "pupline.sqlite", "pupline.sqlite-wal", "pupline.sqlite-shm", "pupline.sqlite-journal"]
CASES = [
    *((name, kind) for name in FILES for kind in KINDS if kind != "a file"),
    *((name, kind) for name in ("tmp", "buckets") for kind in KINDS if kind != "a directory"),
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_lies_in_the_place_of_ours_is_said(tmp_path: Path, name: str, kind: str) -> None:
    """One line that names the path and what is there; it is still there afterwards."""
    path = tmp_path / name
    KINDS[kind](path)
    before = os.lstat(path)
    for exclusive in [True, False] if name.startswith("pupline.sqlite") else [True]:
        with pytest.raises(ConfigurationError, match=f"{re.escape(str(path))} is a .*move it away"):
            LocalBackend.open(tmp_path, exclusive=exclusive)
    assert os.lstat(path).st_ino == before.st_ino
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["a pipe", "a socket"])
def test_what_lies_in_the_place_of_an_object_is_not_the_object(tmp_path: Path, kind: str) -> None:
    """Reading it neither waits nor gives other bytes."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        bucket = backend.bucket()
        bucket.put("html/rex.jpg", b"rex", "image/jpeg")
        (bucket.root / "html/rex.jpg").unlink()
        KINDS[kind](bucket.root / "html/rex.jpg")
        with pytest.raises(StorageError):
            bucket.read("html/rex.jpg")


@pytest.mark.parametrize("kind", ["a pipe", "a socket", "which is not there"])
def test_alerts_go_to_files_and_to_nothing_that_could_hold_them_up(tmp_path: Path, kind: str) -> None:
    """A pipe is refused where it is subscribed, and where one lies in the file's place later."""
    path = tmp_path / "alerts.jsonl"
    KINDS[kind](path)
    if kind == "which is not there":  # a link to a file that a delivery makes
        assert checked_endpoint("file", str(path)) == str(path)
        to_file(ALERT, str(path))
        assert (tmp_path / "nowhere").is_file()
        return
    with pytest.raises(ConfigurationError, match=kind):
        checked_endpoint("file", str(path))
    with pytest.raises(DeliveryFailed):
        to_file(ALERT, str(path))


def test_a_path_too_long_for_sqlite_is_told_so(tmp_path: Path) -> None:
    """The system takes 4,096 bytes and SQLite 512: permissions and disk are not to blame."""
    deep = tmp_path.joinpath(*["x" * 200] * 3)
    with pytest.raises(ConfigurationError, match="no path of more than about 500 bytes; give a data directory"):
        LocalBackend.open(deep, exclusive=True)
