"""The engine by its rules: errors, time-outs, sizes, scopes and the driver's side of the protocol."""

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest

from pupline.asl import (
    CancelCommand,
    Execution,
    ExecutionAborted,
    InvalidExecutionInput,
    InvokeTask,
    ProtocolError,
    StartTimer,
    StateMachine,
    TaskError,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    Throw,
    TimerFired,
    execute,
    fact_from_json,
    fact_to_json,
)
from pupline.asl.driver import DEFAULT_START
from pupline.asl.driver._timed_call import TimedCall

NOW = 1_800_000_000.0
LAMBDA = "arn:aws:states:::lambda:invoke"


def task(**more: Any) -> dict[str, Any]:
    """A Task that calls the function `f` with its input."""
    return {
        "Type": "Task",
        "Resource": LAMBDA,
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        "End": True,
        **more,
    }


def machine(state: dict[str, Any], *, top: dict[str, Any] | None = None, **others: dict[str, Any]) -> StateMachine:
    """A machine that starts with `state`, named S."""
    return StateMachine.parse({"StartAt": "S", "States": {"S": state, **others}, **(top or {})})


def types(history: list[dict[str, Any]]) -> list[str]:
    """The types of the events, without the execution's own."""
    return [event["type"] for event in history if not event["type"].startswith("Execution")]


