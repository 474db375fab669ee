"""Files that a user names are read to their end; an endless file or a pipe without a writer is an error."""

import errno
import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pupline.files import exists, matching, read_input


def a_pipe(path: Path) -> None:
    """Nothing writes to it."""
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    """As a server leaves it behind."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def a_long_file(path: Path) -> None:
    """A hole, which costs nothing."""
    with path.open("wb") as file:
        file.truncate(2_000_000)


UNFIT: dict[str, Callable[[Path], object]] = {
    "a named pipe (FIFO) that nothing writes to": a_pipe,
    "a socket": a_socket,
    "a directory": Path.mkdir,
    "longer than 1,000,000 bytes": a_long_file,
    "Too many levels of symbolic links": lambda path: path.symlink_to(path.name),
    "No such file or directory": lambda path: path.symlink_to("nowhere"),
}


def test_matching_finds_what_glob_finds(tmp_path: Path) -> None:
    """Stars within a name, fixed names, and files where a folder is expected."""
    for name in ("a/x/1.json", "a/y/2.json", "a/y/3.txt", "b/x/4.json", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in ("*", "*/*", "a/*/*.json", "*/x/*.json", "c/*", "none/*", "*/*/none"):
        assert matching(tmp_path, pattern) == sorted(tmp_path.glob(pattern))
    assert matching(tmp_path / "none", "*") == []


def test_matching_takes_no_folder_for_empty_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its user has changed, or too many files are open."""
    (tmp_path / "a").mkdir()
    listdir = os.listdir

    def failing(path: Path) -> list[str]:
        if path.name == "a":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", failing)
    with pytest.raises(PermissionError):
        matching(tmp_path, "*/*")


@pytest.mark.parametrize("why", UNFIT)
def test_what_is_no_file_is_said_and_never_waited_for(tmp_path: Path, why: str) -> None:
    """The error says what is there."""
    UNFIT[why](tmp_path / "it")
    with pytest.raises(OSError, match=re.escape(why)):
        read_input(tmp_path / "it", 1_000_000)


def test_a_device_without_an_end_ends_at_the_limit() -> None:
    """`/dev/zero` is longer than any definition."""
    with pytest.raises(OSError, match="longer than 1,000,000 bytes"):
        read_input(Path("/dev/zero"), 1_000_000)


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_a_pipe_with_a_writer_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    """As of `pupline validate <(make-definition)`, which is more than a pipe holds."""
    path, body = tmp_path / "pipe", b"x" * size
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(body,))
    keeper = os.open(path, os.O_RDWR)  # so that the writer is there, whichever thread is first
    writer.start()
    taken: list[bytes] = []
    reader = threading.Thread(target=lambda: taken.append(read_input(path)))
    reader.start()
    writer.join(10)
    os.close(keeper)
    reader.join(10)
    assert taken == [body]


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    """What a user names may be reached through links."""
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert read_input(tmp_path / "link") == b"text"


def test_what_cannot_be_found_out_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails for a moment must not make a database look like a lost one."""
    (tmp_path / "loop").symlink_to("loop")
    assert [exists(tmp_path / name) for name in ("", "none", "loop")] == [True, False, False]

    def fails(_path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "stat", fails)
    with pytest.raises(OSError, match="Input/output error"):
        exists(tmp_path)
