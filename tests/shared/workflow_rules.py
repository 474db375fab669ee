"""The alert rules of the workflow's file, for tests of what uses them."""

import json
from pathlib import Path
from typing import Any

from pupline.tasks.alert_rules import AlertRules

FILE = Path(__file__).parents[2] / "statemachine" / "dog_uploader_pipeline.asl.json"
DEFINITION: dict[str, Any] = json.loads(FILE.read_text())
RULES = AlertRules.of(DEFINITION)

WEBP_RULE: dict[str, Any] = {
    "And": [
        {"Variable": "$.image.file_type", "IsPresent": True},
        {"Variable": "$.image.file_type", "StringEquals": "webp"},
    ],
    "Next": "WebPAlert",
}
WEBP_WORDS: dict[str, Any] = {
    "Type": "Pass",
    "Parameters": {
        "triggered": True,
        "reason": "webp",
        "subject": "WebP file detected",
        "message.$": "States.Format('A WebP file was processed: {}', $.image.uploaded_image)",
        "file_type": "webp",
    },
    "ResultPath": "$.alert",
    "Next": "AlertPNG",
}


def edited(*rules: dict[str, Any], first: bool = False, without: str | None = None, **states: Any) -> dict[str, Any]:
    """The workflow with these rules of CheckIfPNG added, and these states. without: the rules to it are left out."""
    copy: dict[str, Any] = json.loads(FILE.read_text())
    choice = copy["States"]["CheckIfPNG"]
    kept = [rule for rule in choice["Choices"] if rule["Next"] != without]
    choice["Choices"] = [*rules, *kept] if first else [*kept, *rules]
    if without:
        del copy["States"][without]
    copy["States"] |= states
    return copy


def with_webp() -> dict[str, Any]:
    """The workflow with docs/workflow.md's example of a user's own rule."""
    return edited(WEBP_RULE, WebPAlert=WEBP_WORDS)