class Failing:
    """A function that fails with `errors`, one after another, then gives its event back."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, event: Any) -> Any:
        """Fail, or give the event back."""
        self.calls += 1
        if self.errors:
            raise TaskError(self.errors.pop(0), "why")
        return event


def start(definition: StateMachine, given: Any = None) -> tuple[Execution, dict[str, Any]]:
    """A new execution, and its first commands by id."""
    execution = Execution(definition, {} if given is None else given, name="e", now=NOW)
    return execution, {command.id: command for command in execution.commands()}


# ---------------------------------------------------------------- Retry


@pytest.mark.parametrize(
    ("retrier", "delays"),
    [
        ({}, [1, 2, 4]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 4}, [3, 4.5, 6.75, 10.125]),
        ({"IntervalSeconds": 10, "MaxDelaySeconds": 15, "MaxAttempts": 3}, [10, 15, 15]),
        ({"MaxAttempts": 0}, []),
        ({"MaxAttempts": 2, "BackoffRate": 1}, [1, 1]),
    ],
)
def test_a_retrier_waits_as_its_fields_say(retrier: dict[str, Any], delays: list[float]) -> None:
    """The delay is min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** attempts), MaxAttempts times."""
    function = Failing(*["Boom"] * 9)
    result = execute(machine(task(Retry=[{"ErrorEquals": ["Boom"], **retrier}])), {}, tasks={"f": function})
    times = [event["timestamp"] for event in result.history if event["type"] == "TaskScheduled"]
    assert [after - before for before, after in pairwise(times)] == delays
    assert function.calls == len(delays) + 1
    assert (result.status, result.error, result.cause) == ("FAILED", "Boom", "why")


def test_full_jitter_is_bounded_and_depends_on_the_name_alone() -> None:
    """JitterStrategy FULL draws between 0 and the delay, and draws the same again for the same execution."""
    retry = [
        {"ErrorEquals": ["Boom"], "IntervalSeconds": 100, "MaxAttempts": 5, "BackoffRate": 1, "JitterStrategy": "FULL"}
    ]

    def delays(name: str) -> list[float]:
        result = execute(machine(task(Retry=retry)), {}, tasks={"f": Failing(*["Boom"] * 5)}, name=name)
        times = [event["timestamp"] for event in result.history if event["type"] == "TaskScheduled"]
        return [after - before for before, after in pairwise(times)]

    first = delays("a")
    assert len(set(first)) == 5
    assert all(0 <= delay <= 100 for delay in first)
    assert first == delays("a") != delays("b")


def test_each_retrier_counts_for_itself() -> None:
    """The first Retrier that means the error answers, and only its own attempts are counted."""
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]
    function = Failing("A", "B", "B", "A")
    result = execute(machine(task(Retry=retry)), {}, tasks={"f": function})
    assert (result.error, function.calls) == ("A", 4)


@pytest.mark.parametrize(
    ("error", "names", "caught"),
    [
        ("Boom", ["States.TaskFailed"], True),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.ALL"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
        ("States.DataLimitExceeded", ["States.ALL"], True),
        ("Boom", ["boom"], False),
    ],
)
def test_error_names_and_the_errors_that_they_match(error: str, names: list[str], caught: bool) -> None:
    """States.TaskFailed leaves out time-outs, States.ALL leaves out States.Runtime, names are case-sensitive."""
    state = task(Catch=[{"ErrorEquals": names, "Next": "Caught"}])
    result = execute(machine(state, Caught={"Type": "Pass", "End": True}), {}, tasks={"f": Failing(error)})
    assert result.status == ("SUCCEEDED" if caught else "FAILED")


def test_catch_puts_the_error_where_its_own_result_path_says() -> None:
    """A Catcher's ResultPath and Assign see {"Error", "Cause"}; the state's ResultPath and OutputPath do not apply."""
    catch = [{"ErrorEquals": ["Boom"], "ResultPath": "$.failure", "Assign": {"seen.$": "$.Error"}, "Next": "Caught"}]
    state = task(Catch=catch, ResultPath="$.never", OutputPath="$.nothing")
    last = {"Type": "Pass", "Parameters": {"all.$": "$", "seen.$": "$seen"}, "End": True}
    result = execute(machine(state, Caught=last), {"n": 1}, tasks={"f": Failing("Boom")})
    assert result.output == {"all": {"n": 1, "failure": {"Error": "Boom", "Cause": "why"}}, "seen": "Boom"}


def test_an_error_in_a_catchers_own_output_fails_the_execution() -> None:
    """Nothing answers an expression that fails while an error is being answered."""
    catch = [{"ErrorEquals": ["States.ALL"], "Output": "{% $missing %}", "Next": "Caught"}]
    state = {"Type": "Task", "QueryLanguage": "JSONata", "Resource": LAMBDA, "Catch": catch, "End": True}
    state["Arguments"] = {"FunctionName": "f"}
    result = execute(machine(state, Caught={"Type": "Pass", "End": True}), {}, tasks={"f": Failing("Boom")})
    assert (result.status, result.error) == ("FAILED", "States.QueryEvaluationError")
    assert types(result.history)[-1] == "EvaluationFailed"


# ---------------------------------------------------------------- time-outs


def test_a_task_timeout_cancels_the_task() -> None:
    """When TimeoutSeconds are over the task is cancelled and fails with States.Timeout; a late answer is ignored."""
    execution, commands = start(machine(task(TimeoutSeconds=5)))
    assert commands == {
        "S@1#0": InvokeTask("S@1#0", "S", "f", {}, 5, None, LAMBDA),
        "S@1#0/timeout": StartTimer("S@1#0/timeout", NOW + 5, "task"),
    }
    execution.receive(TimerFired("S@1#0/timeout"), now=NOW + 5)
    assert execution.commands() == [CancelCommand("S@1#0")]
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "States.Timeout", None)
    execution.receive(TaskSucceeded("S@1#0", {}), now=NOW + 6)
    assert execution.status == "FAILED"


def test_a_task_that_answers_leaves_the_machines_timeout_running() -> None:
    """The machine's TimeoutSeconds goes on when a task's timers are cancelled, and ends in TIMED_OUT without error."""
    waits = {"Type": "Wait", "Seconds": 600, "End": True}
    state = task(TimeoutSeconds=5)
    del state["End"]
    definition = machine({**state, "Next": "W"}, top={"TimeoutSeconds": 60}, W=waits)
    execution, _ = start(definition)
    execution.receive(TaskSucceeded("S@1#0", {}), now=NOW + 1)
    assert [command.id for command in execution.commands()] == ["S@1#0/timeout", "W@1"]
    execution.receive(TimerFired("timeout"), now=NOW + 60)
    assert (execution.status, execution.error, execution.cause) == ("TIMED_OUT", None, None)
    assert execution.history[-1]["type"] == "ExecutionTimedOut"


def hurried(call: Callable[[], Any], seconds: float) -> TimedCall[Any]:
    """A call that may take a five-hundredth of the time."""
    return TimedCall(call, seconds / 500)


def test_a_function_that_takes_too_long_has_timed_out() -> None:
    """`execute` waits for a callable no longer than its TimeoutSeconds of real time, here a part of that."""
    released = threading.Event()
    with mock.patch("pupline.asl.driver._simulation.TimedCall", hurried):
        result = execute(machine(task(TimeoutSeconds=5)), {}, tasks={"f": lambda _: released.wait()})
    released.set()
    assert (result.status, result.error, result.cause) == ("FAILED", "States.Timeout", None)
    assert types(result.history)[-1] == "TaskTimedOut"
    assert result.execution.stop_time == DEFAULT_START + 5


def test_a_late_answer_has_timed_out_however_long_it_may_take() -> None:
    """With a long TimeoutSeconds the call stays in the caller's thread, and its late answer is still too late."""
    with mock.patch("time.monotonic", side_effect=[0.0, 61.0]):
        result = execute(machine(task(TimeoutSeconds=60)), {}, tasks={"f": lambda _: threading.get_ident()})
    assert (result.status, result.error) == ("FAILED", "States.Timeout")
    here = execute(machine(task(TimeoutSeconds=60)), {}, tasks={"f": lambda _: threading.get_ident()})
    assert here.output["Payload"] == threading.get_ident()


