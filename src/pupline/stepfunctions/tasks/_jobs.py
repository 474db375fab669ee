"""Jobs that a `.sync` integration waits for: how each service says that one has ended.

Source: Step Functions developer guide, "Run a Job (.sync)", and the APIs of the services.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job. All values are in the spelling of Step Functions.

    action: describes it. request: (arguments, answer of the submission) -> arguments of that action.
    result: the part of its answer that the Task gets. status: of that part. succeeded, failed: the final ones.
    """

    action: str
    request: Callable[[Any, Any], dict[str, Any]]
    result: Callable[[Any], Any]
    status: Callable[[Any], str]
    succeeded: frozenset[str]
    failed: frozenset[str]


def _ecs_status(task: Any) -> str:
    """A task that has stopped succeeded when all its containers did."""
    if task["LastStatus"] != "STOPPED":
        return str(task["LastStatus"])
    codes = [container.get("ExitCode") for container in task.get("Containers", ())]
    return "STOPPED" if all(code == 0 for code in codes) else "FAILED"


JOBS: Mapping[tuple[str, str], Job] = {
    ("ecs", "runTask"): Job(
        "describeTasks",
        lambda given, answer: {
            **({"Cluster": given["Cluster"]} if "Cluster" in given else {}),
            "Tasks": [task["TaskArn"] for task in answer["Tasks"]],
        },
        lambda answer: answer["Tasks"][0],
        _ecs_status,
        frozenset({"STOPPED"}),
        frozenset({"FAILED"}),
    ),
    ("batch", "submitJob"): Job(
        "describeJobs",
        lambda _given, answer: {"Jobs": [answer["JobId"]]},
        lambda answer: answer["Jobs"][0],
        lambda job: str(job["Status"]),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED"}),
    ),
    ("glue", "startJobRun"): Job(
        "getJobRun",
        lambda given, answer: {"JobName": given["JobName"], "RunId": answer["JobRunId"]},
        lambda answer: answer["JobRun"],
        lambda run: str(run["JobRunState"]),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}),
    ),
    ("codebuild", "startBuild"): Job(
        "batchGetBuilds",
        lambda _given, answer: {"Ids": [answer["Build"]["Id"]]},
        lambda answer: {"Build": answer["Builds"][0]},
        lambda found: str(found["Build"]["BuildStatus"]),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "FAULT", "TIMED_OUT", "STOPPED"}),
    ),
    ("athena", "startQueryExecution"): Job(
        "getQueryExecution",
        lambda _given, answer: {"QueryExecutionId": answer["QueryExecutionId"]},
        lambda answer: {"QueryExecution": answer["QueryExecution"]},
        lambda found: str(found["QueryExecution"]["Status"]["State"]),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "CANCELLED"}),
    ),
    **{
        ("sagemaker", f"create{name}"): Job(
            f"describe{name}",
            lambda given, _answer, name=name: {f"{name}Name": given[f"{name}Name"]},  # type: ignore[misc]
            lambda answer: answer,
            lambda found, name=name: str(found[f"{name}Status"]),  # type: ignore[misc]
            frozenset({"Completed"}),
            frozenset({"Failed", "Stopped"}),
        )
        for name in ("TrainingJob", "TransformJob", "ProcessingJob")
    },
}
"""(service, action) of the submission -> the job."""
