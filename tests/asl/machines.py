"""Random state machines, and a driver that answers in any order: shared by the property tests of the engine."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from pupline.asl import (
    CancelCommand,
    Execution,
    ExecutionRedriven,
    Fact,
    InvokeTask,
    StartTimer,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    fact_from_json,
    fact_to_json,
)

START = 1_800_000_000.0


@dataclass
class Builder:
    """Draws states; names are numbered through the whole machine, as the language wants them unique."""

    draw: Any
    count: int = 0
    names: list[str] = field(default_factory=list)

    def chain(self, depth: int) -> dict[str, Any]:
        """{"StartAt": ..., "States": ...} of one to three states in a row."""
        names = []
        for _ in range(self.draw(st.integers(1, 3))):
            self.count += 1
            names.append(f"S{self.count}")
        states = {}
        for name, following in zip(names, [*names[1:], None], strict=True):
            states[name] = self.state(depth, following)
        return {"StartAt": names[0], "States": states}

    def state(self, depth: int, following: str | None) -> dict[str, Any]:
        """One state that leads to `following`, or ends."""
        kinds = ["Pass", "Task", "Task", "Wait"] + (["Parallel", "Map", "Map", "Distributed"] if depth else [])
        kind = self.draw(st.sampled_from(kinds))
        state = getattr(self, f"_{kind.lower()}")(depth)
        state |= {"End": True} if following is None else {"Next": following}
        return dict(state)

    def _pass(self, _depth: int) -> dict[str, Any]:
        found: dict[str, Any] = self.draw(
            st.sampled_from(
                [
                    {"Type": "Pass"},
                    {"Type": "Pass", "Result": {"fixed": 1}},
                    {"Type": "Pass", "Result": {"fixed": 1}, "ResultPath": None},
                    {"Type": "Pass", "Parameters": {"a.$": "$$.State.Name", "b.$": "$"}},
                    {"Type": "Pass", "Assign": {"seen.$": "$"}},
                    {"Type": "Pass", "Parameters": {"id.$": "States.UUID()", "rest.$": "$"}},
                ]
            )
        )
        return dict(found)

    def _task(self, _depth: int) -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
        failures = self.draw(st.integers(0, 3))
        state["Parameters"] = {"FunctionName": f"fails-{failures}", "Payload": {"in.$": "$"}}
        state["ResultSelector"] = {"got.$": "$.Payload"}
        if self.draw(st.booleans()):
            state["TimeoutSeconds"] = 1_000
        if self.draw(st.booleans()):
            state["Retry"] = [{"ErrorEquals": ["Boom"], "MaxAttempts": 2, "JitterStrategy": "FULL"}]
        return state

    def _wait(self, _depth: int) -> dict[str, Any]:
        return {"Type": "Wait", "Seconds": self.draw(st.integers(0, 3))}

    def _parallel(self, depth: int) -> dict[str, Any]:
        branches = [self.chain(depth - 1) for _ in range(self.draw(st.integers(1, 3)))]
        return self._guarded({"Type": "Parallel", "Branches": branches})

    def _map(self, depth: int, mode: str = "INLINE") -> dict[str, Any]:
        config = {"Mode": mode, "ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {"Mode": mode}
        processor = {"ProcessorConfig": config, **self.chain(depth - 1)}
        state: dict[str, Any] = {
            "Type": "Map",
            "ItemProcessor": processor,
            "MaxConcurrency": self.draw(st.integers(0, 2)),
        }
        state["ItemsPath"] = "$$.Execution.Input.items"
        if self.draw(st.booleans()):
            state["ItemSelector"] = {"n.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"}
        return self._guarded(state)

    def _distributed(self, _depth: int) -> dict[str, Any]:
        """Its children have an input without items, so they hold no Map; all failures are tolerated."""
        state = self._map(1, "DISTRIBUTED")
        return {**state, "ToleratedFailurePercentage": 100}

    def _guarded(self, state: dict[str, Any]) -> dict[str, Any]:
        if self.draw(st.booleans()):
            state["Retry"] = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
        return state


@st.composite
def machines(draw: Any) -> dict[str, Any]:
    """A definition whose tasks either succeed or fail with the same error, so that no order can change the outcome."""
    return Builder(draw).chain(2)


class Driver:
    """Answers the commands of one execution in an order drawn by `choose`; keeps the journal."""

    def __init__(self, machine: StateMachine, given: Any, choose: random.Random) -> None:
        self.execution = Execution(machine, given, name="order", now=START)
        self.choose = choose
        self.open: dict[str, Any] = {}
        self.now = START
        self.journal: list[tuple[dict[str, Any], float]] = []
        self.histories = [json.dumps(self.execution.history)]
        self.answers: list[Fact] = []
        self.mended = False

    def redrive(self) -> Execution:
        """Let the tasks succeed, redrive, and run to the end again."""
        self.mended = True
        self.open.clear()
        self.receive(ExecutionRedriven(), self.now + 60)
        return self.run()

    def receive(self, fact: Fact, now: float) -> None:
        """Journal the fact, then tell the execution."""
        self.now = now
        self.journal.append((fact_to_json(fact), now))
        self.execution.receive(fact, now=now)
        self.histories.append(json.dumps(self.execution.history))

    def run(self) -> Execution:
        """Until the execution has ended."""
        execution = self.execution
        while execution.status == "RUNNING":
            for command in execution.commands():
                if isinstance(command, CancelCommand):
                    self.open.pop(command.id, None)
                else:
                    self.open[command.id] = command
            command = self.open.pop(self.choose.choice(sorted(self._answerable())))
            now = max(self.now, command.due) if isinstance(command, StartTimer) else self.now
            fact = self.answer(command)
            self.answers.append(fact)
            self.receive(fact, now)
        return execution

    def _answerable(self) -> list[str]:
        """All but the time-outs: what fires them is a task that is never answered, and here all are."""
        return [each for each in self.open if not each.endswith("/timeout")]

    def answer(self, command: Any) -> Fact:
        """A function named fails-N fails at its attempts 0 to N-1, wherever it stands."""
        if isinstance(command, StartTimer):
            return TimerFired(command.id)
        assert isinstance(command, InvokeTask)
        attempt = int(command.id.rpartition("#")[2])
        if not self.mended and attempt < int(command.resource.removeprefix("fails-")):
            return TaskFailed(command.id, "Boom", "as told")
        return TaskSucceeded(command.id, {"state": command.state})


def replayed(machine: StateMachine, given: Any, journal: list[tuple[dict[str, Any], float]]) -> Execution:
    """The execution that the journal gives, after each fact has been to JSON text and back."""
    execution = Execution(machine, given, name="order", now=START)
    for fact, now in journal:
        execution.receive(fact_from_json(json.loads(json.dumps(fact))), now=now)
    return execution
