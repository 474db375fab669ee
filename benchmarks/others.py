"""Executions per second of other interpreters, on the same definitions, or why one cannot run them."""

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import BUILD, Figure, isolated, rate
from benchmarks.workloads import FIVE_STATES, GIVEN, adapted_pipeline, pipeline, pipeline_answers
from tools import peers

_NODE_EXECUTIONS = 10_000
_MINISTACK_SECONDS = 4.0
_MINISTACK_IN_FLIGHT = (1, 8, 64)
"""Executions in flight. It mostly waits, so its rate grows with them; the best rate counts."""


def rates(what: str, workload: str) -> list[Figure]:
    """moto, aws-local-stepfunctions and MiniStack, each in its own process."""
    figures = [isolated(moto, what, workload), isolated(node, what, workload)]
    if figures[-1].value is None and workload == "pipeline" and peers.why_no_node() is None:
        figures.append(isolated(node, what, "adapted"))
    return [*figures, isolated(ministack, what, workload)]


def moto(what: str, workload: str) -> Figure:
    """moto's interpreter, called directly in this process: no boto3, no server."""
    from tools.peer_moto import Moto

    definition, given = _definition(workload)
    who = f"moto {version('moto')}"
    interpreter = Moto(definition, pipeline_answers())
    problem = _problem(interpreter.run(given))
    if problem:
        return Figure(what, who, None, "/s", problem)
    return Figure(what, who, rate(lambda: interpreter.run(given)), "/s", "in memory, its interpreter called directly")


def node(what: str, workload: str) -> Figure:
    """aws-local-stepfunctions in a Node process; the time excludes the pipe."""
    missing = peers.why_no_node()
    if missing:
        return Figure(what, "aws-local-stepfunctions", None, "/s", missing)
    definition, given = _definition(workload)
    with peers.AwsLocalStepFunctions() as process:
        who = f"aws-local-stepfunctions {process.version}"
        outcome, _ = process.run(definition, given, pipeline_answers(), count=1)
        problem = _problem(outcome)
        if problem:
            return Figure(what, who, None, "/s", problem)
        seconds = min(process.run(definition, given, pipeline_answers(), count=_NODE_EXECUTIONS)[1] for _ in range(3))
    note = "in memory, no history" + ("; two fields of the definition changed for it" if workload == "adapted" else "")
    return Figure(what, who, _NODE_EXECUTIONS / seconds, "/s", note)


def ministack(what: str, workload: str) -> Figure:
    """MiniStack, through its Step Functions API, with mocked tasks."""
    from tools import local_aws

    missing = local_aws.missing()
    if missing:
        return Figure(what, "MiniStack", None, "/s", missing)
    definition, given = _definition(workload)
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        mocks = Path(directory) / "mocks.json"
        mocks.write_text(json.dumps(_mocks()))
        os.environ["SFN_MOCK_CONFIG"] = str(mocks)
        with local_aws.LocalAws(Path(directory) / "log") as server:
            client = _client(server.endpoint)
            arn = client.create_state_machine(name="bench", definition=json.dumps(definition), roleArn=_ROLE)
            start = _starter(client, arn["stateMachineArn"] + "#answers", json.dumps(given))
            described = start()
            problem = _problem(peers.Outcome(described["status"], cause=described.get("cause")))
            if problem:
                return Figure(what, f"MiniStack {_ministack_version()}", None, "/s", problem)
            rates = {in_flight: _rate_in_flight(start, in_flight) for in_flight in _MINISTACK_IN_FLIGHT}
    found = ", ".join(f"{each:.0f}/s with {in_flight} in flight" for in_flight, each in rates.items())
    return Figure(
        what, f"MiniStack {_ministack_version()}", max(rates.values()), "/s", f"over HTTP, in memory; {found}"
    )


_ROLE = "arn:aws:iam::000000000000:role/bench"


def _client(endpoint: str) -> Any:
    """A client with a connection for each execution in flight."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=max(_MINISTACK_IN_FLIGHT), retries={"total_max_attempts": 1})
    keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "test")
    return boto3.client("stepfunctions", endpoint_url=endpoint, region_name="us-east-1", config=config, **keys)


def _starter(client: Any, arn: str, given: str) -> Callable[[], dict[str, Any]]:
    """Starts an execution and polls until it has ended."""
    numbers = itertools.count()

    def start() -> dict[str, Any]:
        execution = client.start_execution(stateMachineArn=arn, name=f"x-{next(numbers)}", input=given)
        while True:
            described: dict[str, Any] = client.describe_execution(executionArn=execution["executionArn"])
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.002)

    return start


def _rate_in_flight(start: Callable[[], dict[str, Any]], in_flight: int) -> float:
    began = time.perf_counter()
    until = began + _MINISTACK_SECONDS

    def many() -> int:
        done = 0
        while time.perf_counter() < until:
            assert start()["status"] == "SUCCEEDED"
            done += 1
        return done

    with ThreadPoolExecutor(in_flight) as pool:
        counts = [each.result() for each in [pool.submit(many) for _ in range(in_flight)]]
    return sum(counts) / (time.perf_counter() - began)


def _mocks() -> dict[str, Any]:
    """The results in the format of Step Functions Local's mock configuration."""
    answers = pipeline_answers()
    return {
        "StateMachines": {"bench": {"TestCases": {"answers": {state: state for state in answers}}}},
        "MockedResponses": {state: {"0": {"Return": answer.output}} for state, answer in answers.items()},
    }


def _ministack_version() -> str:
    from tools import local_aws

    found = local_aws.PYTHON.parents[1].glob("lib/python*/site-packages/ministack-*.dist-info")
    return next(found).name.removeprefix("ministack-").removesuffix(".dist-info")


def _definition(workload: str) -> tuple[dict[str, Any], Any]:
    if workload == "adapted":
        return adapted_pipeline(), {}
    return (pipeline(), {}) if workload == "pipeline" else (FIVE_STATES, GIVEN)


def _problem(outcome: peers.Outcome) -> str | None:
    if outcome.status == "SUCCEEDED":
        return None
    words = " ".join(part for part in (outcome.error, outcome.cause) if part)
    return f"cannot run it ({outcome.status}): {words[:120]}"
