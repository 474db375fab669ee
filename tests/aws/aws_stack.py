"""Executions on a stack of the local AWS, seen from outside: objects, items, messages."""

import json
import time
from collections.abc import Mapping
from typing import Any

from pupline.aws._dynamodb import DAY, from_attributes
from pupline.tasks.records import AuditRecord
from tools import local_aws

__all__ = ["Observed", "local_aws", "observe", "run_executions"]


class Observed:
    """A stack, and what happened on it."""

    def __init__(self, stack: local_aws.Stack, queue: str) -> None:
        self.stack = stack
        self.queue = queue
        self.executions: dict[str, dict[str, Any]] = {}

    def records(self) -> dict[str, AuditRecord]:
        """Every audit record, by execution. Fails if an execution has two."""
        pages = (
            self.stack.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.outputs["AuditTableName"])
        )
        items = [from_attributes(item) for page in pages for item in page["Items"]]
        assert all(item[DAY] == item["upload_timestamp"][:10] for item in items)
        by_execution = {item["execution"]: AuditRecord.from_item(item) for item in items}
        assert len(by_execution) == len(items)
        return by_execution

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Every object below a prefix, by the rest of its key."""
        s3, bucket = self.stack.client("s3"), self.stack.outputs["ImageBucketName"]
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
        return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def messages(self) -> list[str]:
        """The messages that the topic delivered to the queue so far, sorted; they are taken off it."""
        sqs, found = self.stack.client("sqs"), []
        while batch := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get(
            "Messages"
        ):
            for message in batch:
                found.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found)


def observe(stack: local_aws.Stack) -> Observed:
    """The stack with a queue subscribed to its alert topic."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=stack.outputs["AlertTopicArn"], Protocol="sqs", Endpoint=arn)
    return Observed(stack, queue)


def run_executions(observed: Observed, inputs: Mapping[str, Any], patience_seconds: float = 60) -> None:
    """Start an execution per name and input, all at once, and wait until all have ended."""
    states = observed.stack.client("stepfunctions")
    machine = observed.stack.outputs["StateMachineArn"]
    arns = {
        name: states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))["executionArn"]
        for name, given in inputs.items()
    }
    give_up = time.monotonic() + patience_seconds
    for name, arn in arns.items():
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < give_up, f"{name} does not end"
            time.sleep(0.05)
        observed.executions[name] = found
