"""Placeholders that a deployment fills in later, such as `${TopicArn}`: they may stand wherever a value can."""

import re

from pupline.json_values import AnyJSON

# Names, and expressions of Terraform and the Serverless Framework: `${lookup(a, "b")}`, `${self:custom.table}`. JSONata
# has `${"a": $v}` and `${a: $v}`, which are not placeholders.
_PLACEHOLDER = re.compile(r"\$\{\s*+(?:[0-9][\w.-]*+|[A-Za-z_](?:[^{}:]++|::|:(?=[\w$]))*+)\}")


def is_placeholder(value: AnyJSON) -> bool:
    """Whether a value is a placeholder and nothing else."""
    return isinstance(value, str) and value.startswith("${") and _PLACEHOLDER.fullmatch(value) is not None


def has_placeholder(value: AnyJSON) -> bool:
    """Whether a text holds a placeholder, so that it is known only in part."""
    return isinstance(value, str) and "${" in value and _PLACEHOLDER.search(value) is not None
