"""The ports over S3 and DynamoDB.

The clients repeat a single request that was throttled or lost; the workflow repeats tasks.
"""

from pupline.aws._clients import dynamodb_client, longest_seconds, s3_client
from pupline.aws._dynamodb import DynamoDBAuditTable, from_attributes
from pupline.aws._memos import DynamoDBWriteOnceStore
from pupline.aws._s3 import S3Store

__all__ = [
    "DynamoDBAuditTable",
    "DynamoDBWriteOnceStore",
    "S3Store",
    "dynamodb_client",
    "from_attributes",
    "longest_seconds",
    "s3_client",
]
