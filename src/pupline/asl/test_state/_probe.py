"""An execution of one state, with the mocks of a TestState request."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from pupline.asl._commands import InvokeTask, StartTimer
from pupline.asl._context import ACCOUNT_ID, REGION
from pupline.asl._execution import Execution
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._facts import Fact, TaskFailed, TaskSucceeded, TimerFired
from pupline.asl._state_machine import StateMachine
from pupline.asl._thread import Thread
from pupline.asl.driver import DEFAULT_START, NOTHING, Answers, answer_of
from pupline.asl.states import DistributedMapState, MapState, PassState, State, TaskState, exceeds_tolerance
from pupline.asl.test_state._request import STATE_NAME, TestStateError, TestStateRequest, invalid_request
from pupline.errors import THRESHOLD_EXCEEDED
from pupline.json_values import AnyJSON, loads
from pupline.text import printable, timestamp


class _MockedState(State):
    """Stands for a Map or Parallel state, and has the mocked result or error instead of children."""

    __slots__ = ("request", "state")

    def __init__(self, state: State, request: TestStateRequest) -> None:
        self.state = state
        self.request = request

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Enter the state, then leave it or fail."""
        state, mock = self.state, self.request.mock or {}
        state.write_entered(execution, thread)
        thread.count_visit(state.key)
        assert isinstance(execution, Probe)  # noqa: S101 - only Probe makes it
        if "errorOutput" in mock:
            execution.set_attempts(thread, mock["errorOutput"]["error"])
            return execution.state_failed(thread, mock["errorOutput"]["error"], mock["errorOutput"].get("cause"))
        if isinstance(state, MapState) and self._over_threshold(execution, thread, state):
            cause = "The specified tolerated failure threshold was exceeded"
            return execution.state_failed(thread, THRESHOLD_EXCEEDED, cause)
        return state.leave(execution, thread, execution.mocked_result)

    def _over_threshold(self, execution: Execution, thread: Thread, state: MapState) -> bool:
        configuration = self.request.state_configuration
        scope = state.input_scope(execution, thread)
        reader = configuration.get("mapItemReaderData")
        failed = configuration.get("mapIterationFailureCount", 0)
        has_reader = isinstance(state, DistributedMapState) and state.reader_resource is not None
        if reader is not None:
            count = len(json.loads(reader))
        elif has_reader:
            count = 0
        else:
            count = len(state.item_list(scope))
        if failed > count:
            raise invalid_request(
                "Map iteration failure count must be less than or equal to the number of Map iterations"
            )
        if not isinstance(state, DistributedMapState):
            return False
        tolerated, percentage = state.count.value(scope), state.percentage.value(scope)
        if tolerated is None and percentage is None:
            return False
        return exceeds_tolerance(failed, count, count=tolerated, percentage=percentage)


