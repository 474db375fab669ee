"""Placeholders that nobody has filled in: where they may stand, and what runs with them."""

from typing import Any

import pytest

from pupline.asl import DefinitionError, StateMachine, diagnose, execute


def machine(**fields: Any) -> dict[str, Any]:
    """A machine of one Task with these fields."""
    return {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Pay}", "End": True, **fields}}}


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ("${Pay}", "Pay"),
        ("${Pay}", "${Pay}"),
        ("${aws_lambda_function.pay.arn}", "aws_lambda_function.pay.arn"),
        ('${lookup(var.functions, "pay")}', 'lookup(var.functions, "pay")'),
        ("arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:pay", "pay"),
        ("arn:${AWS::Partition}:lambda:eu-west-1:${Account}:function:${Pay}", "Pay"),
        ("arn:aws:states:::${Service}:${Action}", "arn:aws:states:::${Service}:${Action}"),
        ("arn:aws:states:${AWS::Region}:${AWS::AccountId}:activity:pay", "pay"),
        ("arn:${AWS::Partition}:states:::sqs:sendMessage", "arn:aws:states:::sqs:sendMessage"),
    ],
)
def test_a_resource_may_be_a_placeholder_or_hold_some(resource: str, key: str) -> None:
    """It runs: a function has the placeholder's name, an integration its ARN as it is."""
    definition = machine(Resource=resource)
    assert [one for one in diagnose(definition) if one.severity == "ERROR"] == []
    if ":activity:" in resource:
        key = resource
    assert execute(StateMachine.parse(definition), {}, tasks={key: lambda _: "paid"}).output == "paid"


@pytest.mark.parametrize(
    "fields",
    [
        {"TimeoutSeconds": "${Seconds}"},
        {"TimeoutSeconds": "${var.seconds[0]}"},
        {"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": "${ max(1, 2) }"}]},
        {"End": "${IsEnd}"},
        {"Retry": "${self:custom.retry}"},
    ],
)
def test_a_placeholder_may_stand_for_any_value(fields: dict[str, Any]) -> None:
    """The definition is valid; a machine whose number or structure is not known cannot run."""
    assert diagnose(machine(**fields)) == []
    with pytest.raises(DefinitionError, match="must be filled in before"):
        StateMachine.parse(machine(**fields))


def test_jsonata_is_not_taken_for_a_placeholder() -> None:
    """A dollar before an object constructor groups the context."""
    fields = {"QueryLanguage": "JSONata", "Arguments": {"a": '{% ${"a": 1} %}', "b": "{% $sum( %}"}}
    assert [one.path for one in diagnose(machine(**fields))] == ["$.States.A.Arguments.b"]
