"""`make aws-local`: the whole stack on a local AWS, a few executions on it, and how to look around, until Ctrl-C.

    python -m tools.aws_local [--once]

Images come from the built-in sample pictures, served on 127.0.0.1. `--once` ends after the executions.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pupline.aws._dynamodb import from_attributes
from pupline.http import FetchPolicy, HttpClient
from pupline.samples import SampleServer
from pupline.specs import RandomImages, resolve_spec
from pupline.tasks.records import AuditRecord
from tools import local_aws

EXECUTIONS = 6


def say(text: str = "") -> None:
    """Print one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def start_executions(stack: local_aws.Stack, urls: list[str]) -> None:
    """Run one execution per image and print how each ended."""
    states = stack.client("stepfunctions")
    for number, url in enumerate(urls, start=1):
        started = states.start_execution(
            stateMachineArn=stack.outputs["StateMachineArn"],
            name=f"local-{number}",
            input=json.dumps({"image_url": url}),
        )
        while (found := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            time.sleep(0.1)
        say(f"  local-{number}  {found['status']:9}  {url.rsplit('/', 1)[-1]}")


def records(stack: local_aws.Stack) -> list[AuditRecord]:
    """The audit records, oldest first."""
    items: list[dict[str, Any]] = stack.client("dynamodb").scan(TableName=stack.outputs["AuditTableName"])["Items"]
    found = [AuditRecord.from_item(from_attributes(item)) for item in items]
    return sorted(found, key=lambda record: record.upload_timestamp)


def look_around(stack: local_aws.Stack) -> str:
    """Commands for the AWS CLI, ready to paste, and what not to expect."""
    aws = f"aws --endpoint-url {stack.endpoint}"
    return f"""
Look around with the AWS CLI (any credentials work; version 1 needs --endpoint-url, version 2 takes AWS_ENDPOINT_URL):
  export AWS_ENDPOINT_URL={stack.endpoint} AWS_DEFAULT_REGION={local_aws.REGION}
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  {aws} s3 ls --recursive s3://{stack.outputs["ImageBucketName"]}
  {aws} dynamodb scan --table-name {stack.outputs["AuditTableName"]}
  {aws} stepfunctions list-executions --state-machine-arn {stack.outputs["StateMachineArn"]}
  {aws} sns list-subscriptions-by-topic --topic-arn {stack.outputs["AlertTopicArn"]}
  {aws} cloudformation describe-stack-resources --stack-name pupline
  pupline audit --backend aws --stack pupline

What this local AWS cannot do:
  BulkIngest: its Distributed Map ignores ItemBatcher and ResultWriter, so every batch fails; on one machine,
    `pupline ingest --workflow` runs the same file
  Redrive: it is an unknown action here
  Metrics, the dashboard and the schedule: they are accepted, but nothing happens
  Alarms: all of one kind ring together, whichever function failed, so `pupline doctor` may show too many
  Roles, encryption, time to live and reserved concurrency: they are accepted, but nothing is enforced
"""


def main(arguments: list[str] | None = None) -> int:
    """Deploy, run, show; then wait for Ctrl-C. The exit code."""
    parser = argparse.ArgumentParser(description="The whole stack on a local AWS.")
    parser.add_argument("--once", action="store_true", help="end after the executions")
    once = parser.parse_args(arguments).once
    if why := local_aws.missing():
        sys.stderr.write(f"{why}\n")
        return 2
    with (
        tempfile.TemporaryDirectory() as directory,
        SampleServer() as sample,
        local_aws.LocalAws(Path(directory) / "ministack.log") as aws,
    ):
        show(aws, f"http://127.0.0.1:{sample.port}/api")
        if not once:
            say("It stays up until you press Ctrl-C.")
            wait()
    say("Stopped; nothing is left behind.")
    return 0


def show(aws: local_aws.LocalAws, source: str) -> None:
    """Deploy, run a few executions on images of `source`, and print the results."""
    say(f"A local AWS is at {aws.endpoint}; deploying template.yaml ...")
    stack = aws.deploy("pupline", {"Source": source})
    say("Deployed. Running a few executions ...")
    spec = resolve_spec(source)
    api = RandomImages(HttpClient(FetchPolicy(trusted=spec.trusted)), spec)
    start_executions(stack, [api.random_image() for _ in range(EXECUTIONS)])
    say("\nThe audit:")
    for record in records(stack):
        sent = "alert sent" if record.alert_sent else ""
        kind = record.file_type or "-"
        say(f"  {record.execution:8} {record.outcome:11} {kind:5} {record.image_name:24} {sent}")
    say(look_around(stack))


def wait() -> None:
    """Wait for Ctrl-C."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say()


if __name__ == "__main__":
    sys.exit(main())
