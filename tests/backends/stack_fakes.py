"""A deployed stack for tests: moto for most services, and a server of our own for those that moto lacks here.

The project's engine plays Step Functions behind the real wire protocol, so that botocore checks parameters, signs,
paginates and retries as it would; canned answers play CloudFormation and Lambda. All listen on 127.0.0.1.
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
from typing import Any, Literal
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3

from pupline.asl import Result, StateMachine, TaskError, execute
from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._stack import FUNCTIONS
from pupline.tasks.alert_png import alert_png
from pupline.tasks.log_to_dynamodb import log_to_dynamodb

REGION = "eu-central-1"
STATE_MACHINES = Path(__file__).parents[2] / "statemachine"
WORKFLOW = STATE_MACHINES / "dog_uploader_pipeline.asl.json"
MACHINE_ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:DogUploaderPipeline"
BULK_ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:BulkIngest"
FILES = {MACHINE_ARN: WORKFLOW, BULK_ARN: STATE_MACHINES / "bulk_ingest.asl.json"}
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
    """One execution as the fake keeps it. looks: how often it is still RUNNING when it is described.

    ended_days_ago: Step Functions redrives an execution for 14 days.
    """

    machine: str
    name: str
    input: str
    number: int
    result: Result
    looks: int
    aborted: bool = False
    redrives: int = 0
    ended_days_ago: int = 0

    @property
    def arn(self) -> str:
        """Of this execution."""
        return arn(self.name, self.machine)

    @property
    def status(self) -> str:
        """As DescribeExecution gives it now."""
        if self.looks > 0:
            return "RUNNING"
        return "ABORTED" if self.aborted else self.result.status

    @property
    def redrive_status(self) -> tuple[str, str | None]:
        """Whether RedriveExecution takes it, and why not."""
        if self.status in {"RUNNING", "SUCCEEDED"}:
            return "NOT_REDRIVABLE", f"Execution is {self.status} and cannot be redriven"
        if self.ended_days_ago > 14:
            return "NOT_REDRIVABLE", "Execution has exceeded the redrivable period"
        return "REDRIVABLE", None

    @property
    def map_runs(self) -> list[str]:
        """The ARNs of its Map Runs, as its history has them: not execution ARNs."""
        started = (event.get("mapRunStartedEventDetails") for event in self.result.history)
        return [str(details["mapRunArn"]) for details in started if details]


@dataclass
class FakeStates:
    """Step Functions with two machines. Executions are keyed by ARN: machine and name. Children have ARNs of their own.

    fetch: what FetchAndUploadDogImage does for an execution of this name. ingest: runs BulkIngest under a name on an
    input. express: DogUploaderPipeline is Express. lose: names of executions whose answer is lost on the way.
    """

    fetch: Callable[[str], Any] = lambda _: STORED
    ingest: Callable[[str, Any], Result] | None = None
    looks: int = 1
    abort: frozenset[str] = frozenset()
    express: bool = False
    lose: frozenset[str] = frozenset()
    runs: dict[str, Run] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fail_with: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """HTTP status and body for one call."""
        with self.lock:
            self.calls.append((operation, request))
            if operation in self.fail_with:
                status, code, message = self.fail_with[operation]
                return status, {"__type": code, "message": message}
            handler = getattr(self, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
            try:
                return 200, handler(request)
            except KeyError:
                return 400, {"__type": "ExecutionDoesNotExist", "message": "Execution Does Not Exist"}
            except ValueError as err:
                return 400, {"__type": str(err), "message": f"{err}: said the fake"}

    def count(self, operation: str) -> int:
        """How often this was called."""
        return sum(1 for called, _ in self.calls if called == operation)

    def run(self, name: str, machine: str = MACHINE_ARN) -> Run:
        """The machine's execution of that name. Raises: KeyError."""
        return self.runs[arn(name, machine)]

    def start_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Idempotent while it runs under the same input; refused otherwise."""
        name, machine = request["name"], request.get("stateMachineArn", MACHINE_ARN)
        key = arn(name, machine)
        there = self.runs.get(key)
        if there and (there.status != "RUNNING" or there.input != request["input"]):
            raise ValueError("ExecutionAlreadyExists")
        if not there:
            self.runs[key] = self.executed(machine, name, request["input"])
        return {"executionArn": key, "startDate": START}

    def start_sync_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Of an Express machine, which runs whatever it is given under whatever name."""
        run = self.executed(request["stateMachineArn"], request["name"], request["input"])
        if run.name in self.lose:
            raise ConnectionAbortedError
        key = f"{arn(run.name).replace(':execution:', ':express:')}:{run.number}"
        facts = {"executionArn": key, "name": run.name, "startDate": START, "stopDate": START, "input": run.input}
        if run.result.status == "SUCCEEDED":
            return facts | {"status": "SUCCEEDED", "output": json.dumps(run.result.output)}
        return facts | {"status": "FAILED", "error": run.result.error, "cause": run.result.cause}

    def executed(self, machine_arn: str, name: str, given: str) -> Run:
        """The execution, run through the workflow's file at once."""
        number = len(self.runs)
        if machine_arn == BULK_ARN:
            assert self.ingest is not None
            result = self.ingest(name, json.loads(given))
            return Run(machine_arn, name, given, number, result, self.looks, aborted=name in self.abort)
        clock = type("Clock", (), {"now": lambda _: START + len(self.runs)})()
        log = partial(log_to_dynamodb, table=DynamoDBAuditTable(dynamodb_client(), "DogImageUploads"), clock=clock)
        tasks: dict[str, Callable[[Any], Any]] = {
            "FetchAndUploadDogImage": lambda _: _raised_or(self.fetch(name)),
            "AlertPNG": alert_png,
            "arn:aws:states:::sns:publish": lambda _: {"MessageId": f"m-{name}"},
            "LogToDynamoDB": log,
        }
        workflow = machine(kind="EXPRESS" if self.express else "STANDARD")
        result = execute(workflow, json.loads(given), tasks=tasks, name=name, start=START + number)
        return Run(machine_arn, name, given, number, result, self.looks, aborted=name in self.abort)

    def describe_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Each look brings the end nearer."""
        if "/" in (child := request["executionArn"]):
            (parent,) = (run for run in self.runs.values() if child in {row["executionArn"] for row in _children(run)})
            return next(row for row in _children(parent) if row["executionArn"] == child) | {"input": "{}"}
        run = self.runs[child]
        status = run.status
        run.looks -= 1
        described = self.row(run, status) | {"input": run.input, "redriveCount": run.redrives}
        if status == "SUCCEEDED":
            described["output"] = json.dumps(run.result.output)
        elif status == "FAILED":
            described |= {"error": run.result.error, "cause": run.result.cause}
        if status != "RUNNING":
            described["redriveStatus"], reason = run.redrive_status
            described |= {"redriveStatusReason": reason} if reason else {}
        return described

    def row(self, run: Run, status: str) -> dict[str, Any]:
        """What lists and descriptions share."""
        ended = {} if status == "RUNNING" else {"stopDate": START + run.number + 0.5}
        return {
            "executionArn": run.arn,
            "stateMachineArn": run.machine,
            "name": run.name,
            "status": status,
            "startDate": START + run.number,
        } | ended

    def check_kept(self, machine: str) -> None:
        """Raises ValueError for an Express machine."""
        if self.express and machine == MACHINE_ARN:
            raise ValueError("StateMachineTypeNotSupported")

    def list_executions(self, request: dict[str, Any]) -> dict[str, Any]:
        """Those of one machine, newest first, or of one Map Run, in pages."""
        if wanted := request.get("mapRunArn"):
            rows = [row for run in self.runs.values() for row in _children(run) if row["mapRunArn"] == wanted]
            return _page(request, "executions", rows)
        self.check_kept(request["stateMachineArn"])
        own = [run for run in reversed(self.runs.values()) if run.machine == request["stateMachineArn"]]
        rows = [self.row(run, run.status) for run in own]
        wanted = request.get("statusFilter")
        return _page(request, "executions", [row for row in rows if wanted in {None, row["status"]}])

    def get_execution_history(self, request: dict[str, Any]) -> dict[str, Any]:
        """In pages, from either end. What was aborted ended in the middle of its first task."""
        run = self.runs[request["executionArn"]]
        events: list[Any] = run.result.history
        if run.aborted:
            last = {"type": "ExecutionAborted", "id": 4, "previousEventId": 3, "timestamp": START + run.number}
            events = [*events[:3], {**last, "executionAbortedEventDetails": {}}]
        return _page(request, "events", events[::-1] if request.get("reverseOrder") else events)

    def list_map_runs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Of one execution."""
        run = self.runs[request["executionArn"]]
        times = {"startDate": START, "stopDate": START + 1}
        found = [
            {"executionArn": run.arn, "mapRunArn": map_run, "stateMachineArn": run.machine, **times}
            for map_run in run.map_runs
        ]
        return _page(request, "mapRuns", found)

    def describe_map_run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Counted by its execution's input: all items in one batch."""
        wanted = request["mapRunArn"]
        run = next((run for run in self.runs.values() if wanted in run.map_runs), None)
        if run is None:
            raise ValueError("ResourceNotFound")
        items, succeeded = json.loads(run.input)["items"], run.result.status == "SUCCEEDED"
        names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
        counts = dict.fromkeys(names, 0) | {"total": items, "succeeded" if succeeded else "failed": items}
        return {
            "mapRunArn": wanted,
            "executionArn": run.arn,
            "status": "SUCCEEDED" if succeeded else "FAILED",
            "startDate": START,
            "maxConcurrency": 1,
            "toleratedFailurePercentage": 0,
            "toleratedFailureCount": 0,
            "itemCounts": counts,
            "executionCounts": counts | {"total": 1, "succeeded": int(succeeded), "failed": int(not succeeded)},
        }

    def describe_state_machine_for_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """The definition; for the child of a Map Run that of its parent."""
        execution = request["executionArn"].partition("/")[0]
        (machine,) = {run.machine for key, run in self.runs.items() if key.startswith(execution)}
        return self.describe_state_machine({"stateMachineArn": machine})

    def describe_state_machine(self, request: dict[str, Any]) -> dict[str, Any]:
        """One of the machines."""
        arn = request["stateMachineArn"]
        return {
            "stateMachineArn": arn,
            "name": arn.rpartition(":")[2],
            "status": "ACTIVE",
            "type": "EXPRESS" if self.express and arn == MACHINE_ARN else "STANDARD",
            "definition": json.dumps(machine(FILES[arn]).definition),
            "roleArn": "arn:aws:iam::123456789012:role/r",
            "creationDate": START,
            "updateDate": START,
            "loggingConfiguration": {"level": "ERROR"},
        }

    def redrive_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Continues, and succeeds or fails by what `fetch` and `ingest` do now."""
        run = self.runs[request["executionArn"]]
        if run.redrive_status[0] != "REDRIVABLE":
            raise ValueError("ExecutionNotRedrivable")
        again = self.executed(run.machine, run.name, run.input)
        run.result, run.looks, run.aborted = again.result, self.looks, False
        run.redrives += 1
        return {"redriveDate": START + 100}

    def stop_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Aborts it if it runs."""
        run = self.runs[request["executionArn"]]
        run.aborted, run.looks = run.aborted or run.status == "RUNNING", 0
        return {"stopDate": START + 100}


