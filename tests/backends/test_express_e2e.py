"""The commands on a stack whose workflow is Express, on a local AWS with the real template."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pupline.aws import from_attributes
from tests.aws.aws_image_api import image_api
from tests.aws.aws_stack import local_aws
from tests.backends.test_stack_e2e import IMAGES, STACK, command, parsed
from tests.shared.needed_tools import needs

pytestmark = [
    pytest.mark.long,
    pytest.mark.aws,
    pytest.mark.slow,
    needs(local_aws.missing()),
]


@dataclass(frozen=True)
class Express:
    """The stack, and what `run --json` told of each image and of a random one."""

    stack: local_aws.Stack
    environment: dict[str, str]
    told: dict[str, dict[str, Any]]

    def lines(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """What a command tells as JSON Lines."""
        done = command(self.environment, *words, *STACK, "--json")
        assert done.returncode == code, done.stderr
        return parsed(done.stdout)


@pytest.fixture(scope="module")
def express(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Express]:
    """Every image once, each in a run of its own; `{}` in the run `random`."""
    directory: Path = tmp_path_factory.mktemp("express")
    with image_api() as api, local_aws.LocalAws(directory / "ministack.log") as aws:
        stack = aws.deploy("pupline", {"Source": f"{api.origin}/api", "WorkflowType": "EXPRESS"})
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        where = {"AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": local_aws.REGION}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PUPLINE_"))}
        found = Express(stack, inherited | keys | where, {})
        for name, path in IMAGES.items():
            words = ("run", "--image-url", api.url(path), "--run-id", name)
            (found.told[name],) = found.lines(*words, code=int(name == "gone"))
        (found.told["random"],) = found.lines("run", "--run-id", "random")
        yield found


def test_one_execution_gives_one_record(express: Express) -> None:
    """Each result is that of its record."""
    records = {record["execution"]: record for record in express.lines("audit")}
    assert records.keys() == {f"{name}-00001" for name in express.told}
    for told in express.told.values():
        record = records[told["execution"]]
        assert {name: told[name] for name in ("outcome", "reason", "image_name", "file_type", "alert_triggered")} == {
            name: record[name] for name in ("outcome", "reason", "image_name", "file_type", "alert_triggered")
        }
    assert [name for name, told in express.told.items() if told["status"] != "SUCCEEDED"] == ["gone"]
    assert express.told["real"]["alert_triggered"] is True


def test_the_machine_has_its_own_name_and_type(express: Express) -> None:
    """As the template says."""
    arn = express.stack.outputs["StateMachineArn"]
    described = express.stack.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert (described["name"], described["type"]) == ("DogUploaderPipelineExpress", "EXPRESS")


def test_choices_are_remembered_in_their_table(express: Express) -> None:
    """The pick of a random image and the download of each, for thirty days; nothing but images in the bucket."""
    items = express.stack.client("dynamodb").scan(TableName="DogImageMemos")["Items"]
    memos = {item["memo_name"]["S"]: from_attributes(item) for item in items}
    assert memos.keys() == {"random-00001/picked"} | {
        f"{name}-00001/object" for name, told in express.told.items() if told["image_url"]
    }
    assert all(memo["expires_at"] > 1_700_000_000 + 30 * 24 * 3600 for memo in memos.values())
    bucket = express.stack.outputs["ImageBucketName"]
    listed = express.stack.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert {found["Key"].partition("/")[0] for found in listed} <= {"html", "quarantine"}


def test_a_run_asked_for_again_does_nothing_twice(express: Express) -> None:
    """The same result from its record; one more execution is started where one is missing."""
    before = len(express.lines("audit"))
    again = express.lines("run", "--run-id", "random", "--count", "2")
    assert again[0] == express.told["random"]
    assert [row["execution"] for row in again] == ["random-00001", "random-00002"]
    assert len(express.lines("audit")) == before + 1
