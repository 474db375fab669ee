"""The ports over S3 and DynamoDB.

The clients do not retry: the workflow does, and two layers of retries would multiply. Every write is conditional, so
every request can be repeated safely.
"""

from pupline.aws._clients import dynamodb_client, s3_client
from pupline.aws._dynamodb import DynamoDBAuditTable, from_attributes
from pupline.aws._memos import DynamoDBWriteOnceStore
from pupline.aws._s3 import S3Store, S3WriteOnceStore

__all__ = [
    "DynamoDBAuditTable",
    "DynamoDBWriteOnceStore",
    "S3Store",
    "S3WriteOnceStore",
    "dynamodb_client",
    "from_attributes",
    "s3_client",
]
