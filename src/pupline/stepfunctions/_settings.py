"""The parameters of the served API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The region and account of requests, and what executions call.

    region, account: of requests whose credentials name none. wait_scale: real seconds for each second of a Wait state.
    functions: NAME to `module:callable`. template: a SAM or CloudFormation template, whose functions are called.
    mocks: a file with answers for Tasks.
    """

    region: str = "us-east-1"
    account: str = "123456789012"
    wait_scale: float = 1.0
    functions: Mapping[str, str] = field(default_factory=dict)
    template: Path | None = None
    mocks: Path | None = None
