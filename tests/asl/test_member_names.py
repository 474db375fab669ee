"""How members of AWS's services are spelled in arguments and results."""

import pytest

from pupline.asl import diagnose, mocks_skeleton, sdk_member_name
from pupline.json_values import dumps

RDS = "arn:aws:states:::aws-sdk:rds:modifyDBCluster"


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("executionArn", "ExecutionArn"),
        ("DBClusterIdentifier", "DbClusterIdentifier"),
        ("SourceDBClusterIdentifier", "SourceDBClusterIdentifier"),
        ("KMSKeyArn", "KmsKeyArn"),
        ("TemplateURL", "TemplateURL"),
        ("TTL", "Ttl"),
        ("ETag", "ETag"),
        ("S3Bucket", "S3Bucket"),
        ("S", "S"),
        ("NULL", "Nul"),
    ],
)
def test_sdk_integrations_spell_members_as_java_does(name: str, spelling: str) -> None:
    """The acronym that a name begins with is a word; others stay."""
    assert sdk_member_name(name) == spelling


def test_messages_and_mocks_use_the_spelling() -> None:
    """A missing argument and a sample response have the names that work on AWS."""
    pytest.importorskip("botocore")
    machine = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": RDS, "Parameters": {}, "End": True}}}
    assert "'DbClusterIdentifier'" in str(diagnose(machine)[0])
    mocks = dumps(mocks_skeleton(machine, "M"))
    assert '"DbCluster":' in mocks
    assert '"DBCluster":' not in mocks