def test_slow_functions_run_at_the_same_time() -> None:
    """A slow task does not hold up the others: here the first answers only when the second has been called."""
    called = threading.Event()
    fan = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "T", "States": {"T": task(TimeoutSeconds=20)}},
        "End": True,
    }

    def meet(item: str) -> str:
        if item == "second":
            called.set()
        assert called.wait(15)
        return item

    with mock.patch("pupline.asl.driver._simulation.PATIENCE_SECONDS", 0.01):
        result = execute(machine(fan), ["first", "second"], tasks={"f": meet})
    assert [answer["Payload"] for answer in result.output] == ["first", "second"]


def test_a_timed_call_returns_or_raises_like_a_plain_one() -> None:
    """What the function returns or raises reaches the caller, also after another one was left behind."""
    released = threading.Event()
    late = TimedCall(released.wait, 10)
    with pytest.raises(TimeoutError):
        late.answer(0.01)
    assert TimedCall(lambda: 5, 10).answer() == 5
    with pytest.raises(ZeroDivisionError):
        TimedCall(lambda: 1 / 0, 10).answer()
    released.set()
    assert late.answer() is True


ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"


@pytest.mark.parametrize("key", ["f", ARN, f"{ARN}:prod"])
@pytest.mark.parametrize("called", ["f", "f:prod", ARN, f"{ARN}:$LATEST", f"{ARN}:7", "123456789012:function:f"])
def test_a_function_is_found_by_name_or_arn(key: str, called: str) -> None:
    """The keys of `tasks` and the state may name a function in different ways, as the Invoke API takes them all."""
    state = task(Parameters={"FunctionName": called})
    assert execute(machine(state), {}, tasks={key: lambda _: "found"}).output["Payload"] == "found"


