"""Requests are read and checked by botocore's model, and answered in AWS's shapes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError
from pupline.local import LocalBackend
from pupline.stepfunctions import ApiSettings, Response, StepFunctionsApi
from pupline.stepfunctions.protocol import load_service, read_request, write_answer
from tests.stepfunctions.conftest import PASS, ROLE


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepFunctionsApi]:
    """The API without a port."""
    data: Path = tmp_path_factory.mktemp("api")
    with LocalBackend.open(data, exclusive=True) as backend:
        yield StepFunctionsApi(backend, ApiSettings(region="eu-west-3", account="999999999999"))


def asked(api: StepFunctionsApi, operation: str, body: Any, authorization: str = "") -> tuple[Response, dict[str, Any]]:
    """The response to a request, and its JSON. body: bytes, or what becomes JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = api.answer(f"AWSStepFunctions.{operation}", sent, authorization)
    answer: dict[str, Any] = json.loads(response.body)
    return response, answer


ALIAS_NAME = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"
MEMBERS = (
    "name tags key definition resourceArn stateMachineArn routingConfiguration weight stateMachineVersionArn maxResults"
    " nextToken mock input context"
)
CREATE: dict[str, Any] = {"name": "n", "definition": PASS, "roleArn": ROLE}


@pytest.mark.parametrize(
    ("operation", "body", "problems"),
    [
        ("DescribeStateMachine", {}, ["Value null at 'stateMachineArn'|Member must not be null"]),
        (
            "DescribeStateMachine",
            {"stateMachineArn": None},
            ["Value null at 'stateMachineArn'|Member must not be null"],
        ),
        (
            "CreateStateMachine",
            {**CREATE, "name": "", "type": "FAST"},
            [
                "Value '' at 'name'|Member must have length greater than or equal to 1",
                "Value 'FAST' at 'type'|Member must satisfy enum value set: [EXPRESS, STANDARD]",
            ],
        ),
        (
            "CreateStateMachine",
            {**CREATE, "definition": "x" * 1_048_577},
            ["Value at 'definition'|Member must have length less than or equal to 1048576"],
        ),
        (
            "ListStateMachines",
            {"maxResults": 1001},
            ["Value '1001' at 'maxResults'|Member must have value less than or equal to 1000"],
        ),
        (
            "ListStateMachines",
            {"nextToken": "x" * 1025},
            [f"Value '{'x' * 1025}' at 'nextToken'|Member must have length less than or equal to 1024"],
        ),
        (
            "CreateStateMachineAlias",
            {"name": "1 2", "routingConfiguration": [{"stateMachineVersionArn": "a"}]},
            [
                f"Value '1 2' at 'name'|Member must satisfy regular expression pattern: {ALIAS_NAME}",
                "Value null at 'routingConfiguration.1.member.weight'|Member must not be null",
            ],
        ),
        (
            "TagResource",
            {"resourceArn": "a", "tags": [{"key": "k"}, {"key": ""}]},
            ["Value '' at 'tags.2.member.key'|Member must have length greater than or equal to 1"],
        ),
    ],
)
def test_constraints_are_checked_in_aws_s_words(
    api: StepFunctionsApi, operation: str, body: Any, problems: list[str]
) -> None:
    """All constraints that are not met, at once, with the path of each; sensitive values are left out."""
    response, answer = asked(api, operation, body)
    found = "; ".join(problem.replace("|", " failed to satisfy constraint: ") for problem in problems)
    count = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
    assert (response.status, response.outcome) == (400, "ValidationException")
    assert answer == {"__type": "ValidationException", "message": f"{count} detected: {found}"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"maxResults": "1"}',
        b'{"maxResults": true}',
        b'{"maxResults": false}',
        b'{"maxResults": 1e999}',
        b'{"nextToken": {}}',
        b'{"nextToken": 1}',
        b'{"nextToken": "a", "nextToken": "b"}',
        b"[" * 100_000,
        b'{"maxResults": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_cannot_be_read_is_a_serialization_exception(api: StepFunctionsApi, body: bytes) -> None:
    """Not JSON, or JSON of other types than the model's."""
    response, _ = asked(api, "ListStateMachines", body)
    assert (response.status, response.outcome) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ("5", "SerializationException", "Expected null"),
        ("[]", "SerializationException", "Start of list found where not expected"),
        ('{"type": {}}', "SerializationException", "Start of structure or map found where not expected."),
        ('{"type": 5, "kmsKeyId": true}', "SerializationException", "TRUE_VALUE can not be converted to a String"),
        ('{"type": "T", "kmsKeyId": "", "kmsDataKeyReusePeriodSeconds": 59.9}', "ValidationException",
         "3 validation errors detected: Value '59' at 'encryptionConfiguration.kmsDataKeyReusePeriodSeconds' "),
    ],
)  # fmt: skip
def test_the_first_fault_of_a_structure_is_told(api: StepFunctionsApi, given: str, code: str, text: str) -> None:
    """Members are read and checked in the order of their names; a number loses its fraction."""
    body = f'{{"name": "n", "encryptionConfiguration": {given}}}'.encode()
    _, found = asked(api, "CreateActivity", body)
    assert found["__type"] == code
    assert found.get("Message" if code == "SerializationException" else "message", "").startswith(text)


