"""Carrying out what executions ask for: functions in the runtime's pool, a Map's files in a thread of their own."""

import threading
from collections.abc import Callable, Mapping

from pupline.asl import Fact, InvokeTask, ReadItems, TaskFailed, WriteResults, lambda_error
from pupline.errors import LocalTrouble, local_trouble
from pupline.json_values import JSON
from pupline.local.journal._lambda_runtime import Invocation
from pupline.local.journal._settings import MapIO, Runtime
from pupline.local.tables import Runs

Answered = Callable[[Fact | LocalTrouble], None]
"""Told the answer to a command, from any thread; LocalTrouble where this machine is to blame for there being none."""


class Calls:
    """What a driver's executions call. Settings of runs are read once."""

    def __init__(self, runtime: Runtime, map_io: MapIO, runs: Runs) -> None:
        self._runtime = runtime
        self._map_io = map_io
        self._runs = runs
        self._settings: dict[str, Mapping[str, JSON]] = {}

    def begin(
        self, command: InvokeTask | ReadItems | WriteResults, execution: str, run_id: str | None, answered: Answered
    ) -> None:
        """Have it carried out, and `answered` told once. Raises: StorageError; LocalTrouble without threads."""
        if isinstance(command, InvokeTask):
            invocation = Invocation(execution, command.id, self._settings_of(run_id))
            self._runtime.invoke(command, invocation, answered)
            return
        try:
            threading.Thread(target=self._read_or_write, args=(command, execution, answered), daemon=True).start()
        except RuntimeError as err:
            raise local_trouble(err) or err from err

    def _read_or_write(self, command: ReadItems | WriteResults, execution: str, answered: Answered) -> None:
        answer: Fact | LocalTrouble
        try:
            answer = self._map_io.carry_out(command, execution)
        except Exception as err:  # noqa: BLE001 - unanswered, the execution would wait forever
            answer = local_trouble(err) or TaskFailed(command.id, type(err).__name__, lambda_error(err))
        answered(answer)

    def _settings_of(self, run_id: str | None) -> Mapping[str, JSON]:
        if run_id is None:
            return {}
        if run_id not in self._settings:
            run = self._runs.find(run_id)
            self._settings[run_id] = run.settings if run else {}
        return self._settings[run_id]
