"""moto's interpreter of the States Language in this process, for the benchmarks and the differential tests.

It is called below boto3, moto's API and its threads, so that only the interpreter is measured and compared. Tasks
return moto's own mocked responses.
"""

import datetime
import json
from typing import Any

from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.eval.evaluation_details import (
    AWSExecutionDetails,
    EvaluationDetails,
    ExecutionDetails,
    StateMachineDetails,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution_worker import SyncExecutionWorker
from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication
from moto.stepfunctions.parser.mocking.mock_config import (
    MockedResponseReturn,
    MockedResponseThrow,
    MockTestCase,
    StateMockedResponses,
)

from tools.peers import Answer, Answers, Outcome, Refused

_ATTEMPTS = 99
"""Attempts of one state that get the same result; moto requires a number."""

_ROLE = "arn:aws:iam::123456789012:role/peer"
_ARN = "arn:aws:states:us-east-1:123456789012"


class Moto:
    """moto's interpreter on one definition. It parses the definition for each execution, as it always does.

    Raises: Refused with moto's reason if it does not accept the definition.
    """

    def __init__(self, definition: dict[str, Any], answers: Answers) -> None:
        text = json.dumps(definition)
        try:
            AmazonStateLanguageParser.parse(text)
        except Exception as err:
            raise Refused(repr(err)) from err
        standard = StateMachineType("STANDARD")
        self._machine = StateMachineDetails(f"{_ARN}:stateMachine:machine", "machine", standard, text)
        responses = [StateMockedResponses(state, state, [_response(answer)]) for state, answer in answers.items()]
        self._responses = MockTestCase("machine", "answers", responses)

    def run(self, given: Any) -> Outcome:
        """One execution, to its end, with its full history (which moto always keeps)."""
        now = datetime.datetime.now(tz=datetime.UTC).isoformat()
        execution = ExecutionDetails(f"{_ARN}:execution:machine:execution", "execution", _ROLE, given, now)
        evaluation = EvaluationDetails(
            AWSExecutionDetails("123456789012", "us-east-1", _ROLE), execution, self._machine
        )
        worker = SyncExecutionWorker(evaluation, _NobodyWaits(), None, {}, self._responses)
        worker.start()  # type: ignore[no-untyped-call]
        return _outcome(worker)


class _NobodyWaits(ExecutionWorkerCommunication):
    """Run the worker in the calling thread."""

    def terminated(self) -> None:
        """Notify no one."""


def _outcome(worker: SyncExecutionWorker) -> Outcome:
    assert worker.env is not None  # noqa: S101 - it was started
    state = worker.env.program_state()
    if isinstance(state, ProgramEnded):
        return Outcome("SUCCEEDED", worker.env.states.get_input())
    if isinstance(state, ProgramError):
        error = state.error or {}
        return Outcome("FAILED", None, error.get("error"), error.get("cause"))
    return Outcome("TIMED_OUT" if isinstance(state, ProgramTimedOut) else "ABORTED")


def _response(answer: Answer) -> MockedResponseReturn | MockedResponseThrow:
    if answer.error is None:
        return MockedResponseReturn(0, _ATTEMPTS, answer.output)
    return MockedResponseThrow(0, _ATTEMPTS, answer.error, answer.cause or "")