def test_tasks_may_be_created_on_demand() -> None:
    """A Mapping that knows its keys only by being asked serves as well as a dict."""

    class Tasks(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            return lambda _: key

    assert execute(machine(task()), {}, tasks=Tasks()).output["Payload"] == "f"


@pytest.mark.parametrize(("payload", "value"), [(b'"text"', "text"), (b'{"a": [1]}', {"a": [1]}), (b"a b", "a b")])
def test_bytes_are_the_payload_as_sent(payload: bytes, value: Any) -> None:
    """Bytes from a function are JSON text, or else a string."""
    assert execute(machine(task()), {}, tasks={"f": lambda _: payload}).output["Payload"] == value


def test_a_missing_function_fails_as_on_aws() -> None:
    """The task fails with the Lambda service's own error, which Catch can answer."""
    result = execute(machine(task()), {}, tasks={})
    assert result.error == "Lambda.ResourceNotFoundException"
    assert str(result.cause).startswith(
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST ("
    )


def test_heartbeats_restart_their_timer() -> None:
    """A heartbeat replaces the timer by one that is due HeartbeatSeconds later; silence fails with States.Timeout."""
    state = task(HeartbeatSeconds=10, Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Caught"}])
    execution, commands = start(machine(state, Caught={"Type": "Pass", "End": True}))
    assert commands["S@1#0/heartbeat"].due == NOW + 10
    execution.receive(TaskHeartbeat("S@1#0"), now=NOW + 7)
    assert execution.commands() == [StartTimer("S@1#0/heartbeat", NOW + 17, "task")]
    execution.receive(TimerFired("S@1#0/heartbeat"), now=NOW + 17)
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"Error": "States.Timeout", "Cause": ""}


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "5", None, True])
def test_a_path_must_select_a_whole_positive_number_of_seconds(seconds: Any) -> None:
    """TimeoutSecondsPath that selects anything else fails the execution."""
    result = execute(machine(task(TimeoutSecondsPath="$.t")), {"t": seconds}, tasks={"f": Failing()})
    assert (result.status, result.error) == ("FAILED", "States.Runtime")


