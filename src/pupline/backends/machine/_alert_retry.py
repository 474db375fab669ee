"""Alerts of one machine sent again, apart from any run."""

from collections.abc import Sequence
from pathlib import Path

from pupline.backends._port import RetryReport
from pupline.local import LocalBackend

_PATIENCE_SECONDS = 60.0
"""For many alerts to a slow receiver. What was not tried then waits."""


def retry_alerts(data_dir: Path, message_ids: Sequence[str] = ()) -> RetryReport:
    """Try now every delivery that waits and, of these alerts or of all, once more those that were given up.

    Raises: ConfigurationError, also for an ID that no alert has; StorageError.
    """
    with LocalBackend.open(data_dir, exclusive=True, create=False) as backend:
        deliverer = backend.deliverer()
        deliverer.reopen(message_ids)
        began, tried = backend.clock.now(), deliverer.hurry()
        deliverer.start()
        deliverer.close(patience_seconds=_PATIENCE_SECONDS)
        if deliverer.trouble is not None:
            raise deliverer.trouble
        waiting, given_up = deliverer.pending(), deliverer.given_up(began)
    return RetryReport(tried - waiting - given_up, waiting, given_up)
