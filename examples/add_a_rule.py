"""A new alert rule for the pipeline, tested before it is deployed: alert on every WebP.

Nothing but the definition changes: one more Choice rule, and a Pass state with the words.
"""

import json
from pathlib import Path
from typing import Any

from pupline.asl import StateMachine, execute

WORKFLOW = Path(__file__).parents[1] / "statemachine" / "dog_uploader_pipeline.asl.json"

definition: dict[str, Any] = json.loads(WORKFLOW.read_text(encoding="utf-8"))
states = definition["States"]
states["CheckIfPNG"]["Choices"].append(
    {
        "And": [
            {"Variable": "$.image.file_type", "IsPresent": True},
            {"Variable": "$.image.file_type", "StringEquals": "webp"},
        ],
        "Next": "WebPAlert",
    }
)
words = states["PNGContentAlert"]["Parameters"]
states["WebPAlert"] = {
    **states["PNGContentAlert"],
    "Parameters": {
        **words,
        "reason": "webp",
        "subject": "WebP file detected",
        "message.$": "States.Format('A WebP file came: {}', $.image.uploaded_image)",
        "file_type": "webp",
    },
}

published: list[Any] = []
tasks = {
    "${FetchAndUploadDogImageArn}": lambda _: {
        "status": "success",
        "uploaded_image": "rex.webp",
        "file_type": "webp",
        "outcome": "stored",
    },
    "${AlertPNGArn}": lambda event: {"status": "alert", "image": event["image"]},
    "arn:aws:states:::sns:publish": published.append,
    "${LogToDynamoDBArn}": lambda _: {"status": "success"},
}
result = execute(StateMachine.parse(definition), {}, tasks=tasks)
print(result.status, "-", published[0]["Message"])
