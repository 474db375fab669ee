"""The ports over a directory and SQLite keep the rules of the ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from pupline.tasks.ports import AuditTable, ObjectStore, WriteOnceStore
from tests.contract.port_contracts import AuditTableContract, MemoContract, ObjectStoreContract


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory."""
    with LocalBackend.open(tmp_path, exclusive=True) as opened:
        yield opened


class TestLocalBucket(ObjectStoreContract):
    """A directory as a bucket."""

    @pytest.fixture
    def store(self, backend: LocalBackend) -> ObjectStore:
        """The bucket of that directory."""
        return backend.bucket()

    @pytest.fixture
    def aside(self, backend: LocalBackend) -> Path:
        """A file where temporary files go, so that it can be moved into the bucket."""
        (backend.data_dir / "tmp").mkdir()
        return backend.data_dir / "tmp" / "aside"


class TestLocalAuditTable(AuditTableContract):
    """A table in SQLite."""

    @pytest.fixture
    def table(self, backend: LocalBackend) -> AuditTable:
        """Its audit table."""
        return backend.audit


class TestLocalMemo(MemoContract):
    """Rows in SQLite."""

    @pytest.fixture
    def write_once(self, backend: LocalBackend) -> WriteOnceStore:
        """Its store."""
        return backend.write_once
