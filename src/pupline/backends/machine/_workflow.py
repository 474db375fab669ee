"""The workflow files with their placeholders filled for this machine. The files themselves are never changed."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from pupline.asl import DefinitionError, StateMachine
from pupline.definitions import load_definition
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON
from pupline.local import BUCKET, TOPIC_ARN
from pupline.text import printable
from pupline.workflow_files import BULK_NAME as BULK_NAME
from pupline.workflow_files import PIPELINE_NAME, read_definition, workflow_path

# On AWS these are SAM's DefinitionSubstitutions.
SUBSTITUTIONS = {
    **{
        f"{function}Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        for function in (
            "FetchAndUploadDogImage",
            "AlertPNG",
            "LogToDynamoDB",
            "IngestBatch",
            "SummariseIngest",
        )
    },
    "PNGAlertTopicArn": TOPIC_ARN,
    "ImageBucketName": BUCKET,
    "aws": "aws",  # the partition, which has another name in China, for example
    "BrieflyRetried": "None",  # Standard executions queue for hours
    "BulkConcurrency": "1000",  # no limit of its own: the command's options decide
}

EXPRESS_SUBSTITUTIONS = {**SUBSTITUTIONS, "BrieflyRetried": "TooManyRequestsException"}

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def load_workflow(name: str = PIPELINE_NAME, chosen: str | None = None, *, is_express: bool = False) -> StateMachine:
    """A workflow, its placeholders filled for this machine. chosen: as in `workflow_path`.

    is_express: as AWS runs it with WorkflowType EXPRESS.
    Raises: ConfigurationError for a file that cannot be read, has an unknown placeholder, or is not valid.
    """
    path = workflow_path(name, chosen)
    try:
        values = EXPRESS_SUBSTITUTIONS if is_express else SUBSTITUTIONS
        filled = _filled(read_definition(path), values, path)
        machine = StateMachine.parse(filled, type="EXPRESS" if is_express else "STANDARD")
    except DefinitionError as error:
        place, first = error.problems[0]
        more = f" ({len(error.problems)} problems in all)" if len(error.problems) > 1 else ""
        raise ConfigurationError(
            f"{_in_file(path, place)}: {printable(place)}: {printable(first)}{more}; "
            f"see: pupline validate {shlex.quote(str(path))}"
        ) from error
    machine.name = name
    return machine


def _in_file(path: Path, json_path: str) -> str:
    """The file, with line and column of a part of it."""
    position = load_definition(path).position(json_path)
    return str(path) if position is None else f"{path}:{position.line}:{position.column}"


def _filled(value: AnyJSON, values: Mapping[str, str], path: Path) -> AnyJSON:
    """The value with the placeholders in its texts filled."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: _value_of(match[1], values, path), value)
    if isinstance(value, list):
        return [_filled(item, values, path) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, values, path) for key, item in value.items()}
    return value


def _value_of(name: str, values: Mapping[str, str], path: Path) -> str:
    if name not in values:
        known = ", ".join(values)
        raise ConfigurationError(f"{path}: the workflow has an unknown placeholder ${{{name}}}; known: {known}")
    return values[name]
