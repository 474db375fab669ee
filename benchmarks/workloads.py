"""The workloads: a machine of five Pass and Choice states, and the pipeline with functions that return immediately."""

import copy
from collections.abc import Callable
from typing import Any

from benchmarks.engine import FIVE_STATES, GIVEN
from pupline.backends import load_workflow
from tools.peers import Answer

__all__ = ["FIVE_STATES", "GIVEN", "Answer", "adapted_pipeline", "pipeline", "pipeline_answers", "pipeline_tasks"]

IMAGE: dict[str, Any] = {
    "status": "success",
    "uploaded_image": "n02089078_1.jpg",
    "image_url": "http://127.0.0.1/n02089078_1.jpg",
    "file_type": "jpg",
    "extension_agrees": True,
    "outcome": "stored",
}
RECORD: dict[str, Any] = {"status": "success", "logged_item": {"image_name": "n02089078_1.jpg"}}

FUNCTIONS = {"FetchAndUploadDogImage": IMAGE, "AlertPNG": {"status": "alert"}, "LogToDynamoDB": RECORD}
"""Each function's result. With an intact JPEG the path is Task, Choice, Task, Succeed."""


def pipeline() -> dict[str, Any]:
    """The pipeline's definition as it runs on one machine."""
    return load_workflow().definition


def adapted_pipeline() -> dict[str, Any]:
    """The pipeline with two fields of its first state changed, so that aws-local-stepfunctions can run it.

    Its States.JsonMerge changes its first argument, here into a value that contains itself; so the function gets
    only $$.Execution. And `ResultPath: "$"` adds a field named $ there; so the field, which states the default, is left
    out. The same states run, and the output is the same.
    """
    changed = copy.deepcopy(pipeline())
    first = changed["States"]["FetchAndUploadDogImage"]
    first["Parameters"]["Payload.$"] = "$$.Execution"
    del first["ResultPath"]
    return changed


def pipeline_tasks() -> dict[str, Callable[[Any], Any]]:
    """The functions, for `execute`."""
    return {name: _stub(answer) for name, answer in FUNCTIONS.items()}


def _stub(answer: Any) -> Callable[[Any], Any]:
    return lambda _event: answer


def pipeline_answers() -> dict[str, Answer]:
    """The same for peers: by state, with what lambda:invoke wraps around a function's answer."""
    states = {
        "FetchAndUploadDogImage": "FetchAndUploadDogImage",
        "AlertPNG": "AlertPNG",
        "LogToDynamoDB": "LogToDynamoDB",
        "LogFailureToDynamoDB": "LogToDynamoDB",
    }
    return {
        state: Answer({"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": FUNCTIONS[function]})
        for state, function in states.items()
    }
