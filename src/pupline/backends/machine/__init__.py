"""The pipeline on one machine: workflow file, functions, data directory and driver, put together for the commands.

with OneMachine.open(Path("pupline-data"), concurrency=8, listener=print) as machine:
    report = machine.run(RunRequest(RunSettings(source="sample"), count=12))

report = run_bulk_workflow(Path("pupline-data"), IngestRequest(source="sample"), print)
"""

from pupline.backends._results import ExecutionResult
from pupline.backends._settings import RunSettings, source_of_run
from pupline.backends.machine._bulk import BulkReport, run_bulk_workflow
from pupline.backends.machine._bulk_functions import BatchDone
from pupline.backends.machine._doctor import Check, examine, is_reachable
from pupline.backends.machine._doctor_repair import repair_database
from pupline.backends.machine._keeping import prune_executions, stop_execution
from pupline.backends.machine._machine import OneMachine, RunListener, RunReport, RunRequest
from pupline.backends.machine._reader import LocalReader
from pupline.backends.machine._services import fetch_services
from pupline.backends.machine._workflow import BULK_NAME, load_workflow, workflow_path
from pupline.local import StopRequested

__all__ = [
    "BULK_NAME",
    "BatchDone",
    "BulkReport",
    "Check",
    "ExecutionResult",
    "LocalReader",
    "OneMachine",
    "RunListener",
    "RunReport",
    "RunRequest",
    "RunSettings",
    "StopRequested",
    "examine",
    "fetch_services",
    "is_reachable",
    "load_workflow",
    "prune_executions",
    "repair_database",
    "run_bulk_workflow",
    "source_of_run",
    "stop_execution",
    "workflow_path",
]
