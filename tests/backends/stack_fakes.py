"""A deployed stack for tests: moto for most services, and a server of our own for the two that moto lacks here.

Step Functions is played by the project's engine behind the real wire protocol, so that botocore checks parameters,
signs, paginates and retries as it would; CloudFormation by two canned answers. Both listen on 127.0.0.1.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3

from pupline.asl import Result, StateMachine, TaskError, execute
from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.tasks.alert_png import alert_png
from pupline.tasks.log_to_dynamodb import log_to_dynamodb

REGION = "eu-central-1"
WORKFLOW = Path(__file__).parents[2] / "statemachine" / "dog_uploader_pipeline.asl.json"
MACHINE_ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:DogUploaderPipeline"
BULK_ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:BulkIngest"
START = 1_780_000_000.0

STORED: dict[str, Any] = {
    "status": "success",
    "uploaded_image": "a.jpg",
    "image_url": f"https://dogs.s3.{REGION}.amazonaws.com/html/a.jpg",
    "outcome": "stored",
    "reason": "accepted",
    "file_type": "jpg",
    "extension_agrees": True,
    "alert_reasons": [],
    "size_bytes": 70_123,
    "width": 500,
    "height": 375,
}
PNG: dict[str, Any] = {**STORED, "uploaded_image": "b.png", "file_type": "png", "alert_reasons": ["png_content"]}


def not_found() -> TaskError:
    """What FetchAndUploadDogImage leaves when the image is gone."""
    details = {"message": "https://x.example/c.jpg: 404", "source_url": "https://x.example/c.jpg"}
    return TaskError("NotFound", json.dumps({"errorMessage": json.dumps(details), "errorType": "NotFound"}))


@dataclass
class Run:
    """One execution as the fake keeps it. looks: how often it is still RUNNING when it is asked about."""

    name: str
    input: str
    number: int
    result: Result
    looks: int
    aborted: bool = False
    redrives: int = 0
    bulk: bool = False

    @property
    def status(self) -> str:
        """As DescribeExecution says it now."""
        if self.looks > 0:
            return "RUNNING"
        return "ABORTED" if self.aborted else self.result.status


@dataclass
class FakeStates:
    """Step Functions with two machines. fetch: what FetchAndUploadDogImage does for an execution of this name.

    ingest: runs BulkIngest under a name on an input.
    """

    fetch: Callable[[str], Any] = lambda _: STORED
    ingest: Callable[[str, Any], Result] | None = None
    looks: int = 1
    abort: frozenset[str] = frozenset()
    runs: dict[str, Run] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fail_with: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """HTTP status and body for one call."""
        with self.lock:
            self.calls.append((operation, asked))
            if operation in self.fail_with:
                status, code, message = self.fail_with[operation]
                return status, {"__type": code, "message": message}
            handler = getattr(self, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
            try:
                return 200, handler(asked)
            except KeyError:
                return 400, {"__type": "ExecutionDoesNotExist", "message": "Execution Does Not Exist"}
            except ValueError as err:
                return 400, {"__type": str(err), "message": f"{err}: said the fake"}

    def count(self, operation: str) -> int:
        """How often this was called."""
        return sum(1 for called, _ in self.calls if called == operation)

    def start_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Idempotent while it runs under the same input; refused otherwise."""
        name = asked["name"]
        there = self.runs.get(name)
        if there and (there.status != "RUNNING" or there.input != asked["input"]):
            raise ValueError("ExecutionAlreadyExists")
        if not there:
            bulk = asked.get("stateMachineArn") == BULK_ARN
            self.runs[name] = self.ran(name, asked["input"], bulk=bulk)
        return {"executionArn": arn(name), "startDate": START}

    def ran(self, name: str, given: str, *, bulk: bool = False) -> Run:
        """The execution, run through the workflow's file at once."""
        if bulk:
            assert self.ingest is not None
            return Run(name, given, len(self.runs), self.ingest(name, json.loads(given)), self.looks, bulk=True)
        clock = type("Clock", (), {"now": lambda _: START + len(self.runs)})()
        log = partial(log_to_dynamodb, table=DynamoDBAuditTable(dynamodb_client(), "DogImageUploads"), clock=clock)
        tasks: dict[str, Callable[[Any], Any]] = {
            "FetchAndUploadDogImage": lambda _: _raised_or(self.fetch(name)),
            "AlertPNG": alert_png,
            "arn:aws:states:::sns:publish": lambda _: {"MessageId": f"m-{name}"},
            "LogToDynamoDB": log,
        }
        number = len(self.runs)
        result = execute(machine(), json.loads(given), tasks=tasks, name=name, start=START + number)
        return Run(name, given, number, result, self.looks, aborted=name in self.abort)

    def describe_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Each look brings the end nearer."""
        run = self.runs[name_of(asked)]
        status = run.status
        run.looks -= 1
        told = self.row(run, status) | {"input": run.input, "redriveCount": run.redrives}
        if status == "SUCCEEDED":
            told["output"] = json.dumps(run.result.output)
        elif status == "FAILED":
            told |= {"error": run.result.error, "cause": run.result.cause}
        if status not in {"RUNNING", "SUCCEEDED"}:
            told["redriveStatus"] = "REDRIVABLE"
        return told

    def row(self, run: Run, status: str) -> dict[str, Any]:
        """What lists and descriptions share."""
        ended = {} if status == "RUNNING" else {"stopDate": START + run.number + 0.5}
        return {
            "executionArn": arn(run.name),
            "stateMachineArn": MACHINE_ARN,
            "name": run.name,
            "status": status,
            "startDate": START + run.number,
        } | ended

    def list_executions(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Newest first, in pages."""
        rows = [self.row(run, run.status) for run in reversed(self.runs.values())]
        wanted = asked.get("statusFilter")
        return _page(asked, "executions", [row for row in rows if wanted in {None, row["status"]}])

    def get_execution_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        """In pages, from either end. What was aborted ended in the middle of its first task."""
        run = self.runs[name_of(asked)]
        events: list[Any] = run.result.history
        if run.aborted:
            last = {"type": "ExecutionAborted", "id": 4, "previousEventId": 3, "timestamp": START + run.number}
            events = [*events[:3], {**last, "executionAbortedEventDetails": {}}]
        return _page(asked, "events", events[::-1] if asked.get("reverseOrder") else events)

    def describe_state_machine_for_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The definition."""
        assert name_of(asked) in self.runs
        return self.describe_state_machine(asked)

    def describe_state_machine(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The machine."""
        return {
            "stateMachineArn": MACHINE_ARN,
            "name": "DogUploaderPipeline",
            "status": "ACTIVE",
            "type": "STANDARD",
            "definition": json.dumps(machine().definition),
            "roleArn": "arn:aws:iam::123456789012:role/r",
            "creationDate": START,
            "updateDate": START,
            "loggingConfiguration": {"level": "ERROR"},
        }

    def redrive_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Goes on, and succeeds or fails by what `fetch` gives now."""
        run = self.runs[name_of(asked)]
        if run.status in {"RUNNING", "SUCCEEDED"}:
            raise ValueError("ExecutionNotRedrivable")
        again = self.ran(run.name, run.input, bulk=run.bulk)
        run.result, run.looks, run.aborted = again.result, self.looks, False
        run.redrives += 1
        return {"redriveDate": START + 100}


def machine() -> StateMachine:
    """The workflow with each placeholder filled by its own name."""
    return StateMachine.parse(re.sub(r"\$\{(\w+)Arn\}", r"\1", WORKFLOW.read_text()))


def arn(name: str) -> str:
    """Of an execution."""
    return MACHINE_ARN.replace(":stateMachine:", ":execution:") + f":{name}"


def name_of(asked: Mapping[str, Any]) -> str:
    """The name in an execution's ARN."""
    return str(asked["executionArn"]).rpartition(":")[2]


