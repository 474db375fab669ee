"""One case on our engine and on its peers, and the comparison of their outcomes."""

import json
from collections.abc import Callable
from typing import Any

from pupline.asl import DefinitionError, StateMachine, TaskError, execute
from tests.differential.differential_machines import Case
from tools.peer_moto import Moto
from tools.peers import Answer, AwsLocalStepFunctions, Outcome, Refused


def run_ours(case: Case) -> tuple[Outcome, str]:
    """The outcome here, and the history as text."""
    try:
        machine = StateMachine.parse(case.definition)
    except DefinitionError as err:
        return Outcome("REFUSED", cause=str(err)), ""
    tasks = {state: _function(answer) for state, answer in case.answers.items()}
    result = execute(machine, case.given, tasks=tasks, name="execution")
    history = json.dumps(result.history, ensure_ascii=False)
    return Outcome(result.status, result.output, result.error, result.cause), history


def _function(answer: Answer) -> Callable[[Any], Any]:
    def function(_event: Any) -> Any:
        if answer.error is not None:
            raise TaskError(answer.error, answer.cause)
        return answer.output["Payload"]

    return function


def run_moto(case: Case) -> Outcome:
    """The outcome in moto's interpreter."""
    try:
        return Moto(case.definition, case.answers).run(case.given)
    except Refused as err:
        return Outcome("REFUSED", cause=str(err))


def run_node(case: Case, process: AwsLocalStepFunctions) -> Outcome:
    """The outcome in aws-local-stepfunctions."""
    return process.run(case.definition, case.given, case.answers)[0]


def same(one: Outcome, other: Outcome) -> bool:
    """Status, output and Error Name agree. Causes are prose, which only the recordings of AWS can judge."""
    return (one.status, one.error) == (other.status, other.error) and _same_json(one.output, other.output)


def _same_json(one: Any, other: Any) -> bool:
    """Equal, where 1 and 1.0 are one number and neither is true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
