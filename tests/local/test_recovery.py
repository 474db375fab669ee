"""What the next start does about whatever lies in a data directory."""

import fcntl
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, StorageError
from pupline.local import LocalBackend, layout_problem, plan_recovery
from pupline.local.bucket._tmp import UndeletedFiles, _Clearing, clear, entries


def opened(data_dir: Path) -> UndeletedFiles | None:
    """Start once; what could not be removed."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        return backend.undeleted


def deep(folder: Path) -> None:
    """A thousand folders, each in the other: too deep for recursion, and for a path."""
    current = os.open(folder, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("nested", dir_fd=current)
        below = os.open("nested", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)


def locked(folder: Path) -> None:
    """Folders that nobody may read, enter or write to, with something in them."""
    (folder / "closed" / "within").mkdir(parents=True)
    (folder / "closed" / "within" / "file").write_text("")
    (folder / "closed" / "within").chmod(0)
    (folder / "closed").chmod(0)
    (folder / "file").write_text("")
    (folder / "file").chmod(0)


def bind_socket(folder: Path) -> None:
    """A socket's file."""
    here = Path.cwd()
    os.chdir(folder)  # its path is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    os.chdir(here)


def listing(folder: Path) -> None:
    """What an ingest through the state machine leaves when it is killed while it lists."""
    (folder / "manifest-x").mkdir()
    (folder / "manifest-x" / "manifest.jsonl").write_text("{}\n")


LEFT: dict[str, Callable[[Path], object]] = {
    "an empty folder": lambda folder: (folder / "manifest-x").mkdir(),
    "the folder of a listing": listing,
    "a thousand folders deep": deep,
    "a link to nothing": lambda folder: (folder / "link").symlink_to("nowhere"),
    "a link to itself": lambda folder: (folder / "link").symlink_to("link"),
    "a pipe": lambda folder: os.mkfifo(folder / "pipe"),
    "a socket": bind_socket,
    "a name that is no text": lambda folder: (Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe"))).mkdir(),
    "names of all kinds": lambda folder: [(folder / name).write_text("") for name in (".x", "a\nb", "-rf", "é" * 80)],
    "what nobody may read": locked,
}


@pytest.mark.parametrize("left", LEFT)
def test_whatever_lies_in_tmp_is_removed(tmp_path: Path, left: str) -> None:
    """A start after a kill empties `tmp`, whatever is there, and the data directory can be used."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    LEFT[left](folder)
    with LocalBackend.open(tmp_path, exclusive=False, create=True) as backend:
        assert plan_recovery(tmp_path, backend.database).temporary > 0
    assert opened(tmp_path) is None
    assert list(folder.iterdir()) == []
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert plan_recovery(tmp_path, backend.database).temporary == 0


def test_links_are_removed_and_never_followed(tmp_path: Path) -> None:
    """A link in `tmp`, or in a folder there, costs what it leads to nothing: neither its files nor its permissions."""
    outside, folder = tmp_path / "outside", tmp_path / "data" / "tmp"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    outside.chmod(0o500)
    (folder / "inner").mkdir(parents=True)
    for place in (folder, folder / "inner"):
        (place / "to-folder").symlink_to(outside)
        (place / "to-file").symlink_to(outside / "precious")
    assert opened(tmp_path / "data") is None
    assert list(folder.iterdir()) == []
    assert (outside / "precious").read_text() == "kept"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500
    outside.chmod(0o700)


@pytest.fixture
def immutable(tmp_path: Path) -> Iterator[Path]:
    """A file in `tmp` that cannot be removed; skipped where the file system knows nothing of it, or we may not."""
    folder = tmp_path / "tmp" / "inner"
    folder.mkdir(parents=True)
    path = folder / "sta\x1by"
    path.write_text("")
    if not flagged(path, 0x10):
        pytest.skip("no file can be made immutable here")
    yield path
    for file in tmp_path.rglob("sta*"):
        flagged(file, 0)


def flagged(path: Path, flags: int) -> bool:
    """Set the flags that chattr sets (FS_IOC_SETFLAGS; FS_IMMUTABLE_FL is 0x10); whether that could be done."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, 0x40086602, flags.to_bytes(8, sys.byteorder))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_what_cannot_be_removed_is_told_and_stops_nothing(tmp_path: Path, immutable: Path) -> None:
    """One line with the name, escaped, and the reason; everything else is removed."""
    (tmp_path / "tmp" / "other").write_text("")
    undeleted = opened(tmp_path)
    assert undeleted is not None
    assert (undeleted.count, undeleted.first, undeleted.reason) == (1, "inner", "Operation not permitted")
    assert str(undeleted).startswith(
        f"{tmp_path / 'tmp'} is pupline's own, to be emptied at each start, and 1 entry of it"
    )
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["inner"]
    assert immutable.exists()
    assert opened(tmp_path) == undeleted


def test_a_stuck_entry_is_told_as_one_line_of_text() -> None:
    """Names from outside reach a terminal escaped, those that are no text too."""
    told = str(UndeletedFiles(Path("/data/tmp"), 3, os.fsdecode(b"a\n\x1b[31m\xff"), "Operation not permitted"))
    assert told == (
        "/data/tmp is pupline's own, to be emptied at each start, and 3 entries of it cannot be removed "
        r"('a\n\x1b[31m\xff': Operation not permitted); remove what is there by hand"
    )


NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name).map(os.fsdecode)
TREES = st.recursive(
    st.sampled_from(["file", "link", "pipe"]),
    lambda inner: st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), inner, max_size=4),
    max_leaves=12,
)


