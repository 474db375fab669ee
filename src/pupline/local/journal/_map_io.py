"""Reading and writing of a Distributed Map in the local buckets: S3's part in `ItemReader` and `ResultWriter`.

Source: Step Functions developer guide, "ItemReader (Map)" and "ResultWriter (Map)".
"""

import hashlib
import json
from collections.abc import Callable
from itertools import islice

from pupline.asl import (
    Fact,
    ItemReaderError,
    ItemsRead,
    ReadItems,
    TaskFailed,
    TaskSucceeded,
    WriteResults,
    parse_items,
)
from pupline.errors import LocalTrouble, PuplineError
from pupline.json_values import JSON
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
            bucket = self._bucket_of(str(command.arguments["Bucket"]))
            if isinstance(command, WriteResults):
                return self._write(command, bucket, execution)
            if command.resource == _LIST:
                return ItemsRead(command.id, _listed(command, bucket))
            return ItemsRead(command.id, parse_items(bucket.read(str(command.arguments["Key"])), command.reader_config))
        except KeyError as err:
            return TaskFailed(command.id, "S3.NoSuchKey", f"The specified key does not exist: {err}")
        except ItemReaderError as err:
            return TaskFailed(command.id, "States.ItemReaderFailed", str(err))
        except LocalTrouble:
            raise
        except PuplineError as err:
            return TaskFailed(command.id, "S3.AmazonS3Exception", str(err))

    def _write(self, command: WriteResults, bucket: LocalBucket, execution: str) -> Fact:
        for name, content in command.files.items():
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            digest = hashlib.sha256(body).hexdigest()
            key = f"{command.key_prefix}{name}"
            held = bucket.create(ObjectToCreate(key, body, digest, "application/json", execution))
            if held.sha256 != digest:
                return TaskFailed(command.id, "S3.AmazonS3Exception", f"{key} exists with other results")
        return TaskSucceeded(command.id)


def _listed(command: ReadItems, bucket: LocalBucket) -> list[JSON]:
    """The objects below a prefix, each in the shape of ListObjectsV2 in a Distributed Map."""
    limit = int(command.reader_config.get("MaxItems") or 0) or None
    prefix = str(command.arguments.get("Prefix") or "")
    return [
        {
            "Etag": f'"{one.sha256}"',
            "Key": one.key,
            "LastModified": int(one.created_at),
            "Size": one.size_bytes,
            "StorageClass": "STANDARD",
        }
        for one in islice(bucket.objects(prefix), limit)
    ]
