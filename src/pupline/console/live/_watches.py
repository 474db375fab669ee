"""What looks for changes: in a data directory often, on a stack, where each look costs requests, seldom."""

import time
from collections.abc import Callable, Collection

from pupline.console.live._hub import Hub, Watch
from pupline.console.web import ConsoleSettings
from pupline.local import DATA_TOPICS, EXECUTION_PREFIX, Changes

JOBS = "jobs"
_SECONDS = 0.5
_STACK_SECONDS = 20.0


class StackWatch:
    """Takes everything for changed now and then: the pages that are open then ask AWS themselves."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next = 0.0

    def look(self, executions: Collection[str]) -> Collection[str]:
        """All topics, or none before it is time."""
        if self._monotonic() < self._next:
            return ()
        self._next = self._monotonic() + _STACK_SECONDS
        return DATA_TOPICS | {EXECUTION_PREFIX + name for name in executions}

    def close(self) -> None:
        """Nothing is open."""


class ConsoleWatch:
    """Looks at the data, and at the jobs. job_cursor: a text that differs when a job has changed."""

    def __init__(self, data: Watch, job_cursor: Callable[[], str]) -> None:
        self._data = data
        self._job_cursor = job_cursor
        self._jobs = ""

    def look(self, executions: Collection[str]) -> Collection[str]:
        """The topics that have changed since the last look."""
        jobs, self._jobs = self._jobs, self._job_cursor()
        return {*self._data.look(executions), *({JOBS} if jobs != self._jobs else ())}

    def close(self) -> None:
        """Release what the looks have opened."""
        self._data.close()


def hub_of(settings: ConsoleSettings, job_cursor: Callable[[], str]) -> Hub:
    """The hub for what the console shows."""
    data: Watch = StackWatch() if settings.stack is not None else Changes(settings.data_dir)
    return Hub(ConsoleWatch(data, job_cursor), _SECONDS)
