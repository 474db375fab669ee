"""The calls of Tasks, in the order in which answers are looked for:

1. mocks, and functions of `--function`, by the state's name or by the resource;
2. Lambda functions of the template, by their names;
3. the API itself: nested executions, and `aws-sdk:sfn`;
4. the endpoint of the service, if the environment names one;
5. workers, for an activity.

What nothing answers fails, and its cause says where an answer could come from.
"""

import os
from collections.abc import Callable
from typing import Any

from pupline.asl import (
    NOTHING,
    Delayed,
    Fact,
    InvokeTask,
    ItemsRead,
    ReadItems,
    Resource,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    WriteResults,
    function_name,
    lambda_error,
    read_resource,
)
from pupline.errors import ConfigurationError
from pupline.json_values import JSON
from pupline.local import Invocation
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.tasks._activities import ActivityQueues, ActivityTask
from pupline.stepfunctions.tasks._delays import Delays
from pupline.stepfunctions.tasks._map_calls import read_or_write
from pupline.stepfunctions.tasks._own_calls import Answer, Api, OwnCalls, own_failure
from pupline.stepfunctions.tasks._pool import DaemonPool
from pupline.stepfunctions.tasks._service_calls import ServiceFailure, invoke_function
from pupline.stepfunctions.tasks._services import NOTHING_ANSWERS, ServiceTasks
from pupline.stepfunctions.tasks._sources import TaskSources

_THREADS = 256
"""Calls at the same time; more wait."""


