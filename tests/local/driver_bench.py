"""Drivers over one data directory, one after another, on a virtual clock."""

from pathlib import Path
from typing import Any

from pupline.asl import StateMachine
from pupline.local import (
    TOPIC_ARN,
    Driver,
    DriverEvent,
    DriverSettings,
    ExecutionFinished,
    Invocation,
    LocalBackend,
    StartRequest,
)
from tests.local.local_fakes import InlineRuntime, VirtualClock, machine, task

DOUBLE = machine({"Double": task("Double", ResultPath="$.doubled", Next="Again"), "Again": task("Double")})
PUBLISH: Any = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sns:publish",
    "Parameters": {"TopicArn": TOPIC_ARN, "Message.$": "$.text"},
    "End": True,
}


class Bench:
    """A data directory, a virtual clock, and drivers over them one after another, as after restarts."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.clock = VirtualClock()
        self.events: list[DriverEvent] = []
        self.backend = LocalBackend.open(data_dir, exclusive=True, clock=self.clock)

    def restart(self) -> None:
        """Close everything and open it again: what is not on the disk is gone."""
        self.backend.close()
        self.events = []
        self.backend = LocalBackend.open(self.data_dir, exclusive=True, clock=self.clock)

    def driver(self, definition: StateMachine, runtime: Any, **settings: Any) -> Driver:
        """A driver with this runtime."""
        return self.backend.driver(
            DriverSettings(
                machine=definition,
                runtime=runtime,
                topic=self.backend.topic,
                clock=self.clock,
                listener=self.events.append,
                **settings,
            )
        )

    def finished(self) -> dict[str, Any]:
        """Outputs, or (status, error, cause), by execution."""
        return {
            event.execution: event.output if event.status == "SUCCEEDED" else (event.status, event.error, event.cause)
            for event in self.events
            if isinstance(event, ExecutionFinished)
        }


def double(event: Any, _invocation: Invocation) -> Any:
    """Twice n."""
    return {"n": event["n"] * 2}


def interrupted(bench: Bench, definition: StateMachine, *starts: StartRequest) -> None:
    """Start and leave after the first call of any function, which is never answered: a kill while it runs."""
    holder: list[Driver] = []

    def hang(_event: Any, _invocation: Invocation) -> Any:
        holder[0].stop_starting()
        return InlineRuntime.HANG

    functions = dict.fromkeys(["Double", "Wait", "Fail"], hang)
    holder.append(bench.driver(definition, InlineRuntime(functions), grace_seconds=0.0))
    assert holder[0].drive(starts).interrupted
