"""What the Lambda runtime gives a function: its environment, the time, and the id of a request."""

import os
import time
from collections.abc import Mapping

from pupline.errors import ConfigurationError
from pupline.tasks.task_input import TaskInput, checked_input


class SystemClock:
    """Implements `pupline.tasks.ports.Clock`."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


def required(environment: Mapping[str, str], name: str) -> str:
    """The variable's value. Raises: ConfigurationError when it is unset or empty."""
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(f"the environment variable {name} is not set; set it in the function's configuration")
    return value


def metrics_namespace() -> str:
    """The namespace of metrics in CloudWatch, `METRICS_NAMESPACE`; empty for no metrics."""
    return os.environ.get("METRICS_NAMESPACE", "")


def with_execution(event: object, context: object) -> TaskInput:
    """`event`; outside a workflow, the request ID is its execution, because Lambda's own retries have the same one."""
    fields = checked_input(event)
    if "execution" in fields or "Name" in fields:
        return fields
    return {**fields, "execution": str(getattr(context, "aws_request_id", "")) or None}
