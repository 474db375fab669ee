"""What a worker does with its file descriptors, where there are few of them too."""

import os
from pathlib import Path

import pytest

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._descriptor_budget import FILES_KEPT_OPEN, DescriptorBudget, budget_of


@pytest.mark.parametrize("threads", [1, 16, 200, 1024])
@pytest.mark.parametrize("limit", [16, 64, 256, 1024, 20_000])
def test_no_share_is_more_than_there_is(limit: int, threads: int) -> None:
    """Together they leave some for name lookups and the like; at least one request is always possible."""
    found = budget_of(limit, threads)
    assert found.requests + found.idle + found.files <= limit - min(128, limit // 2)
    assert 1 <= found.requests <= threads
    assert min(found.idle, found.files) >= 0


def test_where_there_are_many_nothing_is_spared() -> None:
    """Each request may have its connection while as many idle ones are kept."""
    assert budget_of(20_000, 1024) == DescriptorBudget(1024, 1024, FILES_KEPT_OPEN)
    assert budget_of(64, 32) == DescriptorBudget(16, 16, 0)


def test_a_file_that_is_being_written_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread, which comes in between, closes its own: the rest would go to whatever has the number by then."""
    bodies, paths, write = BodyFiles(str(tmp_path), 0), [], os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        monkeypatch.undo()
        paths.append(bodies.write(b"another"))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    paths.append(bodies.write(b"first"))
    assert [Path(path).read_bytes() for path in paths] == [b"another", b"first"]