def machine(path: Path = WORKFLOW, kind: Literal["STANDARD", "EXPRESS"] = "STANDARD") -> StateMachine:
    """The workflow with each placeholder filled by its own name."""
    return StateMachine.parse(re.sub(r"\$\{(\w+?)(?:Arn)?\}", r"\1", path.read_text()), type=kind)


def arn(name: str, machine: str = MACHINE_ARN) -> str:
    """Of a machine's execution."""
    return machine.replace(":stateMachine:", ":execution:") + f":{name}"


def _children(run: Run) -> list[dict[str, Any]]:
    """A child execution for each Map Run, as ListExecutions has it."""
    machine = f"{run.machine}/IngestBatches"
    return [
        {
            "executionArn": arn(f"child-of-{run.name}-{number}", machine),
            "stateMachineArn": machine,
            "mapRunArn": map_run,
            "name": f"child-of-{run.name}-{number}",
            "status": run.status,
            "startDate": START,
            "stopDate": START + 1,
        }
        for number, map_run in enumerate(run.map_runs)
    ]


def map_only(name: str, given: Any) -> Result:
    """BulkIngest, cut down to its Distributed Map over `given["items"]` items, which fail if `given["broken"]`."""
    states: dict[str, Any] = {"Batch": {"Type": "Pass", "End": True}}
    if given.get("broken"):
        states = {"Batch": {"Type": "Fail", "Error": "StorageError"}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "Batch"}
    whole = {"Type": "Map", "Label": "IngestBatches", "ItemsPath": "$.list", "End": True}
    definition = {"StartAt": "Map", "States": {"Map": whole | {"ItemProcessor": processor | {"States": states}}}}
    return execute(StateMachine.parse(definition), {"list": list(range(given["items"]))}, tasks={}, name=name)


