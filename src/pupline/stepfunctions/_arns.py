"""The ARNs of Step Functions: made, taken apart, checked."""

import re
from dataclasses import dataclass

from pupline.stepfunctions._errors import ApiError

_ARN = re.compile(r"arn:(aws[a-z-]*):states:([a-z0-9-]*):([0-9]*):([A-Za-z]+):(.+)", re.DOTALL)
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""By how the names of their regions begin."""


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN of the service. kind: such as stateMachine or execution; resource: what follows it."""

    partition: str
    region: str
    account: str
    kind: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:states:{self.region}:{self.account}:{self.kind}:{self.resource}"


def partition_of(region: str) -> str:
    """The partition that a region is in."""
    return next((partition for prefix, partition in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def parse_arn(text: str, *kinds: str) -> Arn:
    """The ARN in `text`, of one of these kinds. Raises: ApiError (InvalidArn)."""
    found = _ARN.fullmatch(text)
    if found is None:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {text}'")
    arn = Arn(*found.groups())
    if arn.kind not in kinds:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {arn.kind}'")
    return arn
