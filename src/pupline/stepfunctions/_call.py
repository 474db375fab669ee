"""One request to the API, as an operation gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pupline.stepfunctions._arns import Arn, partition_of

if TYPE_CHECKING:
    from pupline.stepfunctions.executions import Executions
    from pupline.stepfunctions.store import Store

Parameters = Mapping[str, Any]
"""The request's members, of the model's types and within its constraints. What was not given is missing."""

Answer = dict[str, Any]
"""The members of the answer. A time is in seconds since the epoch; None is left out."""


@dataclass(frozen=True, slots=True)
class Call:
    """Where a request is made, and what answers it.

    region, account: of the credentials that signed it, or the server's. now: seconds since the epoch.
    """

    region: str
    account: str
    now: float
    store: "Store"
    executions: "Executions"

    def arn(self, kind: str, resource: str) -> str:
        """The ARN of something of the caller, such as `stateMachine`, `Pay`."""
        return str(Arn(partition_of(self.region), self.region, self.account, kind, resource))

    def is_here(self, arn: str) -> bool:
        """Whether an ARN is of the caller's region: as on AWS, nothing else is seen there."""
        return arn.split(":", 4)[3] == self.region


Operation = Callable[[Call, Parameters], Answer]
"""An operation of the API. Raises: ApiError."""
