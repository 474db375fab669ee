"""An execution of a stack run again, by StartExecution."""

import json

from pupline.backends._port import Again, RunListener, RunReport, RunStarted
from pupline.backends.stack._executions import Executions, parsed
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._runner import StackRunner
from pupline.backends.stack._stack import execution_arn
from pupline.errors import ConfigurationError
from pupline.tasks.run_ids import execution_name
from pupline.text import printable


def run_again(executions: Executions, again: Again, run_id: str, listener: RunListener, timer: Timer) -> RunReport:
    """Start a new execution of the same state machine, as it is now, and wait for it. Raises: ConfigurationError."""
    shown = printable(again.execution)
    if again.state is not None:
        raise ConfigurationError(
            "--from is for this machine: Step Functions begins an execution at its first state only. To resume"
            f" '{shown}' at the state that failed: pupline redrive"
        )
    described = executions.find(again.execution)
    if "mapRunArn" in described:
        raise ConfigurationError(f"'{shown}' belongs to a Map Run: run the execution again that started it")
    given = json.loads(again.edited) if again.edited is not None else parsed(described.get("input"))
    machine, name = str(described["stateMachineArn"]), execution_name(run_id, 1)
    if executions.is_bulk(described):
        raise ConfigurationError(
            f"'{shown}' is an ingest: repeat the pupline ingest that started it; with the same --run-id it does what"
            " is missing"
        )
    if not executions.start(machine, name, given):
        raise ConfigurationError(f"there is an execution '{name}' already; give another --run-id")
    listener(RunStarted(1))
    report = StackRunner(executions, listener, timer).wait([execution_arn(machine, name)])
    return RunReport(run_id, report.finished, report.failed, interrupted=report.interrupted)
