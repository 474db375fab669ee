"""Activities, without their workers."""

from typing import Any

from pupline.stepfunctions import ApiServer
from tests.stepfunctions.conftest import Refused, client_of


def test_an_activity_lives(client: Any, refused: Refused) -> None:
    """Created once, described, deleted as often as one likes."""
    created = client.create_activity(name="packing")
    arn = created["activityArn"]
    assert arn == "arn:aws:states:eu-west-1:123456789012:activity:packing"
    assert client.create_activity(name="packing")["creationDate"] == created["creationDate"]
    found = client.describe_activity(activityArn=arn)
    del found["ResponseMetadata"]
    assert found == {"activityArn": arn, "name": "packing", "creationDate": created["creationDate"]}
    client.delete_activity(activityArn=arn)
    client.delete_activity(activityArn=arn)
    error = ("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    assert refused(client.describe_activity, activityArn=arn) == error


def test_activities_are_checked(client: Any, refused: Refused) -> None:
    """Names and ARNs as AWS has them; another encryption is another activity."""
    assert refused(client.create_activity, name="a b$") == ("InvalidName", "Invalid Name: 'a b$'")
    assert refused(client.describe_activity, activityArn="x") == ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'")
    client.create_activity(name="plain")
    encryption = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/any"}
    code, _ = refused(client.create_activity, name="plain", encryptionConfiguration=encryption)
    assert code == "ActivityAlreadyExists"


def test_activities_are_listed_by_name_and_in_pages(server: ApiServer) -> None:
    """Of one region, three and then two."""
    client = client_of(server, "eu-north-1")
    for number in range(5):
        client.create_activity(name=f"a{number}")
    page = client.list_activities(maxResults=3)
    rest = client.list_activities(maxResults=3, nextToken=page["nextToken"])
    assert [one["name"] for one in page["activities"] + rest["activities"]] == ["a0", "a1", "a2", "a3", "a4"]
