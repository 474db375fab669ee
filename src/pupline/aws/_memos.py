"""Write-once values in DynamoDB: partition key `memo_name`, and `expires_at`, by which DynamoDB deletes them."""

import time
from collections.abc import Callable
from typing import Any

from pupline.aws._clients import error_code, storage_errors
from pupline.errors import ConfigurationError, InvalidInput
from pupline.text import printable

MAX_MEMO_BYTES = 16 * 1024
"""A write-once value is a URL or a digest. More than this is not ours."""

MEMO_DAYS = 30
"""An execution can be redriven for 14 days; after that its memos are not needed."""


class DynamoDBWriteOnceStore:
    """Implements `pupline.tasks.ports.WriteOnceStore` as one item per name.

    `remember` is one request, and needs dynamodb:PutItem; `recall` needs dynamodb:GetItem. An item counts as long as it
    exists, also past its `expires_at`: DynamoDB deletes within days, and a choice that was made must not change on the
    way. now: seconds since the epoch.
    """

    def __init__(self, client: Any, table: str, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._table = table
        self._now = now

    def remember(self, name: str, value: str) -> str:
        """The first value stored under `name`: this one, durably, unless there was one.

        Raises: InvalidInput when the value is too long; StorageError; ConfigurationError for what is not a memo.
        """
        from botocore.exceptions import ClientError

        if (size := len(value.encode("utf-8", "replace"))) > MAX_MEMO_BYTES:
            raise InvalidInput(
                f"the value of {printable(name)} has {size:,} bytes; at most {MAX_MEMO_BYTES:,} are kept"
            )
        expires_at = int(self._now()) + MEMO_DAYS * 24 * 3600
        with storage_errors(f"remembering {printable(name)} in the table {self._table}"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={"memo_name": {"S": name}, "value": {"S": value}, "expires_at": {"N": str(expires_at)}},
                    ConditionExpression="attribute_not_exists(memo_name)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as err:
                if error_code(err) != "ConditionalCheckFailedException":
                    raise
                return self._value_of(name, err.response.get("Item"))
        return value

    def recall(self, name: str) -> str | None:
        """The value stored under `name`, if any. Raises: StorageError; ConfigurationError when it is not ours."""
        with storage_errors(f"recalling {printable(name)} from the table {self._table}"):
            key = {"memo_name": {"S": name}}
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return self._value_of(name, item) if item else None

    def _value_of(self, name: str, item: Any) -> str:
        """The value of an item. Whoever may write to the table can put there what no memo has."""
        value = ((item or {}).get("value") or {}).get("S")
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > MAX_MEMO_BYTES:
            raise ConfigurationError(
                f"the item {printable(name)} of the table {self._table} is not a memo of pupline; delete it"
            )
        return value
