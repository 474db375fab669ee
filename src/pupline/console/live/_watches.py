"""What looks for changes: in a data directory often, on a stack, where each look costs requests, seldom."""

from collections.abc import Collection

from pupline.console.live._hub import Hub
from pupline.console.web import ConsoleSettings
from pupline.local import DATA_TOPICS, EXECUTION_PREFIX, Changes

_MACHINE_SECONDS = 0.5
_STACK_SECONDS = 20.0


class StackWatch:
    """Takes everything for changed at each look: the pages that are open then ask AWS themselves."""

    def look(self, executions: Collection[str]) -> Collection[str]:
        """All topics."""
        return DATA_TOPICS | {EXECUTION_PREFIX + name for name in executions}

    def close(self) -> None:
        """Nothing is open."""


def hub_of(settings: ConsoleSettings) -> Hub:
    """The hub for what the console shows."""
    if settings.stack is not None:
        return Hub(StackWatch(), _STACK_SECONDS)
    return Hub(Changes(settings.data_dir), _MACHINE_SECONDS)
