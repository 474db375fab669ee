"""The audit table in DynamoDB: partition key `image_name`, sort key `execution`, and the index `by-day` for listing."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pupline.aws._clients import error_code, storage_errors
from pupline.errors import ConfigurationError, StorageError
from pupline.tasks.records import AuditRecord
from pupline.text import printable

DAY = "upload_day"
"""Partition key of the index `by-day`: the date of `upload_timestamp`. Not part of the record."""

WRITES_AT_ONCE = 8
"""Records of a batch that are written at the same time: fewer than the connections of a client."""

BATCH_ATTEMPTS = 6
"""Attempts to write the records of a batch, each with what the one before left, after 0.1 to 1.6 seconds."""

BATCH_SECONDS = 20
"""From the start of writing a batch until no further record is tried: the function needs the rest of its time."""


class DynamoDBAuditTable:
    """Implements `pupline.tasks.ports.AuditTable`.

    Needs dynamodb:PutItem. A refused write returns the existing item, so nothing is read.
    sleep, monotonic: for the pauses between the attempts of a batch.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep
        self._monotonic = monotonic

    def put(self, record: AuditRecord) -> AuditRecord:
        """Add `record` unless this execution already has one under this name; the record that is now there.

        Raises: StorageError; ConfigurationError when what is there is not an audit record.
        """
        found = self._add(record, {**record.as_item(), DAY: record.upload_timestamp[:10]})
        if found is None:
            return record
        try:
            there = AuditRecord.from_item(from_attributes(found))
            if not there.mistyped():
                return there
        except TypeError:  # a field is missing
            pass
        where = f"{printable(record.image_name)} of {printable(record.execution)} in the table {self._table}"
        raise ConfigurationError(f"{where} is not an audit record of pupline; delete it")

    def put_many(self, records: Sequence[AuditRecord]) -> None:
        """Add the records of a batch, several at the same time, each unless it is there already.

        They have no `upload_day`, so they are not in the index by-day, where each would cost a second write unit.
        Raises: StorageError when some were not written: the others were, and it is safe to write all again.
        """
        ends_at = self._monotonic() + BATCH_SECONDS
        left = list(records)
        with ThreadPoolExecutor(WRITES_AT_ONCE, thread_name_prefix="pupline-records") as pool:
            for attempt in range(BATCH_ATTEMPTS):
                if attempt:
                    self._sleep(0.05 * 2**attempt)
                errors = dict(zip(left, pool.map(lambda record: self._try_to_add(record, ends_at), left), strict=True))
                left = [record for record, error in errors.items() if error is not None]
                if not left or self._monotonic() >= ends_at:
                    break
        if left:
            missing = f"{len(left):,} of {len(records):,} records of the batch were not written"
            raise StorageError(f"{errors[left[0]]}; {missing}")

    def _try_to_add(self, record: AuditRecord, ends_at: float) -> StorageError | None:
        """The error that another attempt may not meet; None once the record is there."""
        if self._monotonic() >= ends_at:
            return StorageError(f"writing to the table {self._table}: no time is left for {record.execution}")
        try:
            self._add(record, record.as_item())
        except StorageError as err:
            return err
        return None

    def _add(self, record: AuditRecord, item: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write the item unless there is one with its keys; that one then, in the form of DynamoDB's API."""
        from botocore.exceptions import ClientError

        with storage_errors(f"writing {record.image_name} of {record.execution} to the table {self._table}"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=to_attributes(item),
                    ConditionExpression="attribute_not_exists(image_name)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as err:
                if error_code(err) != "ConditionalCheckFailedException":
                    raise
                found: dict[str, Any] = err.response["Item"]
                return found
            return None


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in the form of DynamoDB's API: `{"image_name": {"S": "a.jpg"}, ...}`."""
    from boto3.dynamodb.types import TypeSerializer

    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def from_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An item from the form of DynamoDB's API. The record's numbers are integers, and returned as int; what others
    added may have fractions.
    """
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: _number(value["N"]) if "N" in value else deserialize(value) for name, value in attributes.items()}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
