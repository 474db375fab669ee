"""Tasks that call a service behind its endpoint: at once, with a token, or until a job has ended."""

from pupline.asl import (
    InvokeTask,
    Resource,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    member_name,
    sdk_member_name,
)
from pupline.json_values import JSON, dumps
from pupline.stepfunctions.tasks._delays import Delays
from pupline.stepfunctions.tasks._endpoints import Endpoints
from pupline.stepfunctions.tasks._jobs import JOBS, POLL_SECONDS, Job
from pupline.stepfunctions.tasks._own_calls import Answer
from pupline.stepfunctions.tasks._pool import DaemonPool
from pupline.stepfunctions.tasks._service_calls import ServiceFailure, call_service

NOTHING_ANSWERS = "Pupline.NothingAnswers"


class ServiceTasks:
    """Calls services. pool, delays: for the calls that look after a job."""

    def __init__(self, endpoints: Endpoints, pool: DaemonPool, delays: Delays) -> None:
        self._endpoints = endpoints
        self._pool = pool
        self._delays = delays

    def call(self, task: InvokeTask, resource: Resource, region: str, answer: Answer) -> None:
        """Call the service. Raises: ServiceFailure, also where no endpoint answers."""
        self._refuse_unanswered(task, resource)
        result = self._result(resource, resource.action, task.payload, region)
        if not resource.pattern:
            answer(TaskSucceeded(task.id, result))
            return
        answer(TaskSubmitted(task.id, result))
        if resource.pattern.startswith(".sync"):
            self._follow(task, resource, result, region, answer)

    def resume(self, task: InvokeTask, resource: Resource, submitted: JSON, region: str, answer: Answer) -> None:
        """Go on to wait for a job that an earlier process has submitted."""
        if resource.pattern.startswith(".sync"):
            self._follow(task, resource, submitted, region, answer)

    def _refuse_unanswered(self, task: InvokeTask, resource: Resource) -> None:
        keys = f"--function '{task.state}=module:callable' or --mocks"
        if self._endpoints.url(resource.service) is None:
            places = " or ".join(self._endpoints.variables(resource.service)[:2])
            where = f", or an endpoint of the service as {places}" if places else ""
            text = f"Nothing answers state '{task.state}', which calls {task.integration}"
            raise ServiceFailure(NOTHING_ANSWERS, f"{text}: give it an answer with {keys}{where}")
        if resource.pattern.startswith(".sync") and (resource.service, resource.action) not in JOBS:
            text = f"{task.integration} waits for a job of a kind that is not followed here"
            raise ServiceFailure(NOTHING_ANSWERS, f"{text}: give state '{task.state}' an answer with {keys}")

    def _result(self, resource: Resource, action: str, arguments: JSON, region: str, *, is_sdk: bool = False) -> JSON:
        client = self._endpoints.client(resource.service, region)
        kind_is_sdk = resource.kind == "aws-sdk"
        spell = sdk_member_name if kind_is_sdk else member_name
        return call_service(client, resource.service, action, arguments, is_sdk=is_sdk or kind_is_sdk, spell=spell)

    def _follow(self, task: InvokeTask, resource: Resource, submitted: JSON, region: str, answer: Answer) -> None:
        job = JOBS[resource.service, resource.action]

        def look() -> None:
            try:
                found = job.result(
                    self._result(resource, job.action, job.request(task.payload, submitted), region, is_sdk=True)
                )
                if not _report(task, job, found, answer):
                    again()
            except ServiceFailure as failure:
                answer(TaskFailed(task.id, failure.error, failure.cause))
            except (LookupError, TypeError) as error:
                text = f"{resource.service} no longer has this job: {error!r}"
                answer(TaskFailed(task.id, "States.TaskFailed", text))

        def again() -> None:
            self._delays.after(POLL_SECONDS, lambda: self._pool.submit(look))

        self._pool.submit(look)


def _report(task: InvokeTask, job: Job, found: JSON, answer: Answer) -> bool:
    """Answer with the end of the job. Whether it has ended."""
    status = job.status(found)
    if status in job.succeeded:
        answer(TaskSucceeded(task.id, found))
    elif status in job.failed:
        answer(TaskFailed(task.id, "States.TaskFailed", dumps(found)))
    else:
        return False
    return True