def _raised_or(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _page(request: Mapping[str, Any], key: str, rows: list[Any]) -> dict[str, Any]:
    begin, size = int(request.get("nextToken", "0")), request.get("maxResults", 100)
    more = {"nextToken": str(begin + size)} if begin + size < len(rows) else {}
    return {key: rows[begin : begin + size]} | more


@dataclass
class FakeStack:
    """CloudFormation with one stack, Step Functions, and the functions' configurations.

    failed_functions: those whose last update failed. deleted_functions: by other means. configuration: of
    every function. reserved: concurrency, by name.
    """

    states: FakeStates
    resources: dict[str, tuple[str, str]]
    status: str = "CREATE_COMPLETE"
    failed_functions: frozenset[str] = frozenset()
    deleted_functions: frozenset[str] = frozenset()
    configuration: dict[str, Any] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=lambda: {"AuditTableName": "DogImageUploads"})
    parameters: dict[str, str] = field(default_factory=dict)

    def cloudformation(self, form: Mapping[str, list[str]]) -> tuple[int, str]:
        """HTTP status and XML for one call."""
        action, name = form["Action"][0], form.get("StackName", [""])[0]
        if name != "pupline":
            error = f"<Code>ValidationError</Code><Message>Stack with id {escape(name)} does not exist</Message>"
            return 400, f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        inner = self.described() if action == "DescribeStacks" else self.listed(form)
        return 200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"

    def described(self) -> str:
        """The stack with its outputs and parameters."""
        facts = f"<StackName>pupline</StackName><StackStatus>{self.status}</StackStatus>"
        created = "<CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        chosen = {"WorkflowType": "EXPRESS" if self.states.express else "STANDARD", **self.parameters}
        more = xml_list("Parameters", "Parameter", chosen) + xml_list("Outputs", "Output", self.outputs)
        return f"<Stacks><member>{facts}{created}{more}</member></Stacks>"

    def function(self, path: str) -> dict[str, Any]:
        """GetFunctionConfiguration's answer, or GetFunctionConcurrency's."""
        _, _, _, name, what = path.split("/")
        if what == "concurrency":
            return {"ReservedConcurrentExecutions": self.reserved[name]} if name in self.reserved else {}
        logging = {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name.partition('-')[0]}"}
        return {
            "FunctionName": name,
            "State": "Active",
            "LastUpdateStatus": "Failed" if name in self.failed_functions else "Successful",
            "Runtime": "python3.13",
            "LoggingConfig": logging,
        } | self.configuration

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


