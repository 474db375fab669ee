"""Recordings of AWS Step Functions, replayed by this engine: outcome, error, cause and full history must agree.

The corpus lies beside the project and is only read; where it is absent these tests are skipped. `EXCEPTIONS` lists
every case that does not pass whole, with its reason; docs/asl-support.md explains them.
"""

import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conformance import adapter

CORPUS = adapter.corpus()

_OLD = "recorded in 2023, before the Context Object had RedriveCount"
_LOST = "the recording has lost ParallelStateFailed: the ids of its events leave a gap where ours has it"
_MODEL = "recorded when a Lambda function could have 10,240 MB at most; the API's model allows more by now"

#: Case id (its beginning) -> why it does not pass.
EXCEPTIONS = {
    "scenarios.base_scenarios.test_lambda_invoke_with_retry_extended_input#0": _OLD,
    "states_variables.error_output.test_parallel_catch_error[": _LOST,
    "test_state.field_validation_mode.test_strict_mode_aws_sdk_lambda_get_function_task[integer_more": _MODEL,
    "test_state.field_validation_mode_present.test_present_mode_aws_sdk_lambda_get_function_task[integer_more": _MODEL,
}


def _cases() -> dict[tuple[str, str], list[Path]]:
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted((CORPUS / "cases").glob("*/*.json")):
        case = json.loads(path.read_text())
        if adapter.skip(case) is None:
            found[case["kind"], case["area"]].append(path)
    return found


CASES = _cases()


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    """The corpus's own comparer."""
    spec = importlib.util.spec_from_file_location("corpus_compare", CORPUS / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _verdict(compare: ModuleType, case: dict[str, Any]) -> str:
    """What is wrong with our answer; empty when it agrees whole."""
    actual = json.loads(json.dumps(adapter.run(case)))
    verdict = compare.compare(case, actual)
    if verdict["l1c"] and verdict["l2"] is not False and verdict["l3"] is not False:
        return ""
    return str((verdict["why"] or ["no reason given"])[0])


def _reason(case: dict[str, Any]) -> str | None:
    case_id: str = case["id"]
    return next((reason for start, reason in EXCEPTIONS.items() if case_id.startswith(start)), None)


@pytest.mark.skipif(not CASES, reason="the conformance corpus is not beside this project")
@pytest.mark.parametrize(("kind", "area"), sorted(CASES), ids=lambda value: value)
def test_the_recordings_agree(kind: str, area: str, compare: ModuleType) -> None:
    """The engine agrees with every recording of an area, except for those that are listed."""
    wrong = []
    for path in CASES[kind, area]:
        case = json.loads(path.read_text())
        problem, reason = _verdict(compare, case), _reason(case)
        if problem and reason is None:
            wrong.append(f"{case['id']}: {problem}")
        elif not problem and reason is not None:
            wrong.append(f"{case['id']} passes now; take it off the list of exceptions")
    assert not wrong, "\n".join(wrong)