def test_nulls_and_unknown_members_change_nothing(api: StepFunctionsApi) -> None:
    """As AWS does: clients are newer or older than the model."""
    response, _ = asked(api, "ListStateMachines", {"maxResults": None, "nextToken": None, "later": [1]})
    assert response.status == 200
    assert asked(api, "ListStateMachines", b"")[0].status == 200


@pytest.mark.parametrize("target", ["", "AWSStepFunctions.Nothing", "ListStateMachines", "Other.ListStateMachines"])
def test_an_unknown_operation_is_said_to_be_one(api: StepFunctionsApi, target: str) -> None:
    """Whatever the target is."""
    response = api.answer(target, b"{}")
    assert (response.status, response.outcome) == (400, "UnknownOperationException")


def test_times_are_numbers(api: StepFunctionsApi) -> None:
    """Seconds since the epoch, with at most three decimals."""
    _, answer = asked(api, "CreateStateMachine", CREATE)
    assert isinstance(answer["creationDate"], float)
    assert round(answer["creationDate"], 3) == answer["creationDate"]


@pytest.mark.parametrize(
    ("authorization", "where"),
    [
        ("", "eu-west-3:999999999999"),
        ("Bearer x", "eu-west-3:999999999999"),
        (
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-2/states/aws4_request, Signature=x",
            "us-east-2:999999999999",
        ),
        ("AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-east-2/states/aws4_request", "us-east-2:111122223333"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/20260101/<script>/states/aws4_request", "eu-west-3:999999999999"),
    ],
)
def test_the_scope_of_the_credentials_is_where_a_request_is_made(
    api: StepFunctionsApi, authorization: str, where: str
) -> None:
    """Region and account of ARNs come from the signature's scope, or from the settings."""
    _, answer = asked(api, "CreateActivity", {"name": "scoped"}, authorization)
    assert answer["activityArn"] == f"arn:aws:states:{where}:activity:scoped"


def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    for name in ("botocore", "botocore.loaders", "botocore.model"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r'pip install "pupline\[aws\]"'):
        load_service()


@pytest.mark.parametrize("operation", sorted(load_service().outputs))
def test_an_older_model_is_no_obstacle(operation: str) -> None:
    """Members that it does not have are read and written as they are."""
    service = load_service()
    unknown = {"later": {"a": [1, None]}}
    assert read_request(json.dumps({**unknown, "gone": None}).encode(), service.inputs[operation], 100) == unknown
    assert json.loads(write_answer({**unknown, "gone": None}, service.outputs[operation])) == unknown


def test_an_error_of_ours_is_a_500_for_that_request_alone(
    api: StepFunctionsApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client hears of it, the log has the traceback, and the next request is answered."""
    from pupline.stepfunctions import _api

    def broken(*_: object) -> dict[str, Any]:
        raise LookupError("a bug")

    with monkeypatch.context() as patch:
        patch.setitem(dict_of(_api), "ListActivities", broken)
        response, answer = asked(api, "ListActivities", {})
    assert (response.status, answer["__type"]) == (500, "InternalFailure")
    assert "LookupError: a bug" in capsys.readouterr().err
    assert asked(api, "ListActivities", {})[0].status == 200


def dict_of(module: Any) -> dict[str, Any]:
    """The registry of operations, which the test changes."""
    registry: dict[str, Any] = module._OPERATIONS
    return registry


@given(
    st.sampled_from(["ListStateMachines", "CreateStateMachineAlias", "TagResource", "TestState", "UpdateStateMachine"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text() | st.sampled_from(MEMBERS.split()),
                inner,
                max_size=6,
            )
        ),
        max_leaves=8,
    ),
)
def test_any_json_is_answered(api: StepFunctionsApi, operation: str, body: Any) -> None:
    """Whatever a request holds, the answer is AWS's, and never an error of ours."""
    assert asked(api, operation, body)[0].status in (200, 400)
