"""What a worker does with its file descriptors, where there are few of them too."""

import os
from pathlib import Path

import pytest

from pupline.bulk._bodies import Bodies
from pupline.bulk._descriptors import FILES_KEPT_OPEN, Descriptors, shares_of


@pytest.mark.parametrize("threads", [1, 16, 200, 1024])
@pytest.mark.parametrize("limit", [16, 64, 256, 1024, 20_000])
def test_no_share_is_more_than_there_is(limit: int, threads: int) -> None:
    """All of them together leave something for lookups and the like; something can always be asked for."""
    found = shares_of(limit, threads)
    assert found.requests + found.idle + found.files <= limit - min(128, limit // 2)
    assert 1 <= found.requests <= threads
    assert min(found.idle, found.files) >= 0


def test_where_there_are_many_nothing_is_spared() -> None:
    """Each request may have its connection while as many idle ones are kept."""
    assert shares_of(20_000, 1024) == Descriptors(1024, 1024, FILES_KEPT_OPEN)
    assert shares_of(64, 32) == Descriptors(16, 16, 0)


def test_a_file_that_is_being_written_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread, which comes in between, closes its own: the rest would go to whatever has the number by then."""
    bodies, paths, write = Bodies(str(tmp_path), 0), [], os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        monkeypatch.undo()
        paths.append(bodies.write(b"another"))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    paths.append(bodies.write(b"first"))
    assert [Path(path).read_bytes() for path in paths] == [b"another", b"first"]
