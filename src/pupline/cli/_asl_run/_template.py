"""The Lambda functions of a template as answers for Tasks, run in processes of their own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pupline.asl import TaskError
from pupline.definitions import template_functions
from pupline.stepfunctions import FunctionProcesses, ServiceFailure


class TemplateTasks(Mapping[str, Callable[..., Any]]):
    """The functions by every name that a state may have for one: logical id, FunctionName, placeholder."""

    def __init__(self, processes: FunctionProcesses, names: list[str]) -> None:
        self._processes = processes
        self._names = names

    def __getitem__(self, name: str) -> Callable[..., Any]:
        logical_id = self._processes.find(name)
        if logical_id is None:
            raise KeyError(name)

        def call(event: Any, context: Any) -> Any:
            try:
                return self._processes.call(logical_id, event, context.aws_request_id)
            except ServiceFailure as failure:
                raise TaskError(failure.error, failure.cause) from failure

        return call

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@contextmanager
def template_tasks(file: Path) -> Iterator[TemplateTasks]:
    """The functions of a template that Python can run; their processes end with the block.

    Raises: ConfigurationError.
    """
    functions = template_functions(file)
    here = {name: each for name, each in functions.items() if (each.runtime or "python").startswith("python")}
    processes = FunctionProcesses(here)
    try:
        yield TemplateTasks(processes, list(here))
    finally:
        processes.close()
