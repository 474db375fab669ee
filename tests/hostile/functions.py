"""Runs the workflows in memory with the handlers of the Lambda functions on moto: a program, see `drivers`."""

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from pupline.asl import StateMachine, TaskError, execute
from pupline.errors import TaskFailure
from pupline.packaging import FUNCTIONS
from pupline.tasks.records import AuditRecord
from pupline.workflow_files import BULK_NAME, PIPELINE_NAME, workflow_path
from tests.aws.aws_handlers import Context
from tests.hostile.report import Report
from tests.shared.memo_table import create_audit_table, create_memo_table

_BUCKET, _AUDIT, _MEMOS = "dogs", "audit", "memos"
_MANIFEST = "datasets/dogs/runs/bulk/manifest.jsonl"

Task = Callable[[Any], Any]


def _function(name: str) -> Task:
    handler = import_module(FUNCTIONS[name]).handler

    def invoke(payload: Any) -> Any:
        event = json.loads(json.dumps(payload))
        if "started" in event:  # the engine's time is virtual, theirs is not
            event["started"] = datetime.now(UTC).isoformat()
        try:
            return json.loads(json.dumps(handler(event, Context())))
        except TaskFailure as failure:
            cause = {"errorMessage": str(failure), "errorType": type(failure).__name__, "requestId": "r"}
            raise TaskError(type(failure).__name__, json.dumps(cause)) from failure

    return invoke


def _tasks() -> dict[str, Task]:
    s3, sns = boto3.client("s3"), boto3.client("sns")
    return {
        **{name: _function(name) for name in FUNCTIONS},
        "arn:aws:states:::s3:getObject": lambda asked: s3.get_object(**asked)["Body"].read(),
        "arn:aws:states:::s3:putObject": lambda asked: s3.put_object(
            Bucket=asked["Bucket"], Key=asked["Key"], Body=asked["Body"].encode()
        ),
        "arn:aws:states:::sns:publish": lambda asked: sns.publish(**asked),
    }


def _machine(name: str, topic: str) -> StateMachine:
    text = workflow_path(name).read_text()
    filled = {"aws": "aws", "ImageBucketName": _BUCKET, "PNGAlertTopicArn": topic, "BulkConcurrency": "4"}
    filled |= {f"{function}Arn": function for function in FUNCTIONS}
    filled |= {"BrieflyRetried": "NoError"}
    for placeholder, value in filled.items():
        text = text.replace(f"${{{placeholder}}}", value)
    return StateMachine.parse(text)


def _pipeline(urls: list[str], topic: str) -> None:
    machine, tasks = _machine(PIPELINE_NAME, topic), _tasks()

    def one(number: int) -> None:
        execute(machine, {"image_url": urls[number]}, tasks=tasks, name=f"run-{number:05}")

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(one, range(len(urls))))


def _bulk(urls: list[str], topic: str) -> None:
    lines = [{"index": number, "url": url} for number, url in enumerate(urls)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    boto3.client("s3").put_object(Bucket=_BUCKET, Key=_MANIFEST, Body=body)
    given = {"dataset": "dogs", "source": "urls", "batch_size": 1000, "concurrency": 1, "requests": 64}
    result = execute(_machine(BULK_NAME, topic), given, tasks=_tasks(), name="bulk")
    assert result.status == "SUCCEEDED", (result.error, result.cause)


def _report() -> Report:
    s3, dynamodb = boto3.client("s3"), boto3.resource("dynamodb")
    records = dynamodb.Table(_AUDIT).scan()["Items"]
    objects = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET):
        for found in page.get("Contents", ()):
            if found["Key"].startswith(("html/", "quarantine/")):
                objects[found["Key"]] = sha256(
                    s3.get_object(Bucket=_BUCKET, Key=found["Key"])["Body"].read()
                ).hexdigest()
    plain = [json.loads(json.dumps(record, default=int)) for record in records]
    return Report(records=[AuditRecord.from_item(record).as_dict() for record in plain], objects=objects)


def main(kind: str, given: Path, found: Path) -> None:
    """Fetch the URLs in `given`, and write the report to `found`."""
    os.environ |= {"DOG_BUCKET": _BUCKET, "DDB_TABLE": _AUDIT, "MEMO_TABLE": _MEMOS}
    with mock_aws():
        region = os.environ["AWS_DEFAULT_REGION"]
        boto3.client("s3").create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
        create_audit_table(_AUDIT)
        create_memo_table(_MEMOS)
        topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
        {"pipeline": _pipeline, "bulk": _bulk}[kind](json.loads(given.read_text()), topic)
        _report().write(found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
