"""Where the answers of Tasks come from, as the options say."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.asl import Answers, StateMachine
from pupline.definitions import template_functions
from pupline.errors import ConfigurationError
from pupline.imported_functions import function_from
from pupline.stepfunctions._settings import ApiSettings
from pupline.stepfunctions.tasks._endpoints import Endpoints
from pupline.stepfunctions.tasks._mock_file import MockFile
from pupline.stepfunctions.tasks._template import FunctionProcesses
from pupline.text import printable


@dataclass(frozen=True, slots=True)
class TaskSources:
    """functions: by a state's name, a function's name or ARN, or a resource. processes: the template's functions."""

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    mocks: MockFile | None = None
    processes: FunctionProcesses = field(default_factory=lambda: FunctionProcesses({}))
    endpoints: Endpoints = field(default_factory=lambda: Endpoints({}))

    @classmethod
    def of(cls, settings: ApiSettings) -> "TaskSources":
        """The sources that the options name. Raises: ConfigurationError."""
        return cls(
            functions=dict(function_from(f"{name}={place}") for name, place in settings.functions.items()),
            mocks=None if settings.mocks is None else MockFile.read(settings.mocks),
            processes=FunctionProcesses({} if settings.template is None else template_functions(settings.template)),
            endpoints=Endpoints(os.environ),
        )

    def answers(self, machine: StateMachine | None, case: str) -> Answers:
        """The answers of mocks and functions for an execution of `machine`. Raises: ConfigurationError."""
        if self.mocks is None and case:
            raise ConfigurationError(f"there is no case {printable(case)}: the server was started without --mocks")
        mocked = {} if self.mocks is None or machine is None else self.mocks.states(machine, case)
        return Answers(tasks=self.functions, states={**self.functions, **mocked})
