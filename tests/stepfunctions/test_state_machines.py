"""State machines through boto3."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pupline.stepfunctions import ApiServer
from tests.stepfunctions.conftest import PASS, ROLE, Refused, client_of

OTHER = json.dumps({"Comment": "another", **json.loads(PASS)})
GROUP = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:eu-west-1:123456789012:log-group:any:*"}}
REUSE = "kmsDataKeyReusePeriodSeconds"


def described(client: Any, arn: str) -> dict[str, Any]:
    """What DescribeStateMachine says, without the metadata of the response."""
    found = dict(client.describe_state_machine(stateMachineArn=arn))
    del found["ResponseMetadata"]
    return found


def test_a_created_machine_is_described_as_it_was_given(client: Any) -> None:
    """DescribeStateMachine has the definition's text, with AWS's defaults for what was not given."""
    created = client.create_state_machine(name="as-given", definition=PASS, roleArn=ROLE)
    arn = created["stateMachineArn"]
    assert arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:as-given"
    assert described(client, arn) == {
        "stateMachineArn": arn,
        "name": "as-given",
        "status": "ACTIVE",
        "definition": PASS,
        "roleArn": ROLE,
        "type": "STANDARD",
        "creationDate": created["creationDate"],
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


def test_configurations_are_kept(client: Any) -> None:
    """What was given of logging, tracing and encryption is given back."""
    given: dict[str, dict[str, Any]] = {
        "loggingConfiguration": {"level": "ALL", "includeExecutionData": True, "destinations": [GROUP]},
        "tracingConfiguration": {"enabled": True},
        "encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/any"},
    }
    created = client.create_state_machine(name="kept", definition=PASS, roleArn=ROLE, type="EXPRESS", **given)
    found = described(client, created["stateMachineArn"])
    given["encryptionConfiguration"]["kmsDataKeyReusePeriodSeconds"] = 300
    assert {name: found[name] for name in given} == given
    assert found["type"] == "EXPRESS"


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"loggingConfiguration": {"level": "ALL"}},
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        ),
        (
            {"loggingConfiguration": {"level": "ERROR", "destinations": [GROUP, GROUP]}},
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        ),
        (
            {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}},
            "InvalidEncryptionConfiguration",
            "Invalid Encryption Configuration: Must set a valid kmsKeyId.",
        ),
        (
            {"encryptionConfiguration": {"type": "AWS_OWNED_KEY", REUSE: 300}},
            "InvalidEncryptionConfiguration",
            f"Invalid Encryption Configuration: Custom {REUSE} is not allowed when selecting AWS_OWNED_KEY.",
        ),
        ({"name": "with space"}, "InvalidName", "Invalid Name: 'with space'"),
        ({"name": "line\nbreak"}, "InvalidName", "Invalid Name: 'line\nbreak'"),
        ({"roleArn": "admin"}, "InvalidArn", "Invalid Role Arn: 'admin'"),
        (
            {"versionDescription": "first"},
            "ValidationException",
            "Version description can only be set when publish is true",
        ),
    ],
)
def test_a_machine_that_aws_refuses_is_refused(
    client: Any, refused: Refused, given: dict[str, Any], code: str, message: str
) -> None:
    """CreateStateMachine fails with AWS's error, and nothing is created."""
    parameters = {"name": "never-made", "definition": PASS, "roleArn": ROLE, **given}
    assert refused(client.create_state_machine, **parameters) == (code, message)
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:never-made"
    assert refused(client.describe_state_machine, stateMachineArn=arn)[0] == "StateMachineDoesNotExist"


def test_a_definition_that_aws_refuses_is_refused(client: Any, refused: Refused) -> None:
    """CreateStateMachine fails with the problems of the definition."""
    code, text = refused(client.create_state_machine, name="never", definition='{"StartAt": "A"}', roleArn=ROLE)
    assert code == "InvalidDefinition"
    assert text.startswith("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: ")


