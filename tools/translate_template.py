"""template.yaml as CloudFormation gets it, as JSON on stdout: the result of `sam deploy`'s transform.

    .venv/aws-tools/bin/python tools/translate_template.py [BUCKET]

Runs in the SAM translator's own environment. Local code and definition files are named as objects of BUCKET,
with the keys `FetchAndUploadDogImage.zip`, ..., `dog_uploader_pipeline.asl.json`, as `sam package` would after
uploading them.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

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


def translated(bucket: str) -> dict[str, Any]:
    """The CloudFormation template."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = {"Bucket": bucket, "Key": f"{name}.zip"}
        if "DefinitionUri" in properties:
            properties["DefinitionUri"] = {"Bucket": bucket, "Key": Path(properties["DefinitionUri"]).name}
    result: dict[str, Any] = transform(template, {}, NoManagedPolicies())
    return result


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    json.dump(translated(sys.argv[1] if len(sys.argv) > 1 else "code"), sys.stdout, indent=2)
