"""The table of memos as template.yaml has it, in an AWS for tests."""

import boto3


def create_memo_table(name: str) -> None:
    """Create an empty one."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "memo_name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "memo_name", "KeyType": "HASH"}],
    )
