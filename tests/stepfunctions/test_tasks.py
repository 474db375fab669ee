"""Where Tasks go: a template's functions, mocks, and services behind endpoints."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiSettings, serving
from tests.stepfunctions.api_client import ROLE, create, ended, event_types, start, task
from tests.stepfunctions.test_executions import error_of

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.12, Handler: app.handler}
Resources:
  First:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: first/, Environment: {Variables: {GREETING: hello}}}
  Second:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: second/, FunctionName: the-second}
  Inline:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            return [context.function_name, event]
  Node:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: node/, Runtime: nodejs20.x, Handler: index.handler}
"""
MOCKS = {
    "StateMachines": {"Mocked": {"TestCases": {"Good": {"Pay": "Paid"}, "Retried": {"Pay": "FirstBad"}}}},
    "MockedResponses": {
        "Paid": {"0": {"Return": {"StatusCode": 200, "Payload": {"paid": True}}}},
        "FirstBad": {
            "0": {"Throw": {"Error": "Busy", "Cause": "later"}},
            "1": {"Return": {"StatusCode": 200, "Payload": {"paid": "at last"}}},
        },
    },
}


@contextmanager
def served(data: Path, settings: ApiSettings) -> Iterator[Any]:
    """boto3's client of a server with these settings."""
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0), settings) as server:
        yield boto3.client(
            "stepfunctions",
            endpoint_url=server.url,
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",  # noqa: S106
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.mark.slow
def test_functions_of_a_template(tmp_path: Path) -> None:
    """Each has its own modules and variables, and runs what its files say now."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for name, result in (("first", "os.environ['GREETING']"), ("second", "event['n'] + 1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(
            "import os, helper\ndef handler(event, context): return helper.go(event)\n"
        )
        (tmp_path / name / "helper.py").write_text(
            f"import os\ndef go(event):\n    print('noise')\n    return {result}\n"
        )
    with served(tmp_path / "data", ApiSettings(template=tmp_path / "template.yaml")) as client:

        def run(function: str, given: Any) -> dict[str, Any]:
            machine = create(client, f"of-{function}-{time.monotonic_ns()}", F=task(function))
            return ended(client, start(client, machine, given))

        assert run("First", {})["output"] == '"hello"'
        assert run("the-second", {"n": 1})["output"] == "2"
        assert run("stack-Inline-1A2B", 7)["output"] == '["Inline",7]'
        failed = run("Second", {})
        assert (failed["error"], json.loads(failed["cause"])["errorMessage"]) == ("KeyError", "'n'")
        assert "nodejs20.x" in run("Node", {})["cause"]
        (tmp_path / "second" / "helper.py").write_text("def go(event):\n    return 'changed'\n")
        os.utime(tmp_path / "second" / "helper.py", (1, 1))
        assert run("Second", {})["output"] == '"changed"'
        (tmp_path / "second" / "app.py").write_text("import os\ndef handler(event, context): os._exit(3)\n")
        assert run("Second", {})["error"] == "Runtime.ExitError"
        (tmp_path / "second" / "app.py").write_text("import nothing_of_that_name\n")
        assert run("Second", {})["error"] == "Runtime.ImportModuleError"


def test_cases_of_a_mock_config_file(tmp_path: Path) -> None:
    """The case is named after the ARN, as with Step Functions Local; without one nothing is mocked."""
    (tmp_path / "mocks.json").write_text(json.dumps(MOCKS))
    pay = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "Pay"},
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}],
        "OutputPath": "$.Payload",
        "End": True,
    }
    settings = ApiSettings(mocks=tmp_path / "mocks.json", wait_scale=0.01)
    with served(tmp_path / "data", settings) as client:
        machine = create(client, "Mocked", Pay=pay)
        assert ended(client, start(client, f"{machine}#Good"))["output"] == '{"paid":true}'
        arn = start(client, f"{machine}#Retried")
        assert ended(client, arn)["output"] == '{"paid":"at last"}'
        assert event_types(client, arn).count("TaskScheduled") == 2
        assert ended(client, start(client, machine))["error"] == "Lambda.ResourceNotFoundException"
        code, message = error_of(lambda: start(client, f"{machine}#Goodd"))
        assert (code, "Good" in message) == ("ValidationException", True)


def test_mocks_in_the_simple_form(tmp_path: Path) -> None:
    """They answer in every machine that has their states, ItemReaders included."""
    (tmp_path / "mocks.json").write_text(json.dumps({"Pay": [{"Throw": {"Error": "Busy"}}, {"Return": 1}]}))
    with served(tmp_path / "data", ApiSettings(mocks=tmp_path / "mocks.json")) as client:
        machine = create(client, "simple", Pay=task("Any"))
        assert ended(client, start(client, machine))["error"] == "Busy"
        other = create(client, "other", Other=task("Any"))
        assert ended(client, start(client, other))["error"] == "Lambda.ResourceNotFoundException"


@pytest.mark.slow
def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    """Its mocks are YAML; its function is named by a placeholder."""
    orders = Path(__file__).parents[2] / "examples" / "orders"
    settings = ApiSettings(mocks=orders / "mocks.yaml", template=orders / "template.yaml")
    definition = (orders / "order.asl.json").read_text()
    with served(tmp_path / "data", settings) as client:
        machine = client.create_state_machine(name="orders", definition=definition, roleArn=ROLE)["stateMachineArn"]
        assert ended(client, start(client, f"{machine}#Day", {"amount": 20, "hour": 9}))["status"] == "SUCCEEDED"
        found = ended(client, start(client, f"{machine}#Declined", {"amount": 5000, "hour": 9}))
        assert found["error"] == "CardDeclined"
        charged = start(client, machine, {"amount": 20, "hour": 9})
        assert ended(client, charged)["error"] == "Pupline.NothingAnswers"  # the queue; the card was charged
        assert '"receipt":"paid 20"' in json.dumps(
            client.get_execution_history(executionArn=charged)["events"], default=str
        ).replace("\\", "")


WRONG = {
    "Type": "Task",
    "QueryLanguage": "JSONata",
    "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem",
    "Arguments": "{% {'Table': 't'} %}",
    "End": True,
}


class FakeService(BaseHTTPRequestHandler):
    """Answers as AWS does, whatever is asked."""

    answers: ClassVar[list[tuple[int, Any]]] = []
    seen: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        """One request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.headers.get("X-Amz-Target") or self.path, json.loads(body)))
        status, answer = self.answers.pop(0)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", "r-1")
        if status == 200 and "errorType" in answer:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The URL of a fake service."""
    FakeService.answers.clear()
    FakeService.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeService) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def called(client: Any, resource: str, parameters: Any) -> dict[str, Any]:
    """The end of an execution that calls an integration."""
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return ended(client, start(client, create(client, f"calls-{time.monotonic_ns()}", C=state)))


@pytest.mark.slow
def test_services_behind_endpoints(tmp_path: Path, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments, results and errors are as Step Functions shapes them, for both kinds of integration."""
    monkeypatch.setenv("DYNAMODB_ENDPOINT", service)
    monkeypatch.setenv("LAMBDA_ENDPOINT", service)
    monkeypatch.setenv("DAX_ENDPOINT", service)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", service)
    no_table = {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}
    with served(tmp_path / "data", ApiSettings()) as client:
        FakeService.answers[:] = [(200, {"Item": {"id": {"S": "1"}}})]
        item = {"TableName": "t", "Key": {"id": {"S": "1"}}}
        found = json.loads(called(client, "arn:aws:states:::dynamodb:getItem", item)["output"])
        assert (found["Item"], found["SdkHttpMetadata"]["HttpStatusCode"]) == ({"id": {"S": "1"}}, 200)
        assert FakeService.seen == [("DynamoDB_20120810.GetItem", item)]
        FakeService.answers[:] = [(200, {"Item": {"on": {"BOOL": True}, "no": {"NULL": True}}})]
        found = called(client, "arn:aws:states:::aws-sdk:dynamodb:getItem", {**item, "Key": {"n": {"Nul": True}}})
        assert json.loads(found["output"]) == {"Item": {"on": {"Bool": True}, "no": {"Nul": True}}}
        assert FakeService.seen[-1][1]["Key"] == {"n": {"NULL": True}}
        failed = ended(client, start(client, create(client, "no-such-field", C=WRONG)))
        assert failed["cause"] == 'The field "Table" is not supported by Step Functions'
        for resource, error in (
            ("arn:aws:states:::dynamodb:getItem", "DynamoDB.ResourceNotFoundException"),
            ("arn:aws:states:::aws-sdk:dynamodb:getItem", "DynamoDb.ResourceNotFoundException"),
        ):
            FakeService.answers[:] = [(400, no_table)]
            failed = called(client, resource, item)
            assert (failed["error"], failed["cause"].startswith("no table (Service: ")) == (error, True)
        FakeService.answers[:] = [(400, {"__type": "ClusterNotFoundFault", "message": "no cluster"})]
        failed = called(client, "arn:aws:states:::aws-sdk:dax:deleteCluster", {"ClusterName": "c"})
        assert failed["error"] == "Dax.ClusterNotFoundException"
        FakeService.answers[:] = [(200, {"SecretString": "s", "CreatedDate": 1.5})]
        found = called(client, "arn:aws:states:::aws-sdk:secretsmanager:getSecretValue", {"SecretId": "x"})
        assert json.loads(found["output"]) == {"SecretString": "s", "CreatedDate": "1970-01-01T00:00:01.500Z"}
        FakeService.answers[:] = [(200, {"n": 1}), (200, {"errorType": "Mine", "errorMessage": "m"})]
        invoke = {"FunctionName": "f", "Payload": {"a": 1}}
        assert json.loads(called(client, "arn:aws:states:::lambda:invoke", invoke)["output"])["Payload"] == {"n": 1}
        assert FakeService.seen[-1] == ("/2015-03-31/functions/f/invocations", {"a": 1})
        assert called(client, "arn:aws:states:::lambda:invoke", invoke)["error"] == "Mine"


