"""Tags of state machines and activities."""

from typing import Any

from tests.stepfunctions.conftest import PASS, ROLE, Refused


def tags(**pairs: str) -> list[dict[str, str]]:
    """A list of tags."""
    return [{"key": key, "value": value} for key, value in pairs.items()]


def test_tags_are_added_replaced_and_removed(client: Any, machine: str) -> None:
    """By key; an empty value is a value; removing what is not there is fine."""
    client.tag_resource(resourceArn=machine, tags=tags(a="1", b=""))
    client.tag_resource(resourceArn=machine, tags=tags(a="2", c="3"))
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == tags(a="2", b="", c="3")
    client.untag_resource(resourceArn=machine, tagKeys=["a", "none"])
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == tags(b="", c="3")


def test_tags_come_with_creation(client: Any) -> None:
    """Of machines and of activities."""
    arn = client.create_state_machine(name="tagged", definition=PASS, roleArn=ROLE, tags=tags(a="1"))["stateMachineArn"]
    activity = client.create_activity(name="tagged", tags=tags(b="2"))["activityArn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == tags(a="1")
    assert client.list_tags_for_resource(resourceArn=activity)["tags"] == tags(b="2")


def test_more_than_fifty_tags_are_refused(client: Any, machine: str, refused: Refused) -> None:
    """At once or one after the other, and then none of them is kept."""
    many = {f"k{number}": "" for number in range(50)}
    client.tag_resource(resourceArn=machine, tags=tags(**many))
    assert refused(client.tag_resource, resourceArn=machine, tags=tags(more="", k1="new"))[0] == "TooManyTags"
    assert client.list_tags_for_resource(resourceArn=machine)["tags"][1] == {"key": "k1", "value": ""}
    too_many = tags(**many, more="")
    parameters = {"name": "too-tagged", "definition": PASS, "roleArn": ROLE, "tags": too_many}
    assert refused(client.create_state_machine, **parameters)[0] == "TooManyTags"


def test_only_machines_and_activities_have_tags(client: Any, machine: str, refused: Refused) -> None:
    """A version has none, and neither has what does not exist."""
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    for arn in (version, f"{machine}-none", machine.replace("stateMachine", "activity")):
        error = ("ResourceNotFound", f"Resource not found: '{arn}'")
        assert refused(client.tag_resource, resourceArn=arn, tags=[]) == error
        assert refused(client.untag_resource, resourceArn=arn, tagKeys=[]) == error
        assert refused(client.list_tags_for_resource, resourceArn=arn) == error
    assert refused(client.tag_resource, resourceArn=machine, tags=[{"value": "1"}])[0] == "ValidationException"
