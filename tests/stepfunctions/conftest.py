"""A door on a free port of 127.0.0.1, and boto3 in front of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from pupline.local import LocalBackend
from pupline.stepfunctions import DoorServer, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorServer]:
    """One server for the tests of a file."""
    data: Path = tmp_path_factory.mktemp("door")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(server: DoorServer) -> Any:
    """boto3's client of that server. It sends what the model forbids, so that the server can refuse it."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )
