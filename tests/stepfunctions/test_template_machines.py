"""The state machines of a template are there when the server starts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiSettings, TemplateMachine, serving
from tests.stepfunctions.conftest import client_of


def template(folder: Path, **machines: Any) -> Path:
    """A template with these state machines: logical id -> properties."""
    resources = {
        name: {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
        for name, properties in machines.items()
    }
    file = folder / "template.json"
    file.write_text(json.dumps({"Resources": resources}))
    return file


def passing(result: Any) -> dict[str, Any]:
    """A definition of one Pass."""
    return {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": result, "End": True}}}


@contextmanager
def served(data: Path, file: Path) -> Iterator[tuple[Any, list[TemplateMachine]]]:
    """boto3's client of a server with the template, and what was made."""
    made: list[TemplateMachine] = []
    with (
        LocalBackend.open(data, exclusive=True) as backend,
        serving(backend, ("127.0.0.1", 0), ApiSettings(template=file), made=made.append) as server,
    ):
        yield client_of(server, "us-east-1"), made


def test_machines_are_created_under_their_logical_ids_and_updated(tmp_path: Path) -> None:
    """With their type; at the next start a machine has the template's new definition, and its own ARN."""
    file = template(tmp_path, One={"Definition": passing(1)}, Two={"Definition": passing(2), "Type": "EXPRESS"})
    with served(tmp_path / "data", file) as (client, made):
        machines = {row["name"]: row["type"] for row in client.list_state_machines()["stateMachines"]}
        assert machines == {"One": "STANDARD", "Two": "EXPRESS"}
        arns = [machine.arn for machine in made]
        assert client.start_sync_execution(stateMachineArn=arns[1], input="{}")["output"] == "2"
    template(tmp_path, One={"Definition": passing(3)}, Two={"Definition": passing(2), "Type": "EXPRESS"})
    with served(tmp_path / "data", file) as (client, made):
        assert [machine.arn for machine in made] == arns
        assert json.loads(client.describe_state_machine(stateMachineArn=arns[0])["definition"]) == passing(3)


def test_a_machine_that_cannot_be_made_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is reported with what is wrong; so is one that would change its type."""
    invalid = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "Nowhere"}}}
    file = template(tmp_path, Bad={"Definition": invalid}, Good={"Definition": passing(1)})
    with served(tmp_path / "data", file) as (client, (bad, good)):
        assert (bad.name, bad.arn, good.problem) == ("Bad", None, "")
        assert bad.problem.startswith("InvalidDefinition: ")
        assert [row["name"] for row in client.list_state_machines()["stateMachines"]] == ["Good"]
    template(tmp_path, Good={"Definition": passing(1), "Type": "EXPRESS"})
    with served(tmp_path / "data", file) as (_, (good,)):
        assert good.problem.startswith("StateMachineAlreadyExists: ")
