"""The pipeline on one machine: workflow file, functions, data directory and driver, put together for the commands.

with OneMachine.open(Path("pupline-data"), concurrency=8, listener=print) as machine:
    report = machine.run(RunRequest(RunSettings(source="sample"), count=12))

report = run_bulk_workflow(Path("pupline-data"), IngestRequest(source="sample"), print)
"""

from pupline.local import StopAsked
from pupline.pipeline._bulk import BulkReport, run_bulk_workflow
from pupline.pipeline._bulk_functions import BatchDone
from pupline.pipeline._doctor import Check, examine, is_reachable
from pupline.pipeline._doctor_repair import repair_database
from pupline.pipeline._keeping import prune_executions, stop_execution
from pupline.pipeline._machine import OneMachine, RunListener, RunReport, RunRequest
from pupline.pipeline._reader import LocalReader
from pupline.pipeline._results import ExecutionResult
from pupline.pipeline._services import RunSettings, fetch_services, source_of_run
from pupline.pipeline._workflow import BULK_NAME, load_workflow, workflow_path

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
    "StopAsked",
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
