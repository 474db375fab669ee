"""Where the answers of Tasks come from, as the options say."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.asl import Answers, StateMachine
from pupline.imported_functions import function_from
from pupline.stepfunctions._settings import DoorSettings
from pupline.stepfunctions.tasks._endpoints import Endpoints
from pupline.stepfunctions.tasks._function_processes import FunctionProcesses


@dataclass(frozen=True, slots=True)
class TaskSources:
    """functions: by a state's name, a function's name or ARN, or a resource. mocks: (machine, case) -> by state."""

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    mocks: "Callable[[StateMachine, str], Mapping[str, Any]] | None" = None
    processes: FunctionProcesses = field(default_factory=lambda: FunctionProcesses({}))
    endpoints: Endpoints = field(default_factory=lambda: Endpoints({}))

    @classmethod
    def of(cls, settings: DoorSettings) -> "TaskSources":
        """The sources that the options name. Raises: ConfigurationError."""
        functions = dict(function_from(f"{name}={place}") for name, place in settings.functions.items())
        return cls(functions, endpoints=Endpoints(os.environ))

    def answers(self, machine: StateMachine | None, case: str) -> Answers:
        """The answers of mocks and functions for an execution of `machine`."""
        if self.mocks is None or machine is None or not case:
            return Answers(tasks=self.functions, states=self.functions)
        return Answers(tasks=self.functions, states={**self.functions, **self.mocks(machine, case)})
