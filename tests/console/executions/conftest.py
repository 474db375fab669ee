"""A data directory with executions of the Step Functions API, as `pupline asl serve` leaves it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.local import LocalBackend
from pupline.stepfunctions import serving
from tests.console.conftest import console_client

ROLE = "arn:aws:iam::123456789012:role/any"
PREFIX = "123456789012:us-east-1"

ITEMS = 60
"""Of the Map `Each`; every fourth child fails."""

MARKUP = "<script>alert(1)</script>\u202e"

_PICK = {
    "StartAt": "Pick",
    "States": {
        "Pick": {
            "Type": "Choice",
            "QueryLanguage": "JSONata",
            "Choices": [{"Condition": "{% $states.input % 4 = 0 %}", "Next": "Refuse"}],
            "Default": "Store",
        },
        "Store": {"Type": "Pass", "End": True},
        "Refuse": {"Type": "Fail", "Error": "Odd", "Cause": "this one is not wanted"},
    },
}
MACHINES: dict[str, Any] = {
    "Many": {
        "StartAt": "Items",
        "States": {
            "Items": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% [1..{ITEMS}] %}}", "Next": "Each"},
            "Each": {
                "Type": "Map",
                "Label": "Each",
                "ToleratedFailurePercentage": 50,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **_PICK},
                "ResultPath": None,
                "End": True,
            },
        },
    },
    "Loop": {
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Pass", "Result": {"n": 0}, "Next": "Count"},
            "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"},
            "More": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": 50, "Next": "Count"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    },
    "Hostile": {
        "StartAt": MARKUP,
        "States": {
            MARKUP: {"Type": "Pass", "Assign": {"v": MARKUP}, "QueryLanguage": "JSONata", "Next": "Fail"},
            "Fail": {"Type": "Fail", "Error": MARKUP, "Cause": f"{MARKUP}{{{{7*7}}}}\x1b[31m"},
        },
    },
    "Surrogate": {
        "StartAt": "Half \ud800",
        "States": {
            "Half \ud800": {"Type": "Pass", "Result": {"half \ud800": "\udfff"}, "Next": "End"},
            "End": {"Type": "Fail", "Error": "\ud800", "Cause": "\ud800"},
        },
    },
    "Slow": {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 90000, "End": True}}},
}


@pytest.fixture(scope="session")
def machines_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One execution of each machine, called `one`. Do not write to it."""
    data = tmp_path_factory.mktemp("machines")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0)) as server:
        api = boto3.client(
            "stepfunctions",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",  # noqa: S106
            config=Config(inject_host_prefix=False),
        )
        started = []
        for name, definition in MACHINES.items():
            machine = api.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
            arn = machine["stateMachineArn"]
            started.append(api.start_execution(stateMachineArn=arn, name="one", input=json.dumps({"x": MARKUP})))
        while any(_runs(api, one["executionArn"]) for one in started[:-1]):
            time.sleep(0.01)
    return data


def _runs(api: Any, arn: str) -> bool:
    return bool(api.describe_execution(executionArn=arn)["status"] == "RUNNING")


@pytest.fixture(scope="session")
def machines(machines_world: Path) -> Iterator[TestClient]:
    """A client of the console over that directory."""
    with console_client(create_app(ConsoleSettings(data_dir=machines_world))) as found:
        yield found