def _raised_or(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _page(asked: Mapping[str, Any], key: str, rows: list[Any]) -> dict[str, Any]:
    begin, size = int(asked.get("nextToken", "0")), asked.get("maxResults", 100)
    more = {"nextToken": str(begin + size)} if begin + size < len(rows) else {}
    return {key: rows[begin : begin + size]} | more


@dataclass
class FakeStack:
    """CloudFormation with one stack, and Step Functions."""

    states: FakeStates
    resources: dict[str, tuple[str, str]]
    status: str = "CREATE_COMPLETE"

    def cloudformation(self, form: Mapping[str, list[str]]) -> tuple[int, str]:
        """HTTP status and XML for one call."""
        action, name = form["Action"][0], form.get("StackName", [""])[0]
        if name != "pupline":
            error = f"<Code>ValidationError</Code><Message>Stack with id {escape(name)} does not exist</Message>"
            return 400, f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        inner = self.described() if action == "DescribeStacks" else self.listed(form)
        return 200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"

    def described(self) -> str:
        """The stack with an output."""
        output = "<OutputKey>AuditTableName</OutputKey><OutputValue>DogImageUploads</OutputValue>"
        facts = f"<StackName>pupline</StackName><StackStatus>{self.status}</StackStatus>"
        created = "<CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        return f"<Stacks><member>{facts}{created}<Outputs><member>{output}</member></Outputs></member></Stacks>"

    def listed(self, form: Mapping[str, list[str]]) -> str:
        """The resources, three a page."""
        begin = int(form.get("NextToken", ["0"])[0])
        members = "".join(
            f"<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{escape(physical)}"
            f"</PhysicalResourceId><ResourceType>{kind}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>"
            "<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>"
            for logical, (kind, physical) in list(self.resources.items())[begin : begin + 3]
        )
        more = f"<NextToken>{begin + 3}</NextToken>" if begin + 3 < len(self.resources) else ""
        return f"<StackResourceSummaries>{members}</StackResourceSummaries>{more}"


@contextmanager
def serving(stack: FakeStack) -> Iterator[str]:
    """The two services on an ephemeral port: their endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """One call of either protocol."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target", "")
            if target.startswith("AWSStepFunctions."):
                status, answer = stack.states.answer(target.partition(".")[2], json.loads(body))
                self.reply(status, "application/x-amz-json-1.0", json.dumps(answer))
            else:
                self.reply(*_xml(stack.cloudformation(parse_qs(body.decode()))))

        def reply(self, status: int, kind: str, text: str) -> None:
            """Answer and close."""
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _xml(answer: tuple[int, str]) -> tuple[int, str, str]:
    return answer[0], "text/xml", answer[1]


