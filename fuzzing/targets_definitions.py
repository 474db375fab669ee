"""Files with definitions: JSON with placeholders, YAML, templates and Serverless Framework projects."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fuzzing.target import Target
from pupline.definitions import LoadedDefinition, Unread, find_definitions
from pupline.json_values import AnyJSON

_ROOT = Path(__file__).parents[1]

_JSON = (
    b'{"StartAt": "A", "States": {"A": {"Type": "Map", "MaxConcurrency": ${n}, "Label": "${f(a, "b")}"}}}',
    b'{"a": ${jsonencode({a = {}})}, "b": "%{ if", "c": [1.5e3, null, true, "\\u00e9"]}',
)
_YAML = (
    b"StartAt: &a A\nStates:\n  *a : {<<: [{x: 1}, {y: !Sub '${Z}'}], z: *a, 012: on}\n  b: |\n    text\n",
    b"a: &a [1, ~, !!str 2]\nb: &b [*a, *a]\nc: [*b, *b]\n? d\n: !GetAtt A.Arn\n",
)
_TEMPLATE = b"""\
Parameters: {N: {Type: Number, Default: 3}, L: {Type: CommaDelimitedList, Default: "a,b"}}
Conditions: {C: !Or [!Equals [!Ref N, "3"], !Condition D], D: !Not [!Condition C]}
Mappings: {M: {a: {b: 1}}}
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Sub "${N}-${T}", Code: src}}
  T: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Join ["-", [a, !Ref U]]}}
  U: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref T}}
  A:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {x: !Select [1, !Split [",", !Ref L]]}
      Definition: {StartAt: A, States: {A: {Type: Task, Resource: !GetAtt F.Arn, TimeoutSeconds: !If [C, 1, !Ref N]}}}
  B:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: !Sub
        - |
          {"StartAt": "A", "States": {"A": {"Type": "Pass", "n": ${N}, "Result": "${!x} ${v} ${F.Arn}"}}}
        - {v: !FindInMap [M, a, b]}
  C:
    Type: AWS::StepFunctions::StateMachine
    Properties: {DefinitionString: !Join ["", ['{"StartAt": "', !Base64 x, '"}']]}
"""
_SERVERLESS = b"""\
functions: {pay-out: {handler: a.b, environment: {X: !Ref Y}}}
resources: {Resources: {Y: {Type: AWS::SNS::Topic}}}
stepFunctions:
  stateMachines:
    order: {type: EXPRESS, definition: {StartAt: A, States: {A: {Type: Task, Resource: {Fn::GetAtt: [pay-out, Arn]}}}}}
    other: {definition: "${file(none.yml):a.b}"}
"""
_WORDS = (
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"'", b"${", b"${n}", b"%{", b"&a ", b"*a", b"<<", b"!Sub ", b"!If ",
    b"- ", b"|\n", b">\n", b"\n", b"\n ", b"? ", b" #", b"\\", b"\n---\n", b"!Ref ", b"!GetAtt ",
    b"Fn::Sub", b"Fn::Join", b"Fn::If", b"Fn::GetAtt", b"Ref", b"AWS::NoValue", b"Definition", b"DefinitionString",
    b"DefinitionUri", b"Resources", b"Type", b"AWS::Serverless::StateMachine", b"StartAt", b"stepFunctions", b"${!a}",
    b"${file(x.yml)}", b"null", b"1e999", b"NaN", b"012", b"\xef\xbb\xbf", b"\xff\xfe",
)  # fmt: skip


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="pupline-fuzz-"))


def _loaded(suffix: str) -> Callable[[bytes], str]:
    """A function that loads everything in a file, and looks up where each value stands."""

    def run(data: bytes) -> str:
        file = _folder() / f"definition{suffix}"
        file.write_bytes(data)
        lines = data.count(b"\n") + 1
        kinds = []
        for found in find_definitions([file], {"n": "5"}):
            kinds.append(str(found.error)[-12:] if isinstance(found, Unread) else type(found).__name__)
            if isinstance(found, LoadedDefinition):
                _look_up(found, lines)
        return " ".join(kinds[:3])

    return run


def _look_up(loaded: LoadedDefinition, lines: int) -> None:
    """Every member has a position in the file."""
    waiting: list[tuple[list[str | int], AnyJSON]] = [([], loaded.definition)]
    for _ in range(50):
        if not waiting:
            break
        steps, value = waiting.pop()
        line, column = loaded.find(steps)
        assert 0 < line <= lines, "the position is outside the file"
        assert column > 0, "columns count from 1"
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [([*steps, key], inner) for key, inner in items]


def _seeds(*own: bytes, folder: str = "", pattern: str = "") -> Callable[[], list[bytes]]:
    return lambda: [*own, *(path.read_bytes() for path in sorted((_ROOT / folder).glob(pattern or "none")))]


DEFINITIONS: Final[tuple[Target, ...]] = (
    Target("definition-json", _loaded(".json"), _seeds(*_JSON, folder="statemachine", pattern="*.json"), words=_WORDS),
    Target("definition-yaml", _loaded(".yaml"), _seeds(*_YAML), words=_WORDS),
    Target(
        "template", _loaded(".yml"), _seeds(_TEMPLATE, _SERVERLESS, folder=".", pattern="template.yaml"), words=_WORDS
    ),
)
