"""Reading and writing of a Distributed Map in the local buckets: S3's part in `ItemReader` and `ResultWriter`.

Source: Step Functions developer guide, "ItemReader (Map)" and "ResultWriter (Map)".
"""

import hashlib
from collections.abc import Callable, Iterator

from pupline.asl import (
    Fact,
    ReadItems,
    TaskFailed,
    TaskSucceeded,
    WriteResults,
    items_fact,
)
from pupline.errors import LocalTrouble, PuplineError
from pupline.json_values import JSON, AnyJSON
from pupline.local.bucket import LocalBucket
from pupline.tasks.ports import ObjectToCreate

_LIST = "arn:aws:states:::s3:listObjectsV2"


class LocalMapIO:
    """Carries out ReadItems and WriteResults. bucket_of: returns the bucket of a name."""

    def __init__(self, bucket_of: Callable[[str], LocalBucket]) -> None:
        self._bucket_of = bucket_of

    def carry_out(self, command: ReadItems | WriteResults, execution: str) -> Fact:
        """The answer to the command; a failure of the store is a TaskFailed like any other.

        Raises: LocalTrouble.
        """
        try:
            if isinstance(command, WriteResults):
                return self._write(command, self._bucket_of(str(command.arguments["Bucket"])), execution)
            return items_fact(command, self._call)
        except KeyError as err:
            return TaskFailed(command.id, "S3.NoSuchKey", f"The specified key does not exist: {err}")
        except LocalTrouble:
            raise
        except PuplineError as err:
            return TaskFailed(command.id, "S3.AmazonS3Exception", str(err))

    def _call(self, resource: str, arguments: AnyJSON) -> bytes | Iterator[JSON]:
        bucket = self._bucket_of(str(arguments["Bucket"]))
        return _listed(arguments, bucket) if resource == _LIST else bucket.read(str(arguments["Key"]))

    def _write(self, command: WriteResults, bucket: LocalBucket, execution: str) -> Fact:
        for name in command.files:
            body = command.body(name).encode("utf-8", "replace")
            digest = hashlib.sha256(body).hexdigest()
            key = f"{command.key_prefix}{name}"
            kind = "application/jsonl" if name.endswith(".jsonl") else "application/json"
            held = bucket.create(ObjectToCreate(key, body, digest, kind, execution))
            if held.sha256 != digest:
                return TaskFailed(command.id, "S3.AmazonS3Exception", f"{key} exists with other results")
        return TaskSucceeded(command.id)


def _listed(arguments: AnyJSON, bucket: LocalBucket) -> Iterator[JSON]:
    """The objects below a prefix, each in the shape of ListObjectsV2 in a Distributed Map."""
    prefix = str(arguments.get("Prefix") or "")
    for one in bucket.objects(prefix):
        yield {
            "Etag": f'"{one.sha256}"',
            "Key": one.key,
            "LastModified": int(one.created_at),
            "Size": one.size_bytes,
            "StorageClass": "STANDARD",
        }