def test_creating_again_is_idempotent(client: Any, refused: Refused) -> None:
    """The same request gets the first answer, whatever role and tags it has; another definition or type is refused."""
    given = {"name": "again", "definition": PASS, "roleArn": ROLE}
    first = client.create_state_machine(**given)
    again = client.create_state_machine(**{**given, "roleArn": f"{ROLE}-2"}, tags=[{"key": "a", "value": "b"}])
    assert (again["stateMachineArn"], again["creationDate"]) == (first["stateMachineArn"], first["creationDate"])
    error = ("StateMachineAlreadyExists", f"State Machine Already Exists: '{first['stateMachineArn']}'")
    assert refused(client.create_state_machine, **{**given, "definition": f" {PASS}"}) == error
    assert refused(client.create_state_machine, **given, type="EXPRESS") == error
    assert refused(client.create_state_machine, **given, tracingConfiguration={"enabled": True}) == error
    assert described(client, first["stateMachineArn"])["roleArn"] == ROLE
    client.create_state_machine(**given, publish=True, versionDescription="one")
    client.create_state_machine(**given, publish=True, versionDescription="one")
    assert refused(client.create_state_machine, **given, publish=True, versionDescription="two") == error


def test_another_key_needs_the_definition(client: Any, refused: Refused, machine: str) -> None:
    """UpdateStateMachine takes an encryptionConfiguration with a definition only."""
    key = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/any"}
    code, text = refused(client.update_state_machine, stateMachineArn=machine, encryptionConfiguration=key)
    assert (code, text.startswith("The definition must be specified")) == ("MissingRequiredParameter", True)
    client.update_state_machine(stateMachineArn=machine, encryptionConfiguration=key, definition=PASS)
    assert described(client, machine)["encryptionConfiguration"]["kmsKeyId"] == "alias/any"


