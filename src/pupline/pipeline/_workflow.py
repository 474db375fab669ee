"""The workflow file, found and filled in for this machine. The file itself is never changed."""

import json
import re
from pathlib import Path

from pupline.asl import StateMachine
from pupline.errors import ConfigurationError
from pupline.local import TOPIC_ARN

STATE_MACHINE_NAME = "DogUploaderPipeline"

# What SAM's DefinitionSubstitutions are on AWS.
SUBSTITUTIONS = {
    **{
        f"{function}Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        for function in ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB")
    },
    "PNGAlertTopicArn": TOPIC_ARN,
}

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def workflow_path() -> Path:
    """The workflow file: packaged with an installed pupline, beside `src/` in a checkout.

    Raises: ConfigurationError when it is in neither place.
    """
    package = Path(__file__).parents[1]
    places = [package / "statemachine", package.parents[1] / "statemachine"]
    for place in places:
        path = place / "dog_uploader_pipeline.asl.json"
        if path.is_file():
            return path
    raise ConfigurationError(f"dog_uploader_pipeline.asl.json is not in {places[1]}; install pupline anew")


def load_workflow() -> StateMachine:
    """The workflow, its placeholders filled for this machine.

    Raises: ConfigurationError for a file that cannot be read or has a placeholder nobody fills; DefinitionError.
    """
    path = workflow_path()
    try:
        definition = json.loads(path.read_text(encoding="utf-8"), object_hook=_filled)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as JSON: {error}") from error
    machine = StateMachine.parse(definition)
    machine.name = STATE_MACHINE_NAME
    return machine


def _filled(values: dict[str, object]) -> dict[str, object]:
    return {key: _PLACEHOLDER.sub(_value_of, text) if isinstance(text, str) else text for key, text in values.items()}


def _value_of(match: re.Match[str]) -> str:
    if match[1] not in SUBSTITUTIONS:
        known = ", ".join(SUBSTITUTIONS)
        raise ConfigurationError(f"the workflow has a placeholder ${{{match[1]}}} that nobody fills; known: {known}")
    return SUBSTITUTIONS[match[1]]
