"""Versions of state machines."""

import json
from typing import Any

from tests.stepfunctions.conftest import PASS, ROLE, Refused


def numbered(number: int) -> str:
    """A definition unlike the others."""
    return json.dumps({"Comment": f"R{number}", **json.loads(PASS)})


def listed(client: Any, machine: str) -> list[str]:
    """The versions of a machine: what follows its ARN."""
    found = client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    return [one["stateMachineVersionArn"].removeprefix(machine) for one in found]


def test_a_version_keeps_what_it_was_published_with(client: Any) -> None:
    """Later updates do not change a version; its description belongs to it alone."""
    created = client.create_state_machine(
        name="published", definition=PASS, roleArn=ROLE, publish=True, versionDescription="first"
    )
    machine, version = created["stateMachineArn"], created["stateMachineVersionArn"]
    assert version == f"{machine}:1"
    client.update_state_machine(stateMachineArn=machine, definition=numbered(2))
    found = client.describe_state_machine(stateMachineArn=version)
    assert (found["definition"], found["description"], found["stateMachineArn"]) == (PASS, "first", version)
    present = client.describe_state_machine(stateMachineArn=machine)
    assert present["definition"] == numbered(2)
    assert "description" not in present


def test_publishing_again_is_idempotent(client: Any, machine: str) -> None:
    """The present revision has one version; another description makes another."""
    first = client.publish_state_machine_version(stateMachineArn=machine)
    again = client.publish_state_machine_version(stateMachineArn=machine)
    assert first["stateMachineVersionArn"] == again["stateMachineVersionArn"] == f"{machine}:1"
    same = client.update_state_machine(stateMachineArn=machine, definition=PASS, publish=True)
    assert same["stateMachineVersionArn"] == f"{machine}:1"
    described = client.update_state_machine(
        stateMachineArn=machine, definition=PASS, publish=True, versionDescription="second"
    )
    assert described["stateMachineVersionArn"] == f"{machine}:2"


def test_numbers_are_not_given_twice(client: Any, machine: str, refused: Refused) -> None:
    """A deleted version's number is not used again, and deleting is idempotent."""
    for number in (1, 2):
        client.update_state_machine(stateMachineArn=machine, definition=numbered(number), publish=True)
    client.delete_state_machine_version(stateMachineVersionArn=f"{machine}:2")
    client.delete_state_machine_version(stateMachineVersionArn=f"{machine}:2")
    published = client.publish_state_machine_version(stateMachineArn=machine)
    assert published["stateMachineVersionArn"] == f"{machine}:3"
    assert listed(client, machine) == [":3", ":1"]
    assert refused(client.delete_state_machine_version, stateMachineVersionArn=machine)[0] == "InvalidArn"


def test_a_revision_that_is_not_the_present_one_is_refused(client: Any, machine: str, refused: Refused) -> None:
    """PublishStateMachineVersion with a revisionId publishes that revision or nothing."""
    first = client.publish_state_machine_version(stateMachineArn=machine, revisionId="INITIAL")
    assert first["stateMachineVersionArn"] == f"{machine}:1"
    revision = client.update_state_machine(stateMachineArn=machine, definition=numbered(1))["revisionId"]
    code, text = refused(client.publish_state_machine_version, stateMachineArn=machine, revisionId="INITIAL")
    assert code == "ConflictException"
    start = "Failed to publish the State Machine version for revision INITIAL."
    assert text == f"{start} The current State Machine revision is {revision}."
    assert listed(client, machine) == [":1"]


def test_versions_come_in_pages_newest_first(client: Any, machine: str) -> None:
    """Pages of three, two and none."""
    for number in range(5):
        client.update_state_machine(stateMachineArn=machine, definition=numbered(number), publish=True)
    page = client.list_state_machine_versions(stateMachineArn=machine, maxResults=3)
    rest = client.list_state_machine_versions(stateMachineArn=machine, maxResults=3, nextToken=page["nextToken"])
    numbers = [one["stateMachineVersionArn"][-1] for one in page["stateMachineVersions"] + rest["stateMachineVersions"]]
    assert numbers == ["5", "4", "3", "2", "1"]
    assert "nextToken" not in rest


def test_versions_of_no_machine_are_refused(client: Any, refused: Refused) -> None:
    """Publishing and listing need a machine."""
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:none"
    error = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    assert refused(client.publish_state_machine_version, stateMachineArn=arn) == error
    assert refused(client.list_state_machine_versions, stateMachineArn=arn) == error
