"""Names of runs and of their executions, the same on every backend."""

import secrets
import time

from pupline.errors import ConfigurationError
from pupline.text import printable

_NAME_CHARACTERS = 80
"""Of an execution's name, by Step Functions' rule; a run id must leave room for its index."""

_INDEX_CHARACTERS = 12


def new_run_id() -> str:
    """A name for a run without one: the time, and random digits that make it unique."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)


def execution_name(run_id: str, index: int) -> str:
    """`monday-00007` for the seventh execution of the run `monday`."""
    return f"{run_id}-{index:05}"


def check_run_id(run_id: str) -> None:
    """Raises ConfigurationError unless `run_id` may begin an execution's name: ASCII letters, digits, `-` and `_`.

    Not with `-` first: the execution could not be named on a command line.
    """
    longest = _NAME_CHARACTERS - _INDEX_CHARACTERS
    plain = run_id.isascii() and run_id.replace("-", "").replace("_", "").isalnum() and not run_id.startswith("-")
    if not plain or len(run_id) > longest:
        raise ConfigurationError(
            f"'{printable(run_id)}' is not a valid run id: 1 to {longest} letters, digits, '-' or '_', as in day-1"
        )