@given(tree=st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), TREES, max_size=4))
def test_any_tree_is_cleared(tree: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files, links, pipes and folders of any shape and name: nothing is left, and what was there is counted."""
    folder = tmp_path_factory.mktemp("tree")

    def grow(place: Path, what: dict[str, object]) -> None:
        for name, kind in what.items():
            path = place / name
            if isinstance(kind, dict):
                path.mkdir()
                grow(path, kind)
            elif kind == "pipe":
                os.mkfifo(path)
            elif kind == "link":
                path.symlink_to("..")
            else:
                path.write_bytes(b"x")

    grow(folder, tree)
    assert len(entries(folder)) == len(tree)
    assert clear(folder) is None
    assert list(folder.iterdir()) == []
    folder.rmdir()


# ---------------------------------------------------------------- other things in the way

IN_THE_WAY = {
    "lock": "a directory",
    "tmp": "a file",
    "buckets": "a file",
    "buckets/dog-images": "a file",
    "pupline.sqlite": "a directory",
    "pupline.sqlite-wal": "a directory",
}


@pytest.mark.parametrize("name", IN_THE_WAY)
@pytest.mark.parametrize("kind", ["other", "link", "pipe"])
def test_what_is_in_the_way_is_named(tmp_path: Path, name: str, kind: str) -> None:
    """One line that says what stands where, and what to do; nothing is changed by it."""
    path, outside = tmp_path / "data" / name, tmp_path / "outside"
    path.parent.mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_text("kept")
    is_what = {"link": "a symbolic link", "pipe": "a pipe"}.get(kind, IN_THE_WAY[name])
    if kind == "link":
        path.symlink_to(outside if IN_THE_WAY[name] == "a file" else outside / "precious")
    elif kind == "pipe":
        os.mkfifo(path)
    elif IN_THE_WAY[name] == "a file":
        path.write_text("")
    else:
        path.mkdir()
    with pytest.raises(ConfigurationError, match=rf"{path} is {is_what}; pupline needs .* there, for .*: move it away"):
        LocalBackend.open(tmp_path / "data", exclusive=True)
    assert layout_problem(tmp_path / "data") is not None
    assert (outside / "precious").read_text() == "kept"


def test_a_link_in_the_bucket_is_told_and_not_followed(tmp_path: Path) -> None:
    """An object that was being written below what is now a link cannot be finished; what the link leads to stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.jpg").write_text("kept")
    data = tmp_path / "data"
    with LocalBackend.open(data, exclusive=True) as backend:
        insert = (
            "INSERT INTO objects (bucket, key, path, folded_path, sha256, size_bytes, content_type, owner, state,"
            " created_at) VALUES ('dog-images', ?1, ?1, ?1, 'x', 1, 'image/jpeg', 'a', 'writing', 0)"
        )
        backend.database.write(lambda connection: connection.execute(insert, ("html/a.jpg",)).rowcount)
        assert plan_recovery(data, backend.database).begun == 1
    (data / "buckets" / "dog-images").mkdir(parents=True)
    (data / "buckets" / "dog-images" / "html").symlink_to(outside)
    with pytest.raises(StorageError, match=r"'html' in .* is a file or a symbolic link, not a directory: move it away"):
        LocalBackend.open(data, exclusive=True)
    assert (outside / "a.jpg").read_text() == "kept"


def test_a_tmp_that_cannot_be_opened_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could be stored then, so the run stops, with one line."""
    (tmp_path / "tmp").mkdir()

    def refused(_folder: Path) -> UndeletedFiles | None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "tmp"))

    monkeypatch.setattr("pupline.local.bucket._recovery.clear", refused)
    with pytest.raises(StorageError, match=r"what a killed process left in .* cannot be cleared: .*Permission denied"):
        LocalBackend.open(tmp_path, exclusive=True)


def test_what_is_gone_meanwhile_is_not_undeleted(tmp_path: Path) -> None:
    """A file that something else removes while tmp is cleared is no trouble; the others are removed all the same."""
    for name in "ab":
        (tmp_path / name).write_text("")
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        clearing = _Clearing(root)
        (tmp_path / "b").unlink()
        assert clearing.run() == {}
    finally:
        os.close(root)
    assert list(tmp_path.iterdir()) == []


def test_a_tmp_that_cannot_be_read_is_an_error_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan changes nothing, and says what it could not see."""

    def refused(_folder: Path) -> list[os.stat_result]:
        raise PermissionError(13, "Permission denied")

    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        monkeypatch.setattr("pupline.local.bucket._recovery.entries", refused)
        with pytest.raises(StorageError, match=r"tmp cannot be read: Permission denied"):
            plan_recovery(tmp_path, backend.database)


def test_another_file_system_in_tmp_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mounted there is somebody's: it is told, and nothing in it is removed."""
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "precious").write_text("kept")
    (tmp_path / "other").write_text("")
    root = tmp_path.stat()
    monkeypatch.setattr("pupline.local.bucket._tmp.os.fstat", lambda _: os.stat_result([*root[:2], -1, *root[3:]]))
    undeleted = clear(tmp_path)
    assert undeleted is not None
    assert (undeleted.first, undeleted.reason) == ("mounted", "another file system is mounted there")
    assert [path.name for path in tmp_path.rglob("*")] == ["mounted", "precious"]
