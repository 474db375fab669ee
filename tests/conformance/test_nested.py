"""Recordings of executions that start others: here the other machine runs too, in the same virtual time.

`test_conformance.py` takes the other machine's answer from the recording; these tests make it, and compare the whole
history.
"""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pupline.asl import Later, StateMachine, execute
from tests.conformance import adapter
from tests.conformance.test_conformance import compare as compare

CORPUS = adapter.corpus()
NEW = ("RedriveCount", "RedriveStatus", "RedriveStatusReason")
"""Members of DescribeExecution that AWS has had since 2024; most recordings are older."""


def _cases() -> list[Path]:
    areas = [CORPUS / "cases" / area for area in ("services.states", "callback")]
    paths = [path for area in areas for path in sorted(area.glob("*.json"))]
    return [path for path in paths if json.loads(path.read_text())["needs"] == ["states"]]


CASES = _cases()


def _as_recorded(value: Any, *, is_old: bool) -> Any:
    """A value without the new members, for an old recording; JSON texts of objects are looked into."""
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(_as_recorded(json.loads(value), is_old=is_old), separators=(",", ":"))
    if isinstance(value, dict):
        return {key: _as_recorded(item, is_old=is_old) for key, item in value.items() if not (is_old and key in NEW)}
    return [_as_recorded(item, is_old=is_old) for item in value] if isinstance(value, list) else value


@pytest.mark.skipif(not CASES, reason="the conformance corpus is not beside this project")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_other_machine_runs_too(path: Path, compare: ModuleType) -> None:
    """Responses, results, causes and events are AWS's, for the recording's own target machine."""
    case = json.loads(path.read_text())
    (helper,) = case["helper_machines"]
    # Functions of the target sleep for a minute, and time out after five seconds.
    answers = {name: Later(60, {}) for name in case.get("tasks") or {}}
    arn = f"arn:aws:states:us-east-1:{adapter.ACCOUNT}:stateMachine:{helper['name']}"
    result = execute(
        StateMachine.parse(case["definition"]),
        case["input"],
        tasks=answers,
        machines={arn: StateMachine.parse(helper["definition"])},
        context=adapter.CONTEXT,
    )
    actual = {
        "status": result.status,
        "output": result.output,
        "error": result.error,
        "cause": result.cause,
        "events": result.history,
    }
    is_old = "RedriveCount" not in path.read_text()
    verdict = compare.compare(case, json.loads(json.dumps(_as_recorded(actual, is_old=is_old))))
    assert (verdict["l1c"], verdict["l2"], verdict["l3"]) == (True, True, True), verdict["why"]