def deployed_resources() -> dict[str, tuple[str, str]]:
    """What the stack is made of, as far as moto has it: logical name to type and physical id."""
    boto3.client("s3").create_bucket(Bucket="dogs", CreateBucketConfiguration={"LocationConstraint": REGION})
    names = ("image_name", "execution", "upload_day", "upload_timestamp")
    boto3.client("dynamodb").create_table(
        TableName="DogImageUploads",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": "image_name", "KeyType": "HASH"},
            {"AttributeName": "execution", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-day",
                "KeySchema": [
                    {"AttributeName": "upload_day", "KeyType": "HASH"},
                    {"AttributeName": "upload_timestamp", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    boto3.client("scheduler").create_schedule(
        Name="DogUploaderPipeline",
        ScheduleExpression="rate(1 hour)",
        State="DISABLED",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": MACHINE_ARN, "RoleArn": "arn:aws:iam::123456789012:role/r"},
    )
    sqs = boto3.client("sqs")
    return {
        "DogUploaderPipeline": ("AWS::StepFunctions::StateMachine", MACHINE_ARN),
        "BulkIngest": ("AWS::StepFunctions::StateMachine", BULK_ARN),
        "DogImageUploads": ("AWS::DynamoDB::Table", "DogImageUploads"),
        "ImageBucket": ("AWS::S3::Bucket", "dogs"),
        "PNGAlertTopic": ("AWS::SNS::Topic", boto3.client("sns").create_topic(Name="png-alert-topic")["TopicArn"]),
        "Schedule": ("AWS::Scheduler::Schedule", "DogUploaderPipeline"),
        "DeadLetterQueue": ("AWS::SQS::Queue", sqs.create_queue(QueueName="dead-letters")["QueueUrl"]),
        "UndeliveredAlerts": ("AWS::SQS::Queue", sqs.create_queue(QueueName="undelivered")["QueueUrl"]),
    }


class VirtualTimer:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since the test began."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.time += seconds