def test_another_region_is_not_seen(server: ApiServer, client: Any, refused: Refused, machine: str) -> None:
    """Machines, executions and activities exist where they were created; deleting them elsewhere does nothing."""
    elsewhere = client_of(server, "us-isob-east-1")
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    activity = client.create_activity(name="here-only")["activityArn"]
    no_machine = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine}'")
    assert refused(elsewhere.describe_state_machine, stateMachineArn=machine) == no_machine
    assert refused(elsewhere.start_execution, stateMachineArn=machine) == no_machine
    assert refused(elsewhere.describe_execution, executionArn=execution)[0] == "ExecutionDoesNotExist"
    assert refused(elsewhere.describe_activity, activityArn=activity)[0] == "ActivityDoesNotExist"
    elsewhere.delete_state_machine(stateMachineArn=machine)
    elsewhere.delete_activity(activityArn=activity)
    assert described(client, machine)["status"] == "ACTIVE"
    assert client.describe_activity(activityArn=activity)["name"] == "here-only"
    made = elsewhere.create_state_machine(name="isolated", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert made.startswith("arn:aws-iso-b:states:us-isob-east-1:")


def test_an_update_makes_a_revision_only_where_it_changes_something(client: Any, machine: str) -> None:
    """The revisionId is absent before the first change, and stays when an update changes nothing."""
    same = client.update_state_machine(stateMachineArn=machine, definition=PASS)
    assert "revisionId" not in same
    first = client.update_state_machine(stateMachineArn=machine, definition=OTHER)
    again = client.update_state_machine(stateMachineArn=machine, definition=OTHER, roleArn=ROLE)
    traced = client.update_state_machine(stateMachineArn=machine, tracingConfiguration={"enabled": True})
    assert first["revisionId"] == again["revisionId"] != traced["revisionId"]
    found = described(client, machine)
    assert (found["revisionId"], found["definition"]) == (traced["revisionId"], OTHER)
    assert found["tracingConfiguration"] == {"enabled": True}


def test_an_update_that_aws_refuses_changes_nothing(client: Any, machine: str, refused: Refused) -> None:
    """Nothing to update, a wrong definition, a wrong role, and the ARN of a version are refused."""
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    update = client.update_state_machine
    assert refused(update, stateMachineArn=machine)[0] == "MissingRequiredParameter"
    assert refused(update, stateMachineArn=machine, definition="{}")[0] == "InvalidDefinition"
    assert refused(update, stateMachineArn=machine, definition=OTHER, roleArn="x")[0] == "InvalidArn"
    missing = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{version}'")
    assert refused(update, stateMachineArn=version, definition=OTHER) == missing
    assert described(client, machine)["definition"] == PASS


def test_arns_are_checked(client: Any, refused: Refused) -> None:
    """What is not an ARN, is one of something else, or names nothing, has AWS's error."""
    describe = client.describe_state_machine
    start = "arn:aws:states:eu-west-1:123456789012"
    assert refused(describe, stateMachineArn="bad") == ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: bad'")
    assert refused(describe, stateMachineArn=f"{start}:execution:a:b") == (
        "InvalidArn",
        "Invalid Arn: 'Resource type not valid in this context: execution'",
    )
    for name in ("none", "none:1", "none:live", "none/Label", f"none:{'9' * 40}"):
        arn = f"{start}:stateMachine:{name}"
        assert refused(describe, stateMachineArn=arn) == (
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{arn}'",
        )


def test_deleting_is_idempotent_and_removes_all(client: Any, machine: str, refused: Refused) -> None:
    """A deleted machine is gone with its versions, aliases and tags; the name can be used again."""
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    client.create_state_machine_alias(name="live", routingConfiguration=routing)
    client.tag_resource(resourceArn=machine, tags=[{"key": "a", "value": "b"}])
    assert refused(client.delete_state_machine, stateMachineArn=version)[0] == "ValidationException"
    client.delete_state_machine(stateMachineArn=machine)
    client.delete_state_machine(stateMachineArn=machine)
    for arn in (machine, version, f"{machine}:live"):
        assert refused(client.describe_state_machine, stateMachineArn=arn)[0] == "StateMachineDoesNotExist"
    client.create_state_machine(name=machine.rpartition(":")[2], definition=PASS, roleArn=ROLE)
    assert client.list_tags_for_resource(resourceArn=machine)["tags"] == []
    assert client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"] == []


def test_a_machine_with_a_running_execution_is_deleted_with_its_last(client: Any, refused: Refused) -> None:
    """Until then it is DELETING: described, but neither started, updated, published, listed nor created again."""
    definition = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}})
    given = {"name": "busy", "definition": definition, "roleArn": ROLE}
    machine = client.create_state_machine(**given)["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    client.delete_state_machine(stateMachineArn=machine)
    assert described(client, machine)["status"] == "DELETING"
    error = ("StateMachineDeleting", f"State Machine Deleting: '{machine}'")
    assert refused(client.start_execution, stateMachineArn=machine) == error
    assert refused(client.update_state_machine, stateMachineArn=machine, definition=PASS) == error
    assert refused(client.publish_state_machine_version, stateMachineArn=machine) == error
    assert refused(client.create_state_machine, **given) == error
    assert machine not in [one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"]]
    client.stop_execution(executionArn=execution)
    assert refused(client.describe_state_machine, stateMachineArn=machine)[0] == "StateMachineDoesNotExist"
    assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert client.create_state_machine(**given)["stateMachineArn"] == machine


def test_a_map_s_label_qualifies_an_arn(client: Any, refused: Refused) -> None:
    """DescribeStateMachine names the label of a Distributed Map; nothing is started or published by it."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **json.loads(PASS)}
    state = {"Type": "Map", "Label": "Each", "ItemProcessor": processor, "End": True}
    definition = json.dumps({"StartAt": "M", "States": {"M": state}})
    arn = client.create_state_machine(name="labelled", definition=definition, roleArn=ROLE)["stateMachineArn"]
    found = described(client, f"{arn}/Each")
    assert (found["label"], found["stateMachineArn"]) == ("Each", f"{arn}/Each")
    for wrong in (f"{arn}/Other", f"{arn}/Each:1"):
        assert refused(client.describe_state_machine, stateMachineArn=wrong)[0] == "StateMachineDoesNotExist"
    assert refused(client.start_execution, stateMachineArn=f"{arn}/Each")[0] == "StateMachineDoesNotExist"
    assert refused(client.publish_state_machine_version, stateMachineArn=f"{arn}/Each")[0] == "ValidationException"


def test_many_who_create_one_machine_agree(server: ApiServer) -> None:
    """Requests at the same time get the same answer where they ask the same, and one definition wins."""
    client = client_of(server, "af-south-1")

    def create(number: int) -> str:
        definition = PASS if number % 2 else OTHER
        try:
            created = client.create_state_machine(name="one", definition=definition, roleArn=ROLE, publish=True)
        except client.exceptions.StateMachineAlreadyExists:
            return ""
        return str(created["stateMachineVersionArn"])

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(create, range(32)))
    assert sorted(answers.values()) == [16, 16]
    assert {answer[-6:] for answer in answers} == {"", ":one:1"}


def test_machines_are_listed_by_name_and_in_pages(server: ApiServer, refused: Refused) -> None:
    """A page has maxResults items, 0 stands for 100, and a token is good for the same request only."""
    client = client_of(server, "ap-south-1")
    names = [f"m_{number}_x" for number in range(13)]
    for name in names:
        client.create_state_machine(name=name, definition=PASS, roleArn=ROLE)
    pages = client.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 5})
    assert [len(page["stateMachines"]) for page in pages] == [5, 5, 3]
    whole = client.list_state_machines(maxResults=0)
    assert [one["name"] for one in whole["stateMachines"]] == sorted(names)
    assert "nextToken" not in whole
    token = client.list_state_machines(maxResults=10)["nextToken"]
    assert len(client.list_state_machines(maxResults=2, nextToken=token)["stateMachines"]) == 2
    elsewhere = client_of(server, "sa-east-1")
    assert elsewhere.list_state_machines()["stateMachines"] == []
    assert refused(elsewhere.list_state_machines, nextToken=token) == (
        "InvalidToken",
        "Invalid Token: 'Input inconsistent with page token'",
    )
    assert refused(client.list_state_machines, nextToken="x") == ("InvalidToken", "Invalid Token: 'Invalid token'")


def test_a_key_of_twelve_digits_is_an_account(server: ApiServer) -> None:
    """The account of the ARN is the access key's, where that is one."""
    client = client_of(server, "cn-north-1", key="000000000042")
    arn = client.create_state_machine(name="elsewhere", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert arn == "arn:aws-cn:states:cn-north-1:000000000042:stateMachine:elsewhere"


def test_an_execution_s_machine_is_described_as_it_started(client: Any) -> None:
    """With the text of its definition as it was given, its revision and its role, whatever came since."""
    text = '{"StartAt":"A",  "States":{"A":{"Type":"Pass","Assign":{"x.$":"$.a"},"End":true}}}'
    arn = client.create_state_machine(name="as-started", definition=text, roleArn=ROLE)["stateMachineArn"]
    first = client.start_execution(stateMachineArn=arn, input='{"a":1}')["executionArn"]
    revision = client.update_state_machine(stateMachineArn=arn, definition=OTHER, publish=True)["revisionId"]
    second = client.start_execution(stateMachineArn=f"{arn}:1")["executionArn"]
    client.update_state_machine(stateMachineArn=arn, definition=PASS, roleArn=f"{ROLE}-2")
    old = client.describe_state_machine_for_execution(executionArn=first)
    assert (json.loads(old["definition"]), old["roleArn"]) == (json.loads(text), ROLE)
    assert "revisionId" not in old
    new = client.describe_state_machine_for_execution(executionArn=second)
    assert (new["definition"], new["revisionId"], new["stateMachineArn"]) == (OTHER, revision, arn)
    bare = client.describe_state_machine_for_execution(executionArn=second, includedData="METADATA_ONLY")
    assert bare["definition"] == "{}"


def test_metadata_alone_has_no_definition(client: Any) -> None:
    """With METADATA_ONLY the definition is `{}`; else the variables that states read are there too."""
    state = {"Type": "Pass", "Assign": {"a.$": "$.x"}, "Next": "B"}
    reader = {"Type": "Pass", "Parameters": {"y.$": "$a"}, "End": True}
    definition = json.dumps({"StartAt": "A", "States": {"A": state, "B": reader}})
    arn = client.create_state_machine(name="variables", definition=definition, roleArn=ROLE)["stateMachineArn"]
    assert described(client, arn)["variableReferences"] == {"B": ["a"]}
    bare = client.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert bare["definition"] == "{}"
    assert "variableReferences" not in bare
