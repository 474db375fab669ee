"""A creation that failed leaves nothing behind, so that it can be repeated."""

from pathlib import Path

import pytest

from tests.aws.aws_stack import local_aws
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.slow, needs(local_aws.missing())]

KEPT = ["ImageBucket", "AccessLogBucket", "DogImageUploads", "Key"]
BROKEN = {"Broken": {"Type": "AWS::CloudFormation::Stack", "Properties": {}, "DependsOn": KEPT}}


@pytest.mark.long
def test_a_failed_creation_can_be_repeated(tmp_path: Path) -> None:
    """What a deleted stack leaves goes with a failed creation; then the same deployment succeeds."""
    with local_aws.LocalAws(tmp_path / "ministack.log") as aws:
        clients = {name: local_aws.client(aws.endpoint, name) for name in ("s3", "dynamodb", "cloudformation")}

        def left() -> tuple[set[str], list[str]]:
            buckets = {found["Name"] for found in clients["s3"].list_buckets()["Buckets"]}
            return buckets - {local_aws.CODE_BUCKET}, clients["dynamodb"].list_tables()["TableNames"]

        with pytest.raises(RuntimeError, match=r"ROLLBACK_COMPLETE: .*Broken"):
            aws.deploy("pupline", {}, more=BROKEN)
        assert left() == (set(), [])
        clients["cloudformation"].delete_stack(StackName="pupline")
        aws.deploy("pupline", {})
        clients["cloudformation"].delete_stack(StackName="pupline")
        buckets, tables = left()
        assert (len(buckets), tables) == (2, ["DogImageUploads"])