class TaskRunner:
    """The runtime of the driver. `connect` it before the first call."""

    def __init__(self, sources: TaskSources) -> None:
        self.sources = sources
        self.activities = ActivityQueues()
        self._pool = DaemonPool(_THREADS)
        self._delays = Delays()
        self._services = ServiceTasks(sources.endpoints, self._pool, self._delays)
        self._own: OwnCalls | None = None

    def connect(self, api: Api) -> None:
        """Have Tasks that call Step Functions call this API."""
        self._own = OwnCalls(self._pool, api)

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: Callable[[Any], None]) -> None:
        """Answer the call, from a thread of the pool."""
        self._pool.submit(self._run, task, invocation, answer)

    def cancel(self, execution: str, task: InvokeTask) -> None:
        """Stop what the call has begun and nothing waits for: a nested execution, a task for a worker."""
        self._api.cancel(execution, task.id)
        self.activities.withdraw(task.resource, execution, task.id)

    def read_or_write(self, command: ReadItems | WriteResults, invocation: Invocation) -> Fact | None:
        """What a Distributed Map reads or writes, of mocks, functions, or S3's endpoint. None: of the local buckets."""
        try:
            answers = self.sources.answers(invocation.machine, _case(invocation))
            found = answers.find(command)
            if found is NOTHING:
                return read_or_write(command, self.sources.endpoints, _region(invocation))
            outcome = answers.result(command, found, execution=invocation.execution)
        except ServiceFailure as failure:
            return TaskFailed(command.id, failure.error, failure.cause)
        except ConfigurationError as error:
            return TaskFailed(command.id, NOTHING_ANSWERS, str(error))
        if isinstance(outcome, Delayed):  # a mock of a slow read: it has no timer of its own, so it is not waited for
            outcome = outcome.fact or TaskFailed(command.id, NOTHING_ANSWERS, "a reader must answer")
        assert isinstance(outcome, ItemsRead | TaskSucceeded | TaskFailed)  # noqa: S101 - what such a command gets
        return outcome

    def close(self) -> None:
        """Begin nothing more. Answers that come later are not journalled, so the calls are repeated."""
        self.activities.close()
        self._delays.close()
        self._pool.close()
        self.sources.processes.close()

    @property
    def _api(self) -> OwnCalls:
        assert self._own is not None  # noqa: S101 - connected before the first call
        return self._own

    def _run(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        is_first = not invocation.is_submitted
        resource = read_resource(task.integration)
        late = is_first and resource is not None and bool(resource.pattern)
        answer = _in_this_process(answer)
        try:
            self._answer(task, resource, invocation, answer)
        except ServiceFailure as failure:
            answer(TaskFailed(task.id, failure.error, failure.cause, late))
        except ApiError as failure:
            answer(own_failure(task, failure, at_submission=late))
        except ConfigurationError as error:
            answer(TaskFailed(task.id, NOTHING_ANSWERS, str(error), late))
        except BaseException as error:  # noqa: BLE001 - SystemExit too: unanswered, the execution would wait forever
            answer(TaskFailed(task.id, type(error).__name__, lambda_error(error), late))

    def _answer(self, task: InvokeTask, resource: Resource | None, invocation: Invocation, answer: Answer) -> None:
        answers = self.sources.answers(invocation.machine, _case(invocation))
        found = NOTHING if invocation.is_submitted else answers.find(task)
        if found is not NOTHING:
            self._given(task, answers.result(task, found, execution=invocation.execution), answer)
        elif resource is not None and resource.kind == "activity":
            self._offer(task, invocation, answer)
        elif resource is None or resource.kind == "function" or _is_lambda(resource):
            if not invocation.is_submitted:
                self._returned(task, self._function(task, invocation), answer)
        elif _is_own(resource) and not self.sources.endpoints.has_own(resource.service):
            self._api.call(task, resource, invocation, answer)
        elif invocation.is_submitted:
            self._services.resume(task, resource, invocation.submitted, _region(invocation), answer)
        else:
            self._services.call(task, resource, _region(invocation), answer)

    def _given(self, task: InvokeTask, outcome: Any, answer: Answer) -> None:
        """An answer of a mock or a function."""
        if isinstance(outcome, Delayed):
            self._delays.answer(task.id, outcome, answer)
        elif task.task_token is not None and outcome == TaskSucceeded(task.id, None):
            answer(TaskSubmitted(task.id, {}))  # the function only sent the token on
        else:
            answer(outcome)

    def _offer(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        """Have the task of an activity wait for a worker, unless one had it before."""
        if not invocation.is_submitted:
            try:
                self._api.operate("DescribeActivity", {"activityArn": task.resource}, invocation.execution)
            except ApiError:
                answer(TaskFailed(task.id, "States.Runtime", f"The activity {task.resource} does not exist."))
                return
            answer(TaskSubmitted(task.id))
        if not invocation.is_taken:
            token = task.task_token or ""
            self.activities.offer(task.resource, ActivityTask(invocation.execution, task.id, token, task.payload))

    def _function(self, task: InvokeTask, invocation: Invocation) -> JSON:
        name = function_name(task.resource)
        logical_id = self.sources.processes.find(name)
        if logical_id is not None:
            return self.sources.processes.call(logical_id, task.payload, invocation.request_id)
        endpoints = self.sources.endpoints
        if endpoints.url("lambda") is not None:
            return invoke_function(endpoints.client("lambda", _region(invocation)), task.resource, task.payload)
        text = f"Function not found: {task.resource}; give it with --function {name}=module:callable, with a --template"
        raise ServiceFailure("Lambda.ResourceNotFoundException", f"{text} that has it, or as LAMBDA_ENDPOINT")

    def _returned(self, task: InvokeTask, output: JSON, answer: Answer) -> None:
        """A function has returned: its output is the result, unless the task waits for its token."""
        if task.task_token is None:
            answer(TaskSucceeded(task.id, output))
        else:
            http = {"HttpStatusCode": 200}
            response = {"ExecutedVersion": "$LATEST", "Payload": output, "SdkHttpMetadata": http, "StatusCode": 200}
            answer(TaskSubmitted(task.id, response))


def _in_this_process(answer: Answer) -> Answer:
    """The callback, which ends a child that a function has forked: it would hold the port and the data directory."""
    process = os.getpid()

    def call(fact: Any) -> None:
        if os.getpid() != process:
            os._exit(0)
        answer(fact)

    return call


def _case(invocation: Invocation) -> str:
    return str(invocation.details.get("testCase") or "")


def _is_lambda(resource: Resource) -> bool:
    return resource.kind == "optimized" and resource.service == "lambda"


def _is_own(resource: Resource) -> bool:
    return resource.service in ("states", "sfn") and (resource.kind == "aws-sdk" or resource.action == "startExecution")


def _region(invocation: Invocation) -> str:
    return invocation.execution.split(":")[1]
