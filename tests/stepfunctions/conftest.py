"""The API on a free port of 127.0.0.1, and boto3 in front of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiServer, serving

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
ROLE = "arn:aws:iam::123456789012:role/any"

Refused = Callable[..., tuple[str, str]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for all tests: each has names of its own, or a region."""
    data = tmp_path_factory.mktemp("api")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0)) as opened:
        yield opened


def client_of(server: ApiServer, region: str = "eu-west-1", key: str = "any") -> Any:
    """boto3's client of a server. It sends what the model forbids, so that the server can refuse it."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="any",  # noqa: S106
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )


@pytest.fixture(scope="module")
def client(server: ApiServer) -> Any:
    """A client of the server."""
    return client_of(server)


@pytest.fixture(scope="session")
def refused() -> Refused:
    """Calls what must be refused; returns the code and the message."""

    def call(operation: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**parameters)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call


@pytest.fixture
def machine(client: Any, request: pytest.FixtureRequest) -> str:
    """The ARN of a state machine of this test alone."""
    name = request.node.name.partition("[")[0][-70:]
    arn: str = client.create_state_machine(name=name, definition=PASS, roleArn=ROLE)["stateMachineArn"]
    return arn
