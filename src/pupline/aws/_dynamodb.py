"""The audit table in DynamoDB: partition key `image_name`, sort key `execution`, and the index `by-day` for listing."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pupline.aws._clients import error_code, storage_errors
from pupline.errors import StorageError
from pupline.tasks.records import AuditRecord

DAY = "upload_day"
"""Partition key of the index `by-day`: the date of `upload_timestamp`. Not part of the record."""

WRITES_AT_ONCE = 25
"""Items in one BatchWriteItem, the maximum that DynamoDB accepts."""

BATCH_ATTEMPTS = 6
"""Attempts to write the items of a BatchWriteItem, with waits of 0.1 to 1.6 seconds, three seconds in total."""


class DynamoDBAuditTable:
    """Implements `pupline.tasks.ports.AuditTable`.

    Needs dynamodb:PutItem for `put`, of which a refused write returns the existing item, and dynamodb:BatchWriteItem
    for `put_many`. sleep: waits between the attempts of a batch.
    """

    def __init__(self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def put(self, record: AuditRecord) -> AuditRecord:
        """Add `record` unless this execution already has one under this name; the record that is now there.

        Raises: StorageError.
        """
        from botocore.exceptions import ClientError

        with storage_errors(f"writing {record.image_name} of {record.execution} to the table {self._table}"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=to_attributes({**record.as_item(), DAY: record.upload_timestamp[:10]}),
                    ConditionExpression="attribute_not_exists(image_name)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as err:
                if error_code(err) != "ConditionalCheckFailedException":
                    raise
                return AuditRecord.from_item(from_attributes(err.response["Item"]))
            return record

    def put_many(self, records: Sequence[AuditRecord]) -> None:
        """Write the records of a batch, each over one of the same name and execution.

        They have no `upload_day`, so they are not in the index by-day, where each would cost a second write unit.
        Raises: StorageError when some were not written: the others were, and it is safe to write all again.
        """
        for start in range(0, len(records), WRITES_AT_ONCE):
            requests = [
                {"PutRequest": {"Item": to_attributes(record.as_item())}}
                for record in records[start : start + WRITES_AT_ONCE]
            ]
            self._write_all(requests)

    def _write_all(self, requests: list[dict[str, Any]]) -> None:
        for attempt in range(BATCH_ATTEMPTS):
            if attempt:
                self._sleep(0.05 * 2**attempt)
            with storage_errors(f"writing {len(requests)} records to the table {self._table}"):
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not requests:
                return
        raise StorageError(
            f"writing records to the table {self._table}: {len(requests)} were refused in {BATCH_ATTEMPTS} attempts; "
            "the table is throttled"
        )


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in the form of DynamoDB's API: `{"image_name": {"S": "a.jpg"}, ...}`."""
    from boto3.dynamodb.types import TypeSerializer

    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def from_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An item from the form of DynamoDB's API. The record's numbers are integers, and returned as int."""
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: int(value["N"]) if "N" in value else deserialize(value) for name, value in attributes.items()}
