"""template.yaml as JSON on stdout: as CloudFormation gets it, or as it creates resources from it.

    .venv/ministack/bin/python tools/translate_template.py packaged [BUCKET]
    .venv/ministack/bin/python tools/translate_template.py translated [BUCKET]

`packaged` is what `sam package` uploads: local code and definition files are named as objects of BUCKET, with the keys
`FetchAndUploadDogImage.zip`, ..., `dog_uploader_pipeline.asl.json`. `translated` is that after both transforms:
`Fn::ForEach` expanded, then each `AWS::Serverless` resource replaced. Runs in the local AWS's environment, which has
both.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from ministack.services.cloudformation import language_extensions
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]

MANAGED_POLICIES: dict[str, str] = {}
"""The translator loads AWS's managed policies by name; the template uses none."""


class NoManagedPolicies:
    """Replaces the list that the translator would request from IAM."""

    def load(self) -> dict[str, str]:
        """No policy is used."""
        return MANAGED_POLICIES


def packaged(bucket: str) -> dict[str, Any]:
    """The template as it is uploaded."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        if name.startswith("Fn::ForEach"):
            continue
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = {"Bucket": bucket, "Key": f"{name}.zip"}
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            place = Path(properties["DefinitionS3Location"])
            properties["DefinitionS3Location"] = {"Bucket": bucket, "Key": place.name}
    return template


def translated(bucket: str) -> dict[str, Any]:
    """The template after its transforms, in their order."""
    expanded = language_extensions.apply(packaged(bucket), {})
    result: dict[str, Any] = transform(expanded, {}, NoManagedPolicies())
    return result


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    stage = {"packaged": packaged, "translated": translated}[sys.argv[1]]
    json.dump(stage(sys.argv[2] if len(sys.argv) > 2 else "code"), sys.stdout, indent=2)
