"""The audit table in DynamoDB: partition key `image_name`, sort key `execution`, and the index `by-day` for listing."""

from collections.abc import Mapping
from typing import Any

from pupline.aws._clients import error_code, storage_errors
from pupline.records import AuditRecord

DAY = "upload_day"
"""Partition key of the index `by-day`: the date of `upload_timestamp`. Not part of the record."""


class DynamoDBAuditTable:
    """Implements `pupline.ports.AuditTable`. Needs dynamodb:PutItem alone: a refused write brings what is there."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

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


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's API takes it: `{"image_name": {"S": "a.jpg"}, ...}`."""
    from boto3.dynamodb.types import TypeSerializer

    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def from_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The item that DynamoDB's API gave. The record's numbers are whole ones, so they come back as int."""
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: int(value["N"]) if "N" in value else deserialize(value) for name, value in attributes.items()}
