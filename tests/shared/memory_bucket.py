"""A bucket in memory, for tests of what is put into one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pupline.tasks.ports import ObjectToCreate, StoredObject


class MemoryBucket:
    """Implements `pupline.tasks.ports.ObjectStore`. held: bytes by key. puts: keys in the order of their puts."""

    def __init__(self, held: dict[str, bytes] | None = None) -> None:
        self.held = dict(held or {})
        self.puts: list[str] = []

    def create(self, new: ObjectToCreate) -> StoredObject:
        """Hold the object."""
        self.held.setdefault(new.key, new.body)
        return StoredObject(new.key, new.sha256, new.owner, f"memory:{new.key}")

    def put(self, key: str, body: bytes | Path, content_type: str) -> str:  # noqa: ARG002 - the port's
        """Hold the bytes, in the place of what was there."""
        self.held[key] = body.read_bytes() if isinstance(body, Path) else body
        self.puts.append(key)
        return f"memory:{key}"

    def read(self, key: str) -> bytes:
        """The bytes. Raises: KeyError."""
        return self.held[key]

    def delete(self, keys: Sequence[str]) -> int:
        """Hold them no longer."""
        return len([key for key in keys if self.held.pop(key, None) is not None])

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys that begin with `prefix` and follow `after`, sorted."""
        return iter(sorted(key for key in self.held if key.startswith(prefix) and key > after))
