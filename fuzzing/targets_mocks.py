"""Mocks: the files of Step Functions Local and of the simple form, and the skeletons made for definitions."""

from typing import Any, Final

from fuzzing.target import Target
from fuzzing.targets_language import OF_DEFINITIONS, definitions
from pupline.asl import DefinitionError, StateMachine, Unexpected, execute, mocks_skeleton, parse_mocks, path_of
from pupline.errors import ConfigurationError
from pupline.json_values import dumps, loads

_TASK: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"}
_MACHINE: Final = StateMachine.parse(
    {
        "StartAt": "A",
        "States": {
            "A": {**_TASK, "Retry": [{"ErrorEquals": ["E"]}], "Next": "B"},
            "B": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "TimeoutSeconds": 9, "Next": "C"},
            "C": {"Type": "Pass", "End": True},
        },
    }
)
_SEEDS = (
    b"""{"StateMachines": {"M": {"TestCases": {"X": {"A": "R", "B": "S"}, "Y": {"A": "S"}}}}, "MockedResponses": {
        "R": {"0": {"Throw": {"Error": "E", "Cause": "c"}}, "1-2": {"Return": {"StatusCode": 200, "Payload": 1}}},
        "S": {"0-99999999": {"Return": {"MessageId": "m"}}}}}""",
    b"""{"TestCases": {"X": {"Input": [1], "States": {"A": [{"Throw": "E"}, 2], "B": {"Later": {"Seconds": 3,
        "Answer": {"Return": null}, "HeartbeatEvery": 1}}}, "Expect": {"Status": "SUCCEEDED", "Output": {"a": 1}}},
        "Y": {"States": {"A": 1, "B": {"NoAnswer": 0}}, "Expect": {"Error": "States.Timeout", "Path": ["A", "B"]}}}}""",
    b'{"A": {"0": {"Throw": "E"}, "1": {"Return": 1}}, "B": {"b": true}}',
)
_WORDS = (
    *(b'"StateMachines":{', b'"TestCases":{', b'"MockedResponses":{', b'"States":{', b'"Expect":{', b'"Input":'),
    *(b'"Return":', b'"Throw":', b'"Error":"E"', b'"Cause":', b'"NoAnswer":0', b'"Later":{', b'"Seconds":', b'"Path":'),
    *(b'"A":', b'"B":', b'"C":', b'"R"', b'"0"', b'"1-2"', b'"5-1"', b'"0-999999999"', b"{", b"}", b"[", b"]", b","),
)


def _mocks(data: bytes) -> str:
    """A file of mocks, with each of its cases run and compared with what it expects."""
    try:
        value = loads(data)
    except (ValueError, RecursionError):
        return "not JSON"
    mocks = parse_mocks(value, _MACHINE.definition)
    ends = set()
    for name in mocks.names[:5]:
        case = mocks.case(name)
        result = execute(_MACHINE, case.input, states=case.states, default=Unexpected(), name="fuzzed")
        if case.expect is not None:
            assert "\n" not in "".join(case.expect.mismatches(result, path_of(result.history)))
        ends.add(result.status)
    return " ".join(sorted(ends))


def _skeleton(data: bytes) -> str:
    """The skeleton of a definition is a file of mocks whose every case can be read."""
    machine = StateMachine.parse(data.decode("utf-8", "replace"))
    mocks = parse_mocks(loads(dumps(mocks_skeleton(machine.definition, "M"))), machine.definition)
    for name in mocks.names:
        mocks.case(name)
    return str(len(mocks.names))


MOCKS: Final = (
    Target("mocks", _mocks, lambda: _SEEDS, (ConfigurationError,), _WORDS),
    Target("mocks-skeleton", _skeleton, definitions, (DefinitionError,), OF_DEFINITIONS),
)
