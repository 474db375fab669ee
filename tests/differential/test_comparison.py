"""The comparison in docs/states-language.md says of each implementation what it answered here.

Peers that are not installed are skipped; those that need Docker or an account are not in the table.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from pupline.local import LocalBackend
from pupline.stepfunctions import serving
from tests.differential.capabilities import API, LANGUAGE, Api, can
from tests.differential.interpreters import run_node, same
from tools import local_aws
from tools.peers import AwsLocalStepFunctions, why_no_node

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "states-language.md"
NODE = "aws-local-stepfunctions"


def table() -> dict[str, dict[str, str]]:
    """Column -> row -> cell, of the table that has a column for moto."""
    lines = re.findall(r"^\|(.+)\|$", PAGE.read_text(), re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    start = next(at for at, row in enumerate(rows) if "moto" in row)
    head, body = rows[start], rows[start + 2 : start + 2 + len(LANGUAGE) + len(API)]
    return {name: {row[0]: row[at] for row in body} for at, name in enumerate(head[1:], 1)}


def client(url: str | None = None) -> Any:
    """boto3's client of an implementation."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, read_timeout=70),
    )


def answers(api: Api) -> dict[str, str]:
    """Row -> yes or no."""
    found = {each.row: same(api.outcome(each.case), each.expected) for each in LANGUAGE}
    found |= {row: can(api, question) for row, question in API.items()}
    return {row: "yes" if answer else "no" for row, answer in found.items()}


def test_pupline(tmp_path: Path) -> None:
    """Everything, through its own API."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0)) as server:
        found = answers(Api(client(server.url)))
    assert found == table()["pupline"]
    assert set(found.values()) == {"yes"}


@pytest.fixture
def quiet_threads() -> Iterator[None]:
    """moto's executions end in errors of their threads."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("threading.excepthook", lambda _: None)
        yield


@pytest.mark.usefixtures("quiet_threads")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning", "ignore::DeprecationWarning")
def test_moto() -> None:
    """moto, in this process, set to run executions."""
    from moto import mock_aws

    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        assert answers(Api(client(), wait=2)) == table()["moto"]


def test_ministack(tmp_path: Path) -> None:
    """MiniStack, a server."""
    if missing := local_aws.missing():
        pytest.skip(missing)
    with local_aws.LocalAws(tmp_path / "log") as server:
        assert answers(Api(client(server.endpoint), wait=2)) == table()["MiniStack"]


def test_aws_local_stepfunctions() -> None:
    """The interpreter alone: it has no API."""
    if missing := why_no_node():
        pytest.skip(missing)
    with AwsLocalStepFunctions() as process:
        run: Callable[[Any], Any] = lambda case: run_node(case, process)  # noqa: E731
        found = {each.row: "yes" if same(run(each.case), each.expected) else "no" for each in LANGUAGE}
    assert found | dict.fromkeys(API, "no API") == table()[NODE]
