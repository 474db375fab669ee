"""The Resources that AWS recognises. Source: AWS, "Integrating AWS services with Step Functions"."""

import re
from dataclasses import dataclass

# A deployment may fill in any part, such as the partition or the region.
_PLACEHOLDER = re.compile(r"\$\{[^{}]+\}")
_ARN = r"arn:(?:aws(?:-[a-z-]+)?|\$\{[^{}]*\})"
_PARTITION_TO_FILL = re.compile(r"\Aarn:\$\{[^{}]+\}(?=:states:::)")
_ACTIVITY = re.compile(rf"{_ARN}:states:[^:]+:[^:]+:activity:.+")
_FUNCTION = re.compile(rf"{_ARN}:lambda:[^:]*:[^:]*:function:.+")
_SERVICE = re.compile(
    rf"{_ARN}:states:[^:]*:[^:]*:(?P<sdk>aws-sdk:)?(?P<service>[a-z0-9-]+):(?P<action>[A-Za-z][A-Za-z0-9]*)"
    r"(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)

_RUN = ".sync"
_TOKEN = ".waitForTaskToken"  # noqa: S105 - a suffix of ARNs

_OPTIMIZED: dict[str, tuple[str, str]] = {
    "apigateway": ("invoke", _TOKEN),
    "athena": ("startQueryExecution stopQueryExecution getQueryExecution getQueryResults", _RUN),
    "batch": ("submitJob", f"{_RUN} {_TOKEN}"),
    "bedrock": ("invokeModel createModelCustomizationJob", f"{_RUN} {_TOKEN}"),
    "codebuild": (
        (
            "startBuild stopBuild batchDeleteBuilds batchGetReports startBuildBatch stopBuildBatch "
            "retryBuildBatch deleteBuildBatch"
        ),
        _RUN,
    ),
    "databrew": ("startJobRun", _RUN),
    "dynamodb": ("getItem putItem updateItem deleteItem", ""),
    "ecs": ("runTask", f"{_RUN} {_TOKEN}"),
    "eks": (
        (
            "createCluster deleteCluster createNodegroup deleteNodegroup createFargateProfile "
            "deleteFargateProfile runJob call"
        ),
        f"{_RUN} {_TOKEN}",
    ),
    "elasticmapreduce": (
        (
            "createCluster terminateCluster addStep cancelStep setClusterTerminationProtection "
            "modifyInstanceFleetByName modifyInstanceGroupByName"
        ),
        _RUN,
    ),
    "emr-containers": ("createVirtualCluster deleteVirtualCluster startJobRun", _RUN),
    "emr-serverless": (
        "createApplication startApplication stopApplication deleteApplication startJobRun cancelJobRun",
        _RUN,
    ),
    "events": ("putEvents", _TOKEN),
    "glue": ("startJobRun", _RUN),
    "http": ("invoke", ""),
    "lambda": ("invoke", _TOKEN),
    "mediaconvert": ("createJob", _RUN),
    "sagemaker": (
        (
            "createEndpoint createEndpointConfig createHyperParameterTuningJob createLabelingJob createModel "
            "createProcessingJob createTrainingJob createTransformJob updateEndpoint"
        ),
        _RUN,
    ),
    "sns": ("publish", _TOKEN),
    "sqs": ("sendMessage", _TOKEN),
    "states": ("startExecution", f"{_RUN} {_TOKEN}"),
}
"""Service -> its actions, and the patterns beyond request-response."""


@dataclass(frozen=True, slots=True)
class Resource:
    """The parts of a Resource.

    kind: "function" (a Lambda function's ARN), "activity", "optimized", "aws-sdk" or "unfilled"; pattern: "", ".sync",
    ".sync:2" or ".waitForTaskToken".
    """

    kind: str
    service: str = ""
    action: str = ""
    pattern: str = ""


UNFILLED = Resource("unfilled")
"""A Resource of which a placeholder hides more than the place: what it calls is not known yet."""

_READERS = re.compile(rf"{_ARN}:states:::s3:(?:getObject|listObjectsV2)")
_WRITERS = re.compile(rf"{_ARN}:states:::s3:putObject")


def not_recognized(arn: str) -> str:
    """AWS's message for a Resource that it does not recognise."""
    return (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not "
        "available in this region."
    )


def optimized_actions() -> dict[str, list[str]]:
    """Service -> the actions of its optimised integration."""
    return {service: actions.split() for service, (actions, _) in _OPTIMIZED.items()}


def patterns_of(service: str) -> list[str]:
    """The patterns of an optimised integration beyond request-response, such as `.sync`."""
    return _OPTIMIZED[service][1].split() if service in _OPTIMIZED else []


def in_one_partition(arn: str) -> str:
    """A service integration's ARN, with `aws` for a partition that is still to be filled in."""
    return _PARTITION_TO_FILL.sub("arn:aws", arn)


def is_activity(arn: str) -> bool:
    """Whether an ARN is an activity's."""
    return _ACTIVITY.fullmatch(_with_holes(arn)) is not None


def is_reader(arn: str) -> bool:
    """Whether an ARN is a Resource of an ItemReader."""
    return _READERS.fullmatch(_with_holes(arn)) is not None


def is_writer(arn: str) -> bool:
    """Whether an ARN is a Resource of a ResultWriter."""
    return _WRITERS.fullmatch(_with_holes(arn)) is not None


def _with_holes(arn: str) -> str:
    """An ARN whose placeholders have lost their names, and with them the colons in them."""
    return _PLACEHOLDER.sub("${}", arn)


def read_resource(arn: str) -> Resource | None:
    """The Resource that an ARN names, or None when AWS does not recognise it.

    Of one with placeholders as much as can be known; UNFILLED where that is nothing.
    """
    shape = _with_holes(arn)
    known = _read(shape)
    return UNFILLED if known is None and shape != arn else known


def _read(arn: str) -> Resource | None:
    if _FUNCTION.fullmatch(arn):
        return Resource("function")
    if is_activity(arn):
        return Resource("activity")
    found = _SERVICE.fullmatch(arn)
    if found is None:
        return None
    service, action, pattern = found["service"], found["action"], found["pattern"] or ""
    if found["sdk"]:
        return None if pattern.startswith(_RUN) else Resource("aws-sdk", service, action, pattern)
    actions, patterns = _OPTIMIZED.get(service, ("", ""))
    known = action in actions.split() and (not pattern or pattern.removesuffix(":2") in patterns.split())
    return Resource("optimized", service, action, pattern) if known else None