def xml_list(name: str, prefix: str, values: Mapping[str, str]) -> str:
    """A list of CloudFormation's pairs of key and value."""
    members = (
        f"<member><{prefix}Key>{key}</{prefix}Key><{prefix}Value>{value}</{prefix}Value></member>"
        for key, value in values.items()
    )
    return f"<{name}>{''.join(members)}</{name}>"


@contextmanager
def serving(stack: FakeStack) -> Iterator[str]:
    """The services on an ephemeral port: their endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """One call of either protocol."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target", "")
            if target.startswith("AWSStepFunctions."):
                try:
                    status, answer = stack.states.answer(target.partition(".")[2], json.loads(body))
                except ConnectionAbortedError:
                    self.close_connection = True
                    return
                self.reply(status, "application/x-amz-json-1.0", json.dumps(answer))
            else:
                self.reply(*_xml(stack.cloudformation(parse_qs(body.decode()))))

        def do_GET(self) -> None:
            """Lambda."""
            if self.path.split("/")[3] in stack.deleted_functions:
                self.reply(404, "application/json", '{"Type": "User", "Message": "Function not found"}')
                return
            self.reply(200, "application/json", json.dumps(stack.function(self.path)))

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
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    alarm_topic = sns.create_topic(Name="pupline-alarms")["TopicArn"]
    return {
        "DogUploaderPipeline": ("AWS::StepFunctions::StateMachine", MACHINE_ARN),
        "BulkIngest": ("AWS::StepFunctions::StateMachine", BULK_ARN),
        "DogImageUploads": ("AWS::DynamoDB::Table", "DogImageUploads"),
        "ImageBucket": ("AWS::S3::Bucket", "dogs"),
        "PNGAlertTopic": ("AWS::SNS::Topic", sns.create_topic(Name="png-alert-topic")["TopicArn"]),
        "Schedule": ("AWS::Scheduler::Schedule", "DogUploaderPipeline"),
        "DeadLetterQueue": ("AWS::SQS::Queue", sqs.create_queue(QueueName="dead-letters")["QueueUrl"]),
        "UndeliveredAlerts": ("AWS::SQS::Queue", sqs.create_queue(QueueName="undelivered")["QueueUrl"]),
        "UndeliveredAlarms": ("AWS::SQS::Queue", sqs.create_queue(QueueName="undelivered-alarms")["QueueUrl"]),
        "AlarmTopic": ("AWS::SNS::Topic", alarm_topic),
        **watched_resources(alarm_topic),
        **{name: ("AWS::Lambda::Function", f"{name}-1A2B") for name in FUNCTIONS},
    }


