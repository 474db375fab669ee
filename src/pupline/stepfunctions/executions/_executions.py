"""The executions of one door."""

from pupline.local import LocalBackend
from pupline.stepfunctions._settings import DoorSettings
from pupline.stepfunctions.store import Store


class Executions:
    """Drives the executions of a data directory, from `start` to `close`."""

    def __init__(self, backend: LocalBackend, store: Store, settings: DoorSettings) -> None:
        self._backend = backend
        self._store = store
        self._settings = settings

    def start(self) -> None:
        """Continue what a stopped or killed process left unfinished."""

    def close(self) -> None:
        """Stop; what is unfinished continues at the next start."""

    def count_running(self, machine_arn: str) -> int:
        """How many executions of a state machine run, at whichever of its versions."""
        del machine_arn
        return 0
