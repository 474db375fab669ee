"""Calls of Step Functions by a Task: `states:startExecution` with its patterns, and `aws-sdk:sfn`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from pupline.asl import (
    Fact,
    InvokeTask,
    Resource,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    api_failure,
    api_request,
    api_result,
    child_ended,
)
from pupline.errors import PuplineError
from pupline.local import Invocation
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.tasks._pool import DaemonPool

Answer: TypeAlias = Callable[[Fact], None]


class Api(Protocol):
    """The API, for Tasks that call it."""

    def operate(self, name: str, parameters: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
        """The answer to an operation. Raises: ApiError."""

    def when_ended(self, arn: str, listener: Callable[[], None]) -> None:
        """Call `listener` once when the execution has ended, from any thread; at once when it has ended already."""


class OwnCalls:
    """Calls of the API that runs them. pool: where the end of a nested execution is reported."""

    def __init__(self, pool: DaemonPool, api: Api) -> None:
        self._pool = pool
        self._api = api
        self._children: dict[tuple[str, str], str] = {}

    def call(self, task: InvokeTask, resource: Resource, invocation: Invocation, answer: Answer) -> None:
        """Make the call, or go on to wait for a nested execution that an earlier process has started."""
        if resource.kind == "aws-sdk":
            if not invocation.is_submitted:
                name = resource.action[:1].upper() + resource.action[1:]
                request = api_request(task, invocation.execution)
                output = api_result(task, self.operate(name, request, invocation.execution))
                answer(TaskSucceeded(task.id, output) if task.task_token is None else TaskSubmitted(task.id, output))
            return
        if invocation.is_submitted:
            submitted = invocation.submitted if isinstance(invocation.submitted, dict) else {}
            arn = str(submitted.get("ExecutionArn"))
        else:
            started = self._start(task, invocation.execution)
            arn = started["executionArn"]
            output = api_result(task, {name: started[name] for name in ("executionArn", "startDate")})
            answer(TaskSubmitted(task.id, output) if resource.pattern else TaskSucceeded(task.id, output))
        if resource.pattern.startswith(".sync"):
            self._follow(task, arn, invocation.execution, answer)

    def cancel(self, execution: str, command_id: str) -> None:
        """Stop the nested execution of a call that nobody waits for."""
        child = self._children.pop((execution, command_id), None)
        if child is not None:
            self._pool.submit(self._stop, child, execution)

    def operate(self, name: str, parameters: Mapping[str, Any], execution: str) -> dict[str, Any]:
        """The answer of the API, where the execution is at home. Raises: ApiError."""
        account, region, *_ = execution.split(":")
        return self._api.operate(name, parameters, region, account)

    def _start(self, task: InvokeTask, execution: str) -> dict[str, Any]:
        """Start the nested execution. One whose name is ours was started by this call, before a crash."""
        try:
            return self.operate("StartExecution", api_request(task, execution), execution)
        except ApiError as failure:
            is_own_name = isinstance(task.payload, dict) and not task.payload.get("Name")
            if failure.code != "ExecutionAlreadyExists" or not is_own_name:
                raise
            arn = failure.message.split("'")[1]
            return self.operate("DescribeExecution", {"executionArn": arn}, execution)

    def _follow(self, task: InvokeTask, arn: str, execution: str, answer: Answer) -> None:
        """Answer when the child has ended."""
        self._children[execution, task.id] = arn

        def ended() -> None:
            self._children.pop((execution, task.id), None)
            self._pool.submit(self._report, task, arn, execution, answer)

        self._api.when_ended(arn, ended)

    def _report(self, task: InvokeTask, arn: str, execution: str, answer: Answer) -> None:
        try:
            described = self.operate("DescribeExecution", {"executionArn": arn}, execution)
        except ApiError as failure:
            answer(own_failure(task, failure))
            return
        answer(child_ended(task, described))

    def _stop(self, arn: str, execution: str) -> None:
        cause = "The execution that waits for this one has ended, or its task has timed out"
        try:
            self.operate("StopExecution", {"executionArn": arn, "cause": cause}, execution)
        except PuplineError:  # it has ended, or the server stops
            return


def own_failure(task: InvokeTask, failure: ApiError, *, at_submission: bool = False) -> TaskFailed:
    """A refused call, in the words of its kind of integration."""
    found = api_failure(task, failure.code.removesuffix("Exception"), failure.message)
    return found if at_submission else replace(found, at_submission=False)