def watched_resources(alarm_topic: str) -> dict[str, tuple[str, str]]:
    """What only `doctor` looks at: the key, the memos, the log groups, an alarm."""
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    boto3.client("kms").enable_key_rotation(KeyId=key)
    table: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "memo_name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "memo_name", "KeyType": "HASH"}],
    }
    dynamodb, logs = boto3.client("dynamodb"), boto3.client("logs")
    dynamodb.create_table(TableName="DogImageMemos", BillingMode="PAY_PER_REQUEST", **table)
    ttl = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName="DogImageMemos", TimeToLiveSpecification=ttl)
    for name in FUNCTIONS:
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
        logs.put_retention_policy(logGroupName=f"/aws/lambda/{name}", retentionInDays=30)
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="pupline-ExecutionsFailed",
        AlarmActions=[alarm_topic],
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    return {
        "Key": ("AWS::KMS::Key", key),
        "Memos": ("AWS::DynamoDB::Table", "DogImageMemos"),
        "ExecutionsFailedAlarm": ("AWS::CloudWatch::Alarm", "pupline-ExecutionsFailed"),
        **{f"{name}Logs": ("AWS::Logs::LogGroup", f"/aws/lambda/{name}") for name in FUNCTIONS},
    }


class VirtualTimer:
    """Time that passes only by sleeping."""

    patiently = Timer.patiently

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
