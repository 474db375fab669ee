"""Executions recorded on AWS, run again through the API: outcome and full history must be those of AWS.

The corpus lies beside the project and is only read; where it is absent these tests are skipped. Functions stand behind
LAMBDA_ENDPOINT; waits cost nothing.
"""

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config

from pupline.asl import lambda_error
from pupline.local import LocalBackend
from pupline.stepfunctions import ApiSettings, serving
from tests.conformance import adapter
from tests.conformance.test_conformance import EXCEPTIONS, compare  # noqa: F401 - a fixture
from tests.stepfunctions.api_client import ended

ROLE = "arn:aws:iam::111111111111:role/recorded"
AREAS = ("assign", "base", "context_object", "error_handling", "outputdecl", "scenarios", "services.lambda")
NOT_HERE = {
    **EXCEPTIONS,
    "error_handling.task_service_lambda.test_invoke_timeout#0": "the function sleeps for a minute",
}
pytestmark = [pytest.mark.slow, pytest.mark.long]


class Lambda(BaseHTTPRequestHandler):
    """Lambda's Invoke, for the functions of one case."""

    functions: ClassVar[dict[str, Callable[[Any], tuple[Any, float]]]] = {}

    def do_POST(self) -> None:
        """One call."""
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = urllib.parse.unquote(self.path.split("/")[3])
        function = self.functions.get(name) or self.functions.get(name.rpartition(":")[2])
        if function is None:
            arn = f"arn:aws:lambda:us-east-1:111111111111:function:{name}:$LATEST"
            self._send(404, {"Type": "User", "message": f"Function not found: {arn}"})
            return
        try:
            self._send(200, function(payload)[0])
        except Exception as error:  # noqa: BLE001 - the function's failure
            self._send(200, json.loads(lambda_error(error)), failed=True)

    def _send(self, status: int, value: Any, *, failed: bool = False) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
        if status == 404:
            self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class LambdaServer(ThreadingHTTPServer):
    """Takes the calls of a Distributed Map at once."""

    request_queue_size = 128


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """boto3's client of a server whose functions are the recorded ones."""
    data: Path = tmp_path_factory.mktemp("api")
    with LambdaServer(("127.0.0.1", 0), Lambda) as functions, pytest.MonkeyPatch.context() as environment:
        threading.Thread(target=functions.serve_forever, daemon=True).start()
        environment.setenv("LAMBDA_ENDPOINT", f"http://127.0.0.1:{functions.server_port}")
        settings = ApiSettings(wait_scale=0)
        with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0), settings) as server:
            yield boto3.client(
                "stepfunctions",
                endpoint_url=server.url,
                region_name="us-east-1",
                aws_access_key_id="111111111111",
                aws_secret_access_key="any",  # noqa: S106
                config=Config(retries={"total_max_attempts": 1}),
            )
        functions.shutdown()


def is_run(case: dict[str, Any]) -> bool:
    """Whether a case needs nothing but functions, and its history can be asked for."""
    standard = case["kind"] == "execution" and case.get("type", "STANDARD") == "STANDARD"
    return standard and {*(case.get("needs") or ())} <= {"lambda"}


def executed(client: Any, case: dict[str, Any]) -> dict[str, Any]:
    """The end of an execution, in the shape that the corpus's comparer reads."""
    Lambda.functions.clear()
    for name, function in (case.get("tasks") or {}).items():
        called = adapter._lambda(function)
        Lambda.functions |= {name: called, function["arn"].rpartition(":")[2]: called}
    definition = case["definition"] if isinstance(case["definition"], str) else json.dumps(case["definition"])
    machine = client.create_state_machine(name=f"m{case['sha1']}", definition=definition, roleArn=ROLE)
    given = {} if case.get("input_omitted") else {"input": json.dumps(case["input"])}
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], **given)["executionArn"]
    found = ended(client, arn)
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    return {
        "status": found["status"],
        "output": json.loads(found["output"]) if "output" in found else None,
        "error": found.get("error"),
        "cause": found.get("cause"),
        "events": json.loads(json.dumps([event for page in pages for event in page["events"]], default=str)),
        "names": {ROLE: "sfn_role_arn"},
    }


@pytest.mark.skipif(not adapter.corpus().exists(), reason="the conformance corpus is not beside this project")
@pytest.mark.parametrize("area", AREAS)
def test_recorded_executions_are_the_same_through_the_api(
    area: str,
    client: Any,
    compare: ModuleType,  # noqa: F811 - a fixture
) -> None:
    """Every event with its ids and details."""
    wrong, count = [], 0
    for path in sorted((adapter.corpus() / "cases" / area).glob("*.json")):
        case = json.loads(path.read_text())
        if not is_run(case) or any(case["id"].startswith(start) for start in NOT_HERE):
            continue
        count += 1
        verdict = compare.compare(case, executed(client, case))
        if not verdict["l1c"] or verdict["l2"] is False or verdict["l3"] is False:
            wrong.append(f"{case['id']}: {verdict['why'][:1]}")
    assert count
    assert not wrong, "\n".join(wrong)
