"""Aliases of state machines."""

import json
from typing import Any

import pytest

from tests.stepfunctions.conftest import PASS, Refused


@pytest.fixture
def versions(client: Any, machine: str) -> list[str]:
    """Three versions of the test's machine."""
    for number in range(3):
        definition = json.dumps({"Comment": str(number), **json.loads(PASS)})
        client.update_state_machine(stateMachineArn=machine, definition=definition, publish=True)
    return [f"{machine}:{number}" for number in (1, 2, 3)]


def routing(*routes: tuple[str, int]) -> list[dict[str, Any]]:
    """A routingConfiguration."""
    return [{"stateMachineVersionArn": version, "weight": weight} for version, weight in routes]


def test_an_alias_lives(client: Any, machine: str, versions: list[str], refused: Refused) -> None:
    """It is created once, described, updated and deleted."""
    one, two, _ = versions
    given = {"name": "live", "routingConfiguration": routing((one, 100)), "description": "now"}
    created = client.create_state_machine_alias(**given)
    assert client.create_state_machine_alias(**given)["creationDate"] == created["creationDate"]
    alias = created["stateMachineAliasArn"]
    assert alias == f"{machine}:live"
    client.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=routing((one, 60), (two, 40)))
    found = client.describe_state_machine_alias(stateMachineAliasArn=alias)
    assert found["routingConfiguration"] == routing((one, 60), (two, 40))
    assert (found["name"], found["description"], found["creationDate"]) == ("live", "now", created["creationDate"])
    assert found["updateDate"] >= found["creationDate"]
    client.delete_state_machine_alias(stateMachineAliasArn=alias)
    client.delete_state_machine_alias(stateMachineAliasArn=alias)
    missing = ("ResourceNotFound", "Request references a resource that does not exist.")
    assert refused(client.describe_state_machine_alias, stateMachineAliasArn=alias) == missing
    assert refused(client.update_state_machine_alias, stateMachineAliasArn=alias, description="x") == missing


def test_an_alias_of_the_same_name_is_refused(client: Any, versions: list[str], refused: Refused) -> None:
    """Another description or routing is a conflict."""
    given = {"name": "live", "routingConfiguration": routing((versions[0], 100))}
    client.create_state_machine_alias(**given)
    message = "Failed to create alias because an alias with the same name and a different routing configuration"
    for change in ({"description": "other"}, {"routingConfiguration": routing((versions[1], 100))}):
        code, text = refused(client.create_state_machine_alias, **{**given, **change})
        assert code == "ConflictException"
        assert text == f"{message} already exists."


def test_routings_are_checked(client: Any, machine: str, versions: list[str], refused: Refused) -> None:
    """AWS's words for a routing that cannot be."""

    def message(*routes: tuple[str, int]) -> str:
        code, text = refused(client.create_state_machine_alias, name="x", routingConfiguration=routing(*routes))
        assert code == "ValidationException"
        return text

    one, two, three = versions
    start = "Routing configuration must contain"
    assert message((machine, 100)) == f"{start} state machine version ARNs. Received: [{machine}]"
    assert message((one, 50), (one, 50)) == f"{start} distinct state machine version ARNs. Received: [{one}, {one}]"
    assert message((one, 70), (two, 29)) == "Sum of routing configuration weights must equal 100. Received: [70, 29]"
    assert message((one, 101)) == (
        "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy "
        "constraint: Member must have value less than or equal to 100"
    )
    items = [
        f"RoutingConfigurationListItem(stateMachineVersionArn={version}, weight={weight})"
        for version, weight in ((one, 50), (two, 30), (three, 20))
    ]
    assert message((one, 50), (two, 30), (three, 20)) == (
        f"1 validation error detected: Value '[{', '.join(items)}]' at 'routingConfiguration' failed to satisfy "
        "constraint: Member must have length less than or equal to 2"
    )
    other = one.replace(machine, f"{machine}2")
    assert message((one, 50), (other, 50)).startswith(f"{start} versions of one state machine.")
    none = refused(client.create_state_machine_alias, name="x", routingConfiguration=routing((f"{machine}:9", 100)))
    assert none[0] == "ResourceNotFound"


def test_a_version_with_an_alias_is_not_deleted(
    client: Any, machine: str, versions: list[str], refused: Refused
) -> None:
    """The conflict names the aliases; without them the version goes."""
    for name in ("b", "a"):
        client.create_state_machine_alias(name=name, routingConfiguration=routing((versions[0], 1), (versions[1], 99)))
    code, text = refused(client.delete_state_machine_version, stateMachineVersionArn=versions[0])
    assert code == "ConflictException"
    start = "Version to be deleted must not be referenced by an alias."
    assert text == f"{start} Current list of aliases referencing this version: [a, b]"
    for name in ("a", "b"):
        client.delete_state_machine_alias(stateMachineAliasArn=f"{machine}:{name}")
    client.delete_state_machine_version(stateMachineVersionArn=versions[0])


def test_aliases_are_listed_by_name_and_by_version(client: Any, machine: str, versions: list[str]) -> None:
    """With a version's ARN, only those that route to it."""
    for name, version in (("c", versions[0]), ("a", versions[1]), ("b", versions[0])):
        client.create_state_machine_alias(name=name, routingConfiguration=routing((version, 100)))

    def listed(arn: str) -> str:
        names, token = "", None
        while True:
            more: dict[str, str] = {} if token is None else {"nextToken": token}
            page = client.list_state_machine_aliases(stateMachineArn=arn, maxResults=1, **more)
            names += "".join(one["stateMachineAliasArn"][-1] for one in page["stateMachineAliases"])
            token = page.get("nextToken")
            if token is None:
                return names

    assert listed(machine) == "abc"
    assert listed(versions[0]) == "bc"
    assert listed(versions[2]) == ""


def test_an_alias_describes_the_version_it_routes_to(client: Any, machine: str, versions: list[str]) -> None:
    """DescribeStateMachine takes the ARN of an alias, and describes the version with the most weight."""
    client.create_state_machine_alias(name="live", routingConfiguration=routing((versions[0], 40), (versions[1], 60)))
    for _ in range(5):
        found = client.describe_state_machine(stateMachineArn=f"{machine}:live")
        assert found["stateMachineArn"] == versions[1]