class Probe(Execution):
    """An execution of one state.

    stages: the values of Parameters and ResultSelector, as they were when the state ran. variables: when it had ended.
    """

    __slots__ = ("last_failure", "mocked_result", "request", "stages", "state", "variables", "waits_for_retry")

    def __init__(self, machine: StateMachine, request: TestStateRequest) -> None:
        self.request = request
        self.state = machine.start
        if request.mock is not None and isinstance(self.state, TaskState):
            self.state.integration.submits = True  # the mocked result is the whole result: nothing is wrapped around it
        elif request.mock is not None:
            machine.start = _MockedState(self.state, request)
        self.stages: dict[str, AnyJSON] = {}
        self.state.result_selector = self._kept(self.state.result_selector, "afterResultSelector")
        if isinstance(self.state, PassState):
            self.state.parameters = self._kept(self.state.parameters, "afterParameters")
        self.variables: Mapping[str, AnyJSON] = {}
        self.waits_for_retry: StartTimer | None = None
        self.last_failure: tuple[str | None, str | None] | None = None
        self.mocked_result: AnyJSON = loads((request.mock or {}).get("result", "null"))
        super().__init__(machine, request.input, name=str(uuid.uuid4()), now=DEFAULT_START)

    def _kept(self, evaluate: Evaluate | None, stage: str) -> Evaluate | None:
        """The expression, whose value is also kept as a stage: evaluated again, it might draw other random values."""
        if evaluate is None:
            return None

        def keep(scope: Scope) -> AnyJSON:
            value = self.stages[stage] = evaluate(scope)
            return value

        return keep

    def _begin(self) -> None:
        self._root.variables = self.request.variables or {}
        super()._begin()

    def state_failed(
        self, thread: Thread, error: str | None, cause: str | None, *, heartbeat: bool = False
    ) -> State | None:
        """Remember the failure, as a caught or retried one does not become the execution's."""
        self.last_failure = (error, cause)
        return super().state_failed(thread, error, cause, heartbeat=heartbeat)

    @property
    def root(self) -> Thread:
        """The state's thread."""
        return self._root

    def context_of(self, thread: Thread) -> dict[str, AnyJSON]:
        """The mocked Context Object, or that of a synchronous Express execution, as AWS shows it here."""
        more: dict[str, AnyJSON] = {}
        if thread.item is not None:
            more["Map"] = {"Item": {"Index": thread.item[0], "Value": thread.item[1]}}
        if self.request.context is not None:
            return {**self.request.context, **more}
        if thread.token is not None:
            more["Task"] = {"Token": thread.token}
        machine = f"{REGION}:{ACCOUNT_ID}"
        name = self.name
        state: dict[str, AnyJSON] = {"Name": STATE_NAME, "EnteredTime": timestamp(self.now)}
        if self.state.counts_retries:
            state["RetryCount"] = self.request.state_configuration.get("retrierRetryCount", thread.attempt)
        return {
            "Execution": {
                "Id": f"arn:aws:states:{machine}:express:TestState:{name}",
                "Input": self.input,
                "Name": name,
                "RoleArn": self.request.role_arn,
                "StartTime": timestamp(self.start_time),
            },
            "StateMachine": {"Id": f"arn:aws:states:{machine}:stateMachine:TestState", "Name": "TestState"},
            "State": state,
            **more,
        }

    def set_attempts(self, thread: Thread, error: str) -> None:
        """Set the attempts of the Retrier that matches `error` to retrierRetryCount."""
        count = self.request.state_configuration.get("retrierRetryCount")
        catching = self.state.catching
        if count and catching is not None:
            thread.retries = [count if retrier.matches(error) else 0 for retrier in catching.retriers]

    def run(self) -> None:
        """Answer the state's commands until it has ended or would retry; then the thread is as it was at the start.

        Raises: TestStateError when nothing answers the state's Task.
        """
        self._answer_commands()
        self.variables = self._root.variables
        # The state that follows has been entered, and variables assigned: what is inspected came before.
        self._root.state_input = self.request.input
        self._root.variables = self.request.variables or {}

    def _answer_commands(self) -> None:
        while self.status == "RUNNING":
            for command in self.commands():
                if isinstance(command, InvokeTask):
                    self._answer(command)
                elif isinstance(command, StartTimer) and command.id.endswith("/retry"):
                    self.waits_for_retry = command
                    return
                elif isinstance(command, StartTimer) and "/" not in command.id:
                    self.receive(TimerFired(command.id), now=command.due)

    def _answer(self, command: InvokeTask) -> None:
        mock = self.request.mock
        fact: Fact
        if mock is None and self.request.invoke is not None:
            fact = self.request.invoke(command)
        elif mock is None:
            if Answers(tasks=self.request.tasks).find(command) is NOTHING:
                raise _nothing_answers(command)
            fact = answer_of(command, self.request.tasks)
        elif "result" in mock:
            fact = TaskSucceeded(command.id, self.mocked_result)
        else:
            failure = mock["errorOutput"]
            fact = TaskFailed(command.id, failure["error"], failure.get("cause"))
        if isinstance(fact, TaskFailed):
            self.set_attempts(self._root, fact.error)
        self.receive(fact, now=self.now)


def _nothing_answers(command: InvokeTask) -> TestStateError:
    text = f"State '{printable(command.state, 80)}' calls {printable(command.resource, 200)}, and nothing answers it"
    return TestStateError("ValidationException", text, "give a mocked result or error", needs_mock=True)
