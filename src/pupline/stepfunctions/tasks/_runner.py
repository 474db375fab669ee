"""The calls of Tasks, in the order in which answers are looked for:

1. mocks, and functions of `--function`, by the state's name or by the resource;
2. Lambda functions of the template, by their names;
3. the endpoint of the service, if the environment names one;
4. the API itself: nested executions, and `aws-sdk:sfn`;
5. workers, for an activity.

What nothing answers fails, and its cause says where an answer could come from.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from pupline.asl import (
    NOTHING,
    Delayed,
    Fact,
    InvokeTask,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    lambda_error,
    read_resource,
)
from pupline.json_values import JSON, dumps
from pupline.local import Invocation
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.tasks._activities import ActivityQueues, ActivityTask
from pupline.stepfunctions.tasks._nested import (
    ended_output,
    request_of,
    sdk_output,
    start_parameters,
    started_output,
)
from pupline.stepfunctions.tasks._service_calls import ServiceFailure, call_service, invoke_function
from pupline.stepfunctions.tasks._sources import TaskSources

_THREADS = 256
"""Calls at the same time; more wait."""

Answer = Callable[[Fact], None]


class Api(Protocol):
    """The API, for Tasks that call it."""

    def operate(self, name: str, parameters: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
        """The answer to an operation. Raises: ApiError."""

    def when_ended(self, arn: str, listener: Callable[[], None]) -> None:
        """Call `listener` once when the execution has ended, from any thread; at once when it has ended already."""


class TaskRunner:
    """The runtime of the driver. `connect` it before the first call."""

    def __init__(self, sources: TaskSources) -> None:
        self._sources = sources
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="pupline-task")
        self._children: dict[tuple[str, str], str] = {}
        self._timers: set[threading.Timer] = set()
        self.activities = ActivityQueues()
        self._api: Api | None = None

    def connect(self, api: Api) -> None:
        """Have Tasks that call Step Functions call this API."""
        self._api = api

    def invoke(self, task: InvokeTask, invocation: Invocation, answer: Callable[[Any], None]) -> None:
        """Answer the call, from a thread of the pool."""
        self._pool.submit(self._run, task, invocation, answer)

    def cancel(self, execution: str, task: InvokeTask) -> None:
        """Stop what the call has begun and nobody waits for: a nested execution, a task for a worker."""
        child = self._children.pop((execution, task.id), None)
        if child is not None:
            self._pool.submit(self._stop_child, child, execution)
        self.activities.withdraw(task.resource, execution, task.id)

    def close(self) -> None:
        """Begin nothing more. Answers that come later are not journalled, so the calls are repeated."""
        self.activities.close()
        for timer in list(self._timers):
            timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._sources.processes.close()

    def _run(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        try:
            self._answer(task, invocation, answer)
        except ServiceFailure as failure:
            answer(TaskFailed(task.id, failure.error, failure.cause))
        except ApiError as failure:
            answer(TaskFailed(task.id, f"StepFunctions.{failure.code}", failure.message))
        except Exception as error:  # noqa: BLE001 - unanswered, the execution would wait forever
            answer(TaskFailed(task.id, type(error).__name__, lambda_error(error)))

    def _answer(self, task: InvokeTask, invocation: Invocation, answer: Answer) -> None:
        answers = self._sources.answers(invocation.machine, str(invocation.details.get("testCase") or ""))
        found = NOTHING if invocation.is_submitted else answers.find(task)
        resource = read_resource(task.integration)
        if found is not NOTHING:
            self._given(task, answers.result(task, found, execution=invocation.execution), answer)
        elif resource is not None and resource.kind == "activity":
            token = task.task_token or ""
            self.activities.offer(task.resource, ActivityTask(invocation.execution, task.id, token, task.payload))
        elif (
            resource is None
            or resource.kind == "function"
            or (resource.kind, resource.service) == ("optimized", "lambda")
        ):
            if not invocation.is_submitted:
                self._returned(task, self._function(task, invocation), answer)
        elif _is_own(resource) and self._sources.endpoints.url("sfn") is None:
            self._own(task, resource, invocation, answer)
        elif not invocation.is_submitted:
            self._service(task, resource, invocation, answer)

    # ---- answers of mocks and functions

    def _given(self, task: InvokeTask, outcome: Any, answer: Answer) -> None:
        if isinstance(outcome, Delayed):
            self._later(task, outcome, answer)
        elif task.task_token is not None and isinstance(outcome, TaskSucceeded) and outcome.output is None:
            answer(TaskSubmitted(task.id, {}))  # the function only sent the token on
        else:
            answer(outcome)

    def _later(self, task: InvokeTask, delayed: Delayed, answer: Answer) -> None:
        """Heartbeats, then the fact."""
        every = delayed.heartbeat_every
        if every and every < delayed.seconds:
            rest = Delayed(delayed.seconds - every, delayed.fact, every)

            def beat() -> None:
                answer(TaskHeartbeat(task.id))
                self._later(task, rest, answer)

            self._after(every, beat)
        elif delayed.fact is not None:
            fact = delayed.fact
            self._after(delayed.seconds, lambda: answer(fact))

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            call()

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()

    # ---- Lambda

    def _function(self, task: InvokeTask, invocation: Invocation) -> JSON:
        name = _function_name(task.resource)
        if name in self._sources.processes:
            return self._sources.processes.call(name, task.payload, invocation.request_id)
        endpoints = self._sources.endpoints
        if endpoints.url("lambda") is not None:
            client = endpoints.client("lambda", _region(invocation))
            return invoke_function(client, task.resource, task.payload)
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

    # ---- services

    def _service(self, task: InvokeTask, resource: Any, invocation: Invocation, answer: Answer) -> None:
        endpoints = self._sources.endpoints
        if endpoints.url(resource.service) is None:
            places = " or ".join(endpoints.variables(resource.service)[:2])
            where = f", or an endpoint of the service as {places}" if places else ""
            text = f"Nothing answers state '{task.state}', which calls {task.integration}"
            keys = f"--function {task.state}=module:callable, --mocks"
            raise ServiceFailure("Pupline.NothingAnswers", f"{text}: give it an answer with {keys}{where}")
        if resource.pattern.startswith(".sync"):
            text = (
                f"{task.integration} waits for a job, which is not followed here; give state '{task.state}' an answer"
            )
            raise ServiceFailure("Pupline.NothingAnswers", f"{text} with --function or --mocks")
        client = endpoints.client(resource.service, _region(invocation))
        result = call_service(
            client, resource.service, resource.action, task.payload, is_sdk=resource.kind == "aws-sdk"
        )
        answer(TaskSucceeded(task.id, result) if task.task_token is None else TaskSubmitted(task.id, result))

    # ---- the API itself

    def _own(self, task: InvokeTask, resource: Any, invocation: Invocation, answer: Answer) -> None:
        if resource.kind == "aws-sdk":
            if not invocation.is_submitted:
                name = resource.action[:1].upper() + resource.action[1:]
                output = sdk_output(self._operate(name, request_of(task.payload), invocation.execution))
                answer(TaskSucceeded(task.id, output) if task.task_token is None else TaskSubmitted(task.id, output))
            return
        if invocation.is_submitted:
            submitted = invocation.submitted if isinstance(invocation.submitted, dict) else {}
            arn = str(submitted.get("ExecutionArn"))
        else:
            parameters = start_parameters(task, invocation.execution)
            started = self._operate("StartExecution", parameters, invocation.execution)
            arn, output = started["executionArn"], started_output(started)
            if not resource.pattern:
                answer(TaskSucceeded(task.id, output))
                return
            answer(TaskSubmitted(task.id, output))
        if resource.pattern.startswith(".sync"):
            self._follow(task, arn, invocation.execution, answer, parsed=resource.pattern.endswith(":2"))

    def _follow(self, task: InvokeTask, arn: str, execution: str, answer: Answer, *, parsed: bool) -> None:
        """Answer when the child has ended."""
        self._children[execution, task.id] = arn

        def ended() -> None:
            self._children.pop((execution, task.id), None)
            self._pool.submit(self._run_ended, task, arn, execution, answer, parsed)

        assert self._api is not None  # noqa: S101 - connected before the first call
        self._api.when_ended(arn, ended)

    def _run_ended(self, task: InvokeTask, arn: str, execution: str, answer: Answer, parsed: bool) -> None:
        try:
            described = self._operate("DescribeExecution", {"executionArn": arn}, execution)
        except ApiError as failure:
            answer(TaskFailed(task.id, f"StepFunctions.{failure.code}", failure.message))
            return
        if described["status"] == "SUCCEEDED":
            answer(TaskSucceeded(task.id, ended_output(described, parsed=parsed)))
        else:
            answer(TaskFailed(task.id, "States.TaskFailed", dumps(ended_output(described, parsed=False))))

    def _stop_child(self, arn: str, execution: str) -> None:
        cause = "The execution that waits for this one has ended, or its task has timed out"
        self._operate("StopExecution", {"executionArn": arn, "cause": cause}, execution)

    def _operate(self, name: str, parameters: Mapping[str, Any], execution: str) -> dict[str, Any]:
        assert self._api is not None  # noqa: S101 - connected before the first call
        account, region, *_ = execution.split(":")
        return self._api.operate(name, parameters, region, account)


def _is_own(resource: Any) -> bool:
    return resource.service in ("states", "sfn") and (resource.kind == "aws-sdk" or resource.action == "startExecution")


def _region(invocation: Invocation) -> str:
    return invocation.execution.split(":")[1]


def _function_name(resource: str) -> str:
    """`f` for the ARN of the function f, for `f:prod`, `${f}` and `f`."""
    name = resource.rpartition("function:")[2]
    return name[2:-1] if name.startswith("${") and name.endswith("}") else name.partition(":")[0]
