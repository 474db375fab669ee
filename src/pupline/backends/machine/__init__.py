"""The backend on one machine: workflow files, functions, data directory and driver, put together for the commands.

    backend = MachineBackend(Path("pupline-data"))
    report = backend.run(RunRequest(RunSettings(source="sample"), count=12), print)

Names are loaded when first used: commands that only read need no engine.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.backends.machine._alert_retry import retry_alerts
    from pupline.backends.machine._backend import MachineBackend
    from pupline.backends.machine._runner import WorkflowRunner
    from pupline.backends.machine._services import fetch_services
    from pupline.backends.machine._workflow import BULK_NAME, load_workflow

_HOMES = {
    "BULK_NAME": "_workflow",
    "MachineBackend": "_backend",
    "WorkflowRunner": "_runner",
    "fetch_services": "_services",
    "load_workflow": "_workflow",
    "retry_alerts": "_alert_retry",
}

__all__ = ["BULK_NAME", "MachineBackend", "WorkflowRunner", "fetch_services", "load_workflow", "retry_alerts"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