@pytest.mark.slow
def test_a_job_is_waited_for(tmp_path: Path, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.sync` submits it, looks after it until it has ended, and gives its description."""
    monkeypatch.setattr("pupline.stepfunctions.tasks._services.POLL_SECONDS", 0.01)
    monkeypatch.setenv("GLUE_ENDPOINT", service)
    run = {"JobName": "j", "Id": "r"}
    with served(tmp_path / "data", ApiSettings()) as client:
        for state, status in (("SUCCEEDED", "SUCCEEDED"), ("TIMEOUT", "FAILED")):
            looks = [{**run, "JobRunState": one} for one in ("RUNNING", state)]
            FakeService.answers[:] = [(200, {"JobRunId": "r"}), *((200, {"JobRun": look}) for look in looks)]
            found = called(client, "arn:aws:states:::glue:startJobRun.sync", {"JobName": "j"})
            assert found["status"] == status
            assert json.loads(found.get("output") or found["cause"]) == looks[-1]
        assert FakeService.seen[-1] == ("AWSGlue.GetJobRun", {"JobName": "j", "RunId": "r"})


def test_an_endpoint_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Task fails; its Catch can handle it."""
    monkeypatch.setenv("SQS_ENDPOINT", "http://127.0.0.1:9")
    with served(tmp_path / "data", ApiSettings()) as client:
        failed = called(client, "arn:aws:states:::sqs:sendMessage", {"QueueUrl": "http://q", "MessageBody": {"a": 1}})
        assert failed["error"] == "SQS.SdkClientException"
