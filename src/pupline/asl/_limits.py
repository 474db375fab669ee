"""AWS's limits on an execution: events, time, input. Source: "Quotas for Step Functions"."""

from typing import Final

MAX_HISTORY_EVENTS: Final = 25_000
"""Events of a Standard execution. Event 25,000 is ExecutionSucceeded, or else ExecutionFailed."""

HISTORY_FULL: Final = "The execution reached the maximum number of history events (25000)."
"""The cause of States.Runtime when the history is full."""

REDRIVE_HISTORY_FULL: Final = "Execution history event limit exceeded"

EXPRESS_SECONDS: Final = 300
"""An Express execution is TIMED_OUT after five minutes."""

MAX_EXPRESS_EVENTS: Final = 250_000
"""Events of an Express execution, which AWS limits by time alone. A loop that never waits takes no virtual time: here
it is TIMED_OUT after more events than AWS is likely to write in five minutes."""
