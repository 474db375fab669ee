"""The ports over AWS: S3, DynamoDB. Clients are made when first asked for, and never retry by themselves.

Retrying is the workflow's business: two layers of it would multiply. Requests that can be repeated safely are all there
is here, since every write is conditional.
"""

from pupline.aws._clients import dynamodb_client, s3_client
from pupline.aws._dynamodb import DynamoDBAuditTable, from_attributes
from pupline.aws._s3 import S3Store, S3WriteOnceStore

__all__ = ["DynamoDBAuditTable", "S3Store", "S3WriteOnceStore", "dynamodb_client", "from_attributes", "s3_client"]
