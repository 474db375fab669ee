"""Lists that come through a pipe: read to their end once, and kept for a run that goes on."""

import io
import os
import threading
from pathlib import Path

import pytest

from pupline.errors import ConfigurationError, StorageError
from pupline.sources import is_piped, keep_piped, piped_for_now, resolve
from tests.sources.list_files import listed, urls_of

A, B = "https://a.org/1.jpg", "https://a.org/2.jpg"


def piped(data: bytes) -> str:
    """The name of a pipe that gives these bytes."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb") as out:
        out.write(data)
    return f"/dev/fd/{ours}"


def test_what_is_a_pipe(tmp_path: Path) -> None:
    """Standard input, descriptors, named pipes and devices; not files, directories and names of nothing."""
    os.mkfifo(tmp_path / "urls.csv")
    (tmp_path / "urls.txt").write_text(A)
    for value in ("-", "-#image", "/dev/stdin", "/dev/fd/63#2", "/proc/self/fd/0", "/dev/null", f"{tmp_path}/urls.csv"):
        assert is_piped(value), value
    for value in (
        f"{tmp_path}/urls.txt",
        f"{tmp_path}",
        "sample",
        "https://a.org/-",
        "s3://b/x.txt",
        "",
        "\0",
        "x" * 5000,
    ):
        assert not is_piped(value), value


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        (f"{A}\n{B}\n", ""),
        (f"# two\n{A}\n{B}\n", ""),
        (f"id;image_url\n1;{A}\n2;{B}\n", ""),
        (f"image;url\n{A};x\n{B};y\n", "#image"),
        (f'["{A}", "{B}"]', ""),
        (f'"{A}"\n{{"url": "{B}"}}\n', ""),
        (f'{{"URL": "{A}"}}\n{{"URL": "{B}"}}\n', ""),
    ],
)
def test_what_a_pipe_gives_is_told_by_its_content(tmp_path: Path, text: str, suffix: str) -> None:
    """As it has no name that would."""
    kept = keep_piped(piped(text.encode()) + suffix, tmp_path / "lists", tmp_path)
    assert urls_of(Path(kept.removesuffix(suffix)), suffix) == [A, B]
    source = resolve(kept)
    assert (source.name, source.dataset) == ("pipe", "pipe")


def test_the_same_list_is_kept_once_and_gone_on_with(tmp_path: Path) -> None:
    """Whoever pipes it in again names the same file, which has not changed; another list is another file."""
    data = "".join(f"https://a.org/{number}.jpg\n" for number in range(1500)).encode()
    first = keep_piped(piped(data), tmp_path / "lists", tmp_path)
    listing = resolve(first).open()
    listing.read(None, {})
    again = keep_piped(piped(data), tmp_path / "lists", tmp_path)
    assert again == first
    assert len(listed(resolve(again).open(position=listing.position()))) == 500
    assert keep_piped(piped(data[:-1]), tmp_path / "lists", tmp_path) != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lists"]


def test_a_named_pipe_keeps_its_name(tmp_path: Path) -> None:
    """Its format, its dataset and its records come from it."""
    fifo = tmp_path / "My Dogs.csv"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=(f"url;title\n{A};x\n",))
    writer.start()
    with piped_for_now(str(fifo)) as name:
        assert urls_of(Path(name)) == [A]
        assert (resolve(name).name, resolve(name).dataset) == ("My Dogs.csv", "my-dogs")
    writer.join()
    assert not Path(name).exists()


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `-`; where it is closed the user is told."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{A}\n".encode())))
    kept = keep_piped("-", tmp_path / "lists", tmp_path)
    assert (urls_of(Path(kept)), resolve(kept).name) == ([A], "stdin")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match="standard input is closed"):
        keep_piped("-", tmp_path / "lists", tmp_path)


def test_what_cannot_be_read_or_kept_is_told(tmp_path: Path) -> None:
    """A descriptor that is not open; a folder that is a file."""
    with pytest.raises(ConfigurationError, match="/dev/fd/999: it cannot be read"):
        keep_piped("/dev/fd/999", tmp_path / "lists", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the list cannot be kept"):
        keep_piped(piped(b"x"), tmp_path / "file" / "lists", tmp_path)


def test_files_whose_name_says_nothing(tmp_path: Path) -> None:
    """Are lists where they are there, and what is in them says of which kind; a preset of that name comes first."""
    (tmp_path / "urls").write_text(f"{A}\n")
    (tmp_path / "export.2026").write_text(f"id,src\n1,{A}\n")
    (tmp_path / "export.dat").write_text(f"id,src,url\n1,{B},{A}\n")
    assert urls_of(tmp_path / "urls") == urls_of(tmp_path / "export.2026") == urls_of(tmp_path / "export.dat") == [A]
    assert urls_of(tmp_path / "export.dat", "#src") == [B]
    with pytest.raises(ConfigurationError, match="it is a directory; name a file in it"):
        resolve(str(tmp_path))
    for value in ("-", "-#url"):
        with pytest.raises(ConfigurationError, match="read by pupline ingest and pupline sources test"):
            resolve(value)
