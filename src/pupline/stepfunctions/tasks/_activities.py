"""Tasks of activities that wait for a worker, in memory: the journal has them as calls without an answer."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from pupline.json_values import JSON


@dataclass(frozen=True, slots=True)
class ActivityTask:
    """A task for a worker. execution: its name in the journal."""

    execution: str
    command_id: str
    token: str
    input: JSON


class ActivityQueues:
    """One queue for each activity, by its ARN. The oldest task is handed out first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: defaultdict[str, dict[tuple[str, str], ActivityTask]] = defaultdict(dict)
        self._closed = False

    def offer(self, arn: str, task: ActivityTask) -> None:
        """Add a task; one that is there already stays."""
        with self._changed:
            self._waiting[arn].setdefault((task.execution, task.command_id), task)
            self._changed.notify_all()

    def take(self, arn: str, seconds: float) -> ActivityTask | None:
        """The oldest task, or None when no task arrives in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._closed:
                queue = self._waiting.get(arn)
                if queue:
                    return queue.pop(next(iter(queue)))
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
        return None

    def withdraw(self, arn: str, execution: str, command_id: str) -> None:
        """Remove a task that is no longer needed."""
        with self._changed:
            self._waiting.get(arn, {}).pop((execution, command_id), None)

    def close(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
