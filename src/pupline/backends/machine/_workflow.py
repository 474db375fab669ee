"""The workflow files with their placeholders filled for this machine. The files themselves are never changed."""

import json
import re
from pathlib import Path

from pupline.asl import StateMachine
from pupline.errors import ConfigurationError
from pupline.files import read_text
from pupline.local import BUCKET, TOPIC_ARN

STATE_MACHINE_NAME = "DogUploaderPipeline"
BULK_NAME = "BulkIngest"

FILES = {STATE_MACHINE_NAME: "dog_uploader_pipeline.asl.json", BULK_NAME: "bulk_ingest.asl.json"}
"""State machine to the name of its file."""

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
}

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def workflow_path(name: str = STATE_MACHINE_NAME) -> Path:
    """The file of a workflow: packaged with an installed pupline, next to `src/` in a checkout.

    Raises: ConfigurationError when it is in neither.
    """
    package = Path(__file__).parents[2]
    places = [package / "statemachine", package.parents[1] / "statemachine"]
    for place in places:
        path = place / FILES[name]
        if path.is_file():
            return path
    raise ConfigurationError(f"{FILES[name]} is not in {places[1]}; install pupline again")


def load_workflow(name: str = STATE_MACHINE_NAME) -> StateMachine:
    """A workflow, its placeholders filled for this machine.

    Raises: ConfigurationError for a file that cannot be read or has an unknown placeholder; DefinitionError.
    """
    path = workflow_path(name)
    try:
        definition = json.loads(read_text(path), object_hook=_filled)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as JSON: {error}") from error
    machine = StateMachine.parse(definition)
    machine.name = name
    return machine


def _filled(values: dict[str, object]) -> dict[str, object]:
    return {key: _PLACEHOLDER.sub(_value_of, text) if isinstance(text, str) else text for key, text in values.items()}


def _value_of(match: re.Match[str]) -> str:
    if match[1] not in SUBSTITUTIONS:
        known = ", ".join(SUBSTITUTIONS)
        raise ConfigurationError(f"the workflow has an unknown placeholder ${{{match[1]}}}; known: {known}")
    return SUBSTITUTIONS[match[1]]
