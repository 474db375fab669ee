"""The backend on one machine: workflow files, functions, data directory and driver, put together for the commands.

backend = MachineBackend(Path("pupline-data"))
report = backend.run(RunRequest(RunSettings(source="sample"), count=12), print)
"""

from pupline.backends.machine._backend import MachineBackend
from pupline.backends.machine._runner import WorkflowRunner
from pupline.backends.machine._services import fetch_services
from pupline.backends.machine._workflow import BULK_NAME, load_workflow, workflow_path

__all__ = ["BULK_NAME", "MachineBackend", "WorkflowRunner", "fetch_services", "load_workflow", "workflow_path"]
