"""Objects in S3: conditional writes, so that nothing is ever overwritten."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

from pupline.aws._clients import ATTEMPTS, error_code, storage_errors
from pupline.aws._open_object import OpenS3Object
from pupline.errors import StorageError
from pupline.tasks.ports import NoSuchUpload, ObjectFacts, ObjectToCreate, PartTag, StoredObject

_TAKEN = frozenset({"PreconditionFailed", "412"})

_CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
"""Another conditional write of the key was under way. Source: S3, "Conditional writes": retry the upload."""

# Without s3:ListBucket, which the functions do not need, S3 answers AccessDenied for a missing key.
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})

_DELETED_AT_ONCE = 1000
"""The most that DeleteObjects takes."""

_DOMAINS = {
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""The domains of partitions outside amazonaws.com. Source: endpoints.json of the AWS SDKs."""


class S3Store:
    """Implements the ports MultipartStore, ReadableStore and ErasableStore in one bucket.

    Needs s3:PutObject and s3:GetObject on its prefixes.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def create(self, new: ObjectToCreate) -> StoredObject:
        """Store `new` unless its key is taken; the object that is now under the key. Raises: StorageError.

        S3 compares the SHA-256, so bytes damaged in transfer are refused, and the object is durable when this returns.
        SHA-256 and owner are stored as metadata, which a later attempt reads instead of the object.
        """
        checksum = b64encode(bytes.fromhex(new.sha256)).decode("ascii")
        if self._put(new, checksum):
            return StoredObject(new.key, new.sha256, new.owner, self.url(new.key))
        return self._held(new.key)

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises: KeyError when there is none; StorageError."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        doing = f"reading s3://{self._bucket}/{key}"
        for _ in range(ATTEMPTS):
            answer = self._get(key, doing)
            try:
                return _all_of(answer)
            except (HTTPClientError, IncompleteReadError) as err:  # botocore repeats none whose body breaks off
                broken = err
        raise StorageError(f"{doing}: {broken}")

    def open_object(self, key: str) -> OpenS3Object:
        """The object, opened (see the port). Raises: KeyError when there is none; StorageError."""
        from botocore.exceptions import ClientError

        with storage_errors(f"looking at s3://{self._bucket}/{key}"):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as err:
                if error_code(err) in _ABSENT:
                    raise KeyError(key) from err
                raise
        metadata = head.get("Metadata", {})
        facts = ObjectFacts(
            key=key,
            size_bytes=head["ContentLength"],
            etag=head["ETag"].strip('"'),
            sha256=metadata.get("sha256") or _whole_object_sha256(head),
            owner=unquote(metadata.get("owner", "")),
            modified_at=head["LastModified"].timestamp(),
        )
        return OpenS3Object(self._client, self._bucket, facts)

    def keys_of(self, sha256: str) -> list[str]:  # noqa: ARG002 - the port's
        """None: S3 finds no object by its hash."""
        return []

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object's bytes, 1 MiB at a time. Raises: KeyError when there is none; StorageError."""
        doing = f"reading s3://{self._bucket}/{key}"
        with closing(self._get(key, doing)["Body"]) as body, storage_errors(doing):
            yield from body.iter_chunks(1024 * 1024)

    def put(self, key: str, body: bytes | Path, content_type: str) -> str:
        """Store `body`, or the file at that path, under `key`, over an existing object; the object's URL.

        Larger files are uploaded in parts of 8 MiB. Raises: StorageError.
        """
        from boto3.exceptions import S3UploadFailedError

        with storage_errors(f"storing s3://{self._bucket}/{key}"):
            if isinstance(body, bytes):
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, ChecksumAlgorithm="SHA256"
                )
                return self.url(key)
            try:
                self._client.upload_file(str(body), self._bucket, key, ExtraArgs={"ContentType": content_type})
            except S3UploadFailedError as err:
                raise StorageError(f"storing s3://{self._bucket}/{key}: {err}") from err
        return self.url(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys that begin with a prefix and follow `after`, in order, a page at a time. Needs s3:ListBucket on it.

        Raises: StorageError.
        """
        asked = {"Bucket": self._bucket, "Prefix": prefix, **({"StartAfter": after} if after else {})}
        with storage_errors(f"listing s3://{self._bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(**asked)
            for page in pages:
                yield from (found["Key"] for found in page.get("Contents", ()))

    def start_upload(self, key: str, content_type: str) -> str:
        """The name of a new multipart upload: a name of ours, which the object will have in its metadata, and S3's.

        Raises: StorageError.
        """
        token = uuid4().hex
        with storage_errors(f"uploading s3://{self._bucket}/{key}"):
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
                Metadata={"upload": token},
            )
        return f"{token}:{answer['UploadId']}"

    def upload_part(self, key: str, upload: str, number: int, body: bytes) -> PartTag:
        """Store one part; S3 compares its SHA-256. Raises: NoSuchUpload, StorageError."""
        checksum = b64encode(sha256(body).digest()).decode("ascii")
        with _upload_errors(f"uploading s3://{self._bucket}/{key}"):
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload.partition(":")[2],
                PartNumber=number,
                Body=body,
                ChecksumSHA256=checksum,
            )
        return {"ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def complete_upload(self, key: str, upload: str, tags: Sequence[PartTag]) -> None:
        """Make the parts an object. An upload that is gone is complete if the object has its name of ours.

        Raises: NoSuchUpload, StorageError.
        """
        token, _, name = upload.partition(":")
        parts = [{**tag, "PartNumber": number} for number, tag in enumerate(tags, start=1)]
        try:
            with _upload_errors(f"uploading s3://{self._bucket}/{key}"):
                self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=name, MultipartUpload={"Parts": parts}
                )
        except NoSuchUpload:
            if self._upload_of(key) != token:
                raise

    def delete(self, keys: Sequence[str]) -> int:
        """Delete the objects with these keys; how many keys that were, since S3 does not say which were there.

        Needs s3:DeleteObject on them. Raises: StorageError.
        """
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            with storage_errors(f"deleting from s3://{self._bucket}/{keys[start]} on"):
                objects = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", ()):
                raise StorageError(f"deleting s3://{self._bucket}/{error.get('Key')}: {error.get('Code')}")
        return len(keys)

    def url(self, key: str) -> str:
        """The object's URL, as the audit record shows it."""
        meta = self._client.meta
        domain = _DOMAINS.get(meta.partition, "amazonaws.com")
        return f"https://{self._bucket}.s3.{meta.region_name}.{domain}/{quote(key)}"

    def _get(self, key: str, doing: str) -> Any:
        """GetObject's answer, its body unread. Raises: KeyError, StorageError."""
        from botocore.exceptions import ClientError

        with storage_errors(doing):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as err:
                if error_code(err) in _ABSENT:
                    raise KeyError(key) from err
                raise

    def _put(self, new: ObjectToCreate, checksum: str) -> bool:
        """Whether `new` was stored; if not, its key is taken."""
        from botocore.exceptions import ClientError

        attempt = 1
        with storage_errors(f"storing s3://{self._bucket}/{new.key}"):
            while True:
                try:
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=new.key,
                        Body=new.body,
                        ContentType=new.content_type,
                        ChecksumSHA256=checksum,
                        IfNoneMatch="*",
                        Metadata={"sha256": new.sha256, "owner": quote(new.owner)},
                    )
                except ClientError as err:
                    if error_code(err) in _TAKEN:
                        return False
                    if error_code(err) not in _CONFLICT or attempt == ATTEMPTS:
                        raise
                    attempt += 1
                else:
                    return True

    def _upload_of(self, key: str) -> str | None:
        """Our name of the upload that the object under `key` comes from, if it does."""
        from botocore.exceptions import ClientError

        with storage_errors(f"looking at s3://{self._bucket}/{key}"):
            try:
                metadata: dict[str, str] = self._client.head_object(Bucket=self._bucket, Key=key).get("Metadata", {})
            except ClientError as err:
                if error_code(err) in _ABSENT:
                    return None
                raise
        return metadata.get("upload")

    def _held(self, key: str) -> StoredObject:
        """The object under a key that is taken. An object of another program has no owner, and may have no SHA-256."""
        with storage_errors(f"looking at s3://{self._bucket}/{key}"):
            head = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        metadata = head.get("Metadata", {})
        digest = metadata.get("sha256") or _whole_object_sha256(head) or sha256(self.read(key)).hexdigest()
        return StoredObject(key, digest, unquote(metadata.get("owner", "")), self.url(key))


@contextmanager
def _upload_errors(doing: str) -> Iterator[None]:
    """As `storage_errors`; raises also NoSuchUpload."""
    from botocore.exceptions import ClientError

    with storage_errors(doing):
        try:
            yield
        except ClientError as err:
            if error_code(err) == "NoSuchUpload":
                raise NoSuchUpload(doing) from err
            raise


def _all_of(answer: Any) -> bytes:
    """The whole body of a GetObject response; call it within `storage_errors`, as the connection may break."""
    with closing(answer["Body"]) as body:  # `with body` would give urllib3's stream, and urllib3's errors
        return bytes(body.read())


def _whole_object_sha256(head: Any) -> str | None:
    """The SHA-256 that S3 stores, in hex; None for a multipart upload, whose checksum is of its parts' checksums."""
    checksum = head.get("ChecksumSHA256")
    if not checksum or "-" in checksum or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return b64decode(checksum).hex()