def test_a_callback_task_has_a_token_and_is_submitted_first() -> None:
    """waitForTaskToken: the token is in the payload and in the command; TaskSubmitted does not end the task."""
    state = task(
        Resource=f"{LAMBDA}.waitForTaskToken", Parameters={"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}}
    )
    execution, commands = start(machine(state))
    command = commands["S@1#0"]
    assert command.task_token
    assert command.payload == {"t": command.task_token}
    execution.receive(TaskSubmitted("S@1#0", {"StatusCode": 200}), now=NOW)
    execution.receive(TaskSucceeded("S@1#0", {"approved": True}), now=NOW + 9)
    assert execution.output == {"approved": True}
    assert types(execution.history)[1:5] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(("length", "status"), [(262_142, "SUCCEEDED"), (262_143, "FAILED")])
def test_a_result_of_more_than_256_kib_is_refused(length: int, status: str) -> None:
    """262,144 bytes of JSON text are let through, one more is States.DataLimitExceeded."""
    state = task(Resource="arn:aws:lambda:us-east-1:000000000000:function:f")
    del state["Parameters"]
    result = execute(machine(state), {}, tasks={"f": lambda _: "x" * length})
    assert result.status == status
    if status == "FAILED":
        assert result.error == "States.DataLimitExceeded"


def test_sizes_count_utf8_bytes_not_characters() -> None:
    """A character of three bytes counts three."""
    states = {"Type": "Pass", "Result": "\u20ac" * 90_000, "End": True}
    result = execute(machine(states), {})
    assert (result.status, result.error) == ("FAILED", "States.DataLimitExceeded")


# ---------------------------------------------------------------- scopes and data


def test_branches_read_outer_variables_and_keep_their_own() -> None:
    """A branch reads the variables of the outer scope; its own end with it."""
    inner = {
        "StartAt": "B",
        "States": {"B": {"Type": "Pass", "Parameters": {"v.$": "$outer"}, "Assign": {"own": 1}, "End": True}},
    }
    first = {"Type": "Pass", "Assign": {"outer": "seen"}, "Next": "P"}
    both = {"Type": "Parallel", "Branches": [inner], "End": True}
    result = execute(machine(first, P=both), {})
    assert result.output == [{"v": "seen"}]
    assert result.execution.history[-2]["stateExitedEventDetails"].get("assignedVariables") is None


def test_no_value_from_outside_is_changed() -> None:
    """ResultPath writes into copies: the input stays as it was, however deep the path."""
    given = {"a": {"b": {"c": 1}}}
    before = json.dumps(given)
    state = {"Type": "Pass", "Result": 2, "ResultPath": "$.a.b.c", "End": True}
    assert execute(machine(state), given).output == {"a": {"b": {"c": 2}}}
    assert json.dumps(given) == before


@pytest.mark.parametrize("result", [0, False, None, "", [], {}])
def test_falsy_results_are_results(result: Any) -> None:
    """`Result: 0` and its like are values, not absent fields."""
    assert execute(machine({"Type": "Pass", "Result": result, "End": True}), {"n": 1}).output == result


def test_a_function_that_changes_its_event_changes_nothing_else() -> None:
    """A callable that changes its event, or later its result, does not change the history."""
    kept: list[Any] = []

    def function(event: Any) -> Any:
        event["n"] = "changed"
        kept.append({"list": []})
        return kept[0]

    result = execute(machine(task(ResultSelector={"got.$": "$.Payload"})), {"n": 1}, tasks={"f": function})
    kept[0]["list"].append("later")
    assert result.output == {"got": {"list": []}}
    assert result.history[1]["stateEnteredEventDetails"]["input"] == '{"n":1}'


def test_deeply_nested_values_raise_our_own_errors() -> None:
    """Values hundreds of levels deep pass, or fail the execution; no RecursionError comes out."""
    for depth in (200, 400, 800, 5_000):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        state = {"Type": "Pass", "Parameters": {"v.$": "$"}, "End": True}
        try:
            result = execute(machine(state), value)
            assert (result.status, result.error) in (("SUCCEEDED", None), ("FAILED", "States.Runtime"))
            assert result.history
        except InvalidExecutionInput:
            assert depth >= 800


def test_context_overrides_are_merged_over_ours() -> None:
    """The caller can name the machine, and the rest of the Context Object stays."""
    state = {"Type": "Pass", "Parameters": {"m.$": "$$.StateMachine.Name", "e.$": "$$.Execution.Name"}, "End": True}
    result = execute(machine(state), {}, name="mine", context={"StateMachine": {"Name": "Pupline"}})
    assert result.output == {"m": "Pupline", "e": "mine"}


# ---------------------------------------------------------------- the protocol


def test_an_answer_to_no_command_is_refused() -> None:
    """The error names the ids that do wait."""
    execution, _ = start(machine(task()))
    with pytest.raises(ProtocolError, match=r"'X@1#0'; commands that wait: S@1#0$"):
        execution.receive(TaskSucceeded("X@1#0"), now=NOW)
    execution.receive(TaskSucceeded("S@1#0", 1), now=NOW)
    with pytest.raises(ProtocolError, match="commands that wait: none"):
        execution.receive(TaskSucceeded("S@1#0", 1), now=NOW)


def test_a_fact_of_the_wrong_kind_is_refused() -> None:
    """A timer's answer to a task is a bug of the driver."""
    execution, _ = start(machine(task()))
    with pytest.raises(ProtocolError, match="TimerFired does not answer"):
        execution.receive(TimerFired("S@1#0"), now=NOW)


def test_an_aborted_execution_cancels_its_commands() -> None:
    """StopExecution without error and cause ends in ABORTED, and the event has no details."""
    execution, _ = start(machine(task(TimeoutSeconds=9)))
    execution.receive(ExecutionAborted(), now=NOW + 1)
    assert {command.id for command in execution.commands()} == {"S@1#0", "S@1#0/timeout"}
    assert execution.status == "ABORTED"
    assert execution.history[-1]["executionAbortedEventDetails"] == {}


def test_names_are_escaped_in_command_ids() -> None:
    """State names that hold the ids' own punctuation are escaped."""
    state = {"StartAt": "a/0#b@1%", "States": {"a/0#b@1%": {"Type": "Wait", "Seconds": 1, "End": True}}}
    execution = Execution(StateMachine.parse(state), {}, name="e", now=NOW)
    assert execution.waiting_ids == ["a%2F0%23b%401%25@1"]


@pytest.mark.parametrize(
    "fact",
    [TaskSucceeded("a", {"x": [1, None]}), TaskFailed("a", "E", None), TimerFired("t"), ExecutionAborted("E", "C")],
)
def test_facts_survive_the_journal(fact: Any) -> None:
    """A fact that was JSON text comes back equal."""
    assert fact_from_json(json.loads(json.dumps(fact_to_json(fact)))) == fact


@pytest.mark.parametrize(
    "data", [{}, {"fact": "Execution"}, {"fact": "TimerFired"}, {"fact": "TimerFired", "id": "a", "x": 1}]
)
def test_an_invalid_journal_entry_is_refused(data: dict[str, Any]) -> None:
    """What was not written by fact_to_json is a clear error."""
    with pytest.raises(ValueError, match=r"is not a fact|has the wrong fields"):
        fact_from_json(data)


def test_a_long_loop_needs_no_deep_stack() -> None:
    """Twenty thousand states in a row, and a Parallel in each round of a loop, run in constant stack depth."""
    again = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericLessThan": 2_000, "Next": "P"}],
        "Default": "Done",
    }
    add = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "End": True}},
    }
    both = {"Type": "Parallel", "Branches": [add], "OutputPath": "$[0]", "Next": "S"}
    result = execute(machine(again, P=both, Done={"Type": "Succeed"}), {"n": 0})
    assert result.output == {"n": 2_000}


