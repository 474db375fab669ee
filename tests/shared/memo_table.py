"""The tables as template.yaml has them, without the index, in an AWS for tests."""

import boto3


def create_memo_table(name: str) -> None:
    """Create an empty one."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "memo_name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "memo_name", "KeyType": "HASH"}],
    )


def create_audit_table(name: str) -> None:
    """Create an empty table of audit records, without its index by day."""
    keys = [("image_name", "HASH"), ("execution", "RANGE")]
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )
