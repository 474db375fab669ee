"""An object of any size, written from its start to its end with the memory of one part."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from pupline.tasks.ports import MultipartStore, PartTag

PART_BYTES = 16 * 1024 * 1024
"""Usual size of a part. S3 takes 10,000 parts: 160 GB."""


class StreamedObject:
    """Bytes on their way to one key. Until a part is full nothing is uploaded, and one put stores a small object.

    The bytes of a part depend on what was written before, not on when `as_json` was called: two processes that write
    the same upload its parts with the same bytes.
    """

    def __init__(self, store: MultipartStore, key: str, content_type: str, part_bytes: int) -> None:
        self._store = store
        self._key = key
        self._content_type = content_type
        self._part_bytes = part_bytes
        self._upload: str | None = None
        self._tags: list[PartTag] = []
        self._rest = bytearray()

    def write(self, data: bytes) -> None:
        """Append bytes. Raises: StorageError; NoSuchUpload where the upload that `resume` named is gone."""
        self._rest += data
        while len(self._rest) >= self._part_bytes:
            self._send(bytes(memoryview(self._rest)[: self._part_bytes]))
            del self._rest[: self._part_bytes]

    def flush(self) -> None:
        """Upload the rest as the last part, if there are parts already. Raises: as `write`."""
        if self._upload is not None and self._rest:
            self._send(bytes(self._rest))
            self._rest.clear()

    def close(self) -> None:
        """Make all that was written the object under the key. Raises: as `write`."""
        self.flush()
        if self._upload is None:
            self._store.put(self._key, bytes(self._rest), self._content_type)
        else:
            self._store.complete_upload(self._key, self._upload, self._tags)

    def as_json(self) -> dict[str, Any]:
        """What `resume` needs to continue in another process."""
        return {"upload": self._upload, "tags": self._tags, "rest": b64encode(self._rest).decode("ascii")}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Continue where another process was when it called `as_json`."""
        self._upload, self._tags = kept["upload"], list(kept["tags"])
        self._rest = bytearray(b64decode(kept["rest"]))

    def _send(self, part: bytes) -> None:
        if self._upload is None:
            self._upload = self._store.start_upload(self._key, self._content_type)
        self._tags.append(self._store.upload_part(self._key, self._upload, len(self._tags) + 1, part))