def test_an_inline_map_runs_40_iterations_at_a_time() -> None:
    """However large MaxConcurrency is, as at AWS; the others start as these end."""
    processor = {"StartAt": "T", "States": {"T": task()}}
    execution, commands = start(machine({"Type": "Map", "ItemProcessor": processor, "End": True}), list(range(50)))
    assert len(commands) == 40
    execution.receive(TaskSucceeded("S@1#0/7/T@1#0", "done"), now=NOW)
    assert [command.id for command in execution.commands()] == ["S@1#0/40/T@1#0"]


def test_a_choice_without_a_match_fails_as_on_aws() -> None:
    """Without a Default the execution fails with States.Runtime."""
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "End"}]}
    result = execute(machine(choice, End={"Type": "Succeed"}), {"n": 2})
    assert result.error == "States.Runtime"
    assert result.cause == (
        "An error occurred while executing the state 'S' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state."
    )


@pytest.mark.parametrize(
    ("seconds", "cause"),
    [(2**31, "too long"), (2**63 - 1, "too long"), (2**63, "as a long value"), (10**400, "as a long value")],
)
def test_a_wait_beyond_all_time_fails_the_execution(seconds: int, cause: str) -> None:
    """However large the number that SecondsPath selects, it is a failure with a cause, not an exception of Python's."""
    wait = {"StartAt": "A", "States": {"A": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}}
    result = execute(StateMachine.parse(wait), {"s": seconds})
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert cause in str(result.cause)


def test_time_passes_by_a_function() -> None:
    """`wait` is called before time passes, so that a driver can wait in real time; a cancelled timer has no time."""
    waits: list[float] = []
    pause = {"Type": "Wait", "Seconds": 5, "Next": "Call"}
    call = {
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "TimeoutSeconds": 100,
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3}],
        "End": True,
    }
    machine = StateMachine.parse({"StartAt": "Pause", "States": {"Pause": pause, "Call": call}})
    states = {"Call": [Throw("Busy"), 1]}
    result = execute(machine, {}, states=states, wait=lambda _, seconds: waits.append(seconds))
    assert (result.output, waits) == (1, [5, 3])


@pytest.mark.parametrize("text", ["$now()", "$fromMillis($millis())", "($n := $now; $n())"])
def test_the_time_in_jsonata_is_when_the_state_was_entered(text: str) -> None:
    """A replay gets the same time, of each state its own."""
    expression = "{% [" + text + ", $states.context.State.EnteredTime] %}"
    wait = {"Type": "Wait", "Seconds": 60, "Next": "B"}
    then = {"Type": "Pass", "Output": expression, "End": True}
    result = execute(
        StateMachine.parse({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": wait, "B": then}}), {}
    )
    assert isinstance(result.output, list)
    assert result.output[0] == result.output[1]
    assert result.output[0].endswith(":01:00.000Z")
    alone = {"QueryLanguage": "JSONata", "StartAt": "B", "States": {"B": {**then, "Output": "{% " + text + " %}"}}}
    assert str(execute(StateMachine.parse(alone), {}).output) > "2020"
