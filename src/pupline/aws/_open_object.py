"""An object in S3 that is open for reading in parts: each part is asked for by the ETag that it had when opened."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

from pupline.aws._clients import error_code, storage_errors
from pupline.errors import StorageError
from pupline.tasks.ports import ObjectFacts

_PIECE = 256 * 1024
_CHANGED = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404", "InvalidRange", "416"})


@dataclass(frozen=True, slots=True)
class OpenS3Object:
    """Implements `pupline.tasks.ports.OpenObject`."""

    client: Any
    bucket: str
    facts: ObjectFacts

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, by one GetObject (see the port)."""
        if start >= stop:
            return
        with storage_errors(f"reading s3://{self.bucket}/{self.facts.key}"):
            left = stop - start
            with closing(self._get(start, stop)["Body"]) as body:
                for piece in body.iter_chunks(_PIECE):
                    left -= len(piece)
                    yield piece
        if left:
            raise StorageError(f"reading s3://{self.bucket}/{self.facts.key}: {left:,} bytes are missing")

    def close(self) -> None:
        """Nothing is held between parts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is held between parts."""

    def _get(self, start: int, stop: int) -> Any:
        from botocore.exceptions import ClientError

        try:
            return self.client.get_object(
                Bucket=self.bucket,
                Key=self.facts.key,
                Range=f"bytes={start}-{stop - 1}",
                IfMatch=f'"{self.facts.etag}"',
            )
        except ClientError as err:
            if error_code(err) in _CHANGED:
                raise StorageError(
                    f"s3://{self.bucket}/{self.facts.key} was replaced or deleted while it was read"
                ) from err
            raise
