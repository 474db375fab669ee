"""Answers for Tasks: by state, by resource, by attempt; and how a callable is called."""

from functools import partial
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import (
    AnswersUsedUp,
    Call,
    DefinitionError,
    Later,
    NoAnswer,
    NothingAnswers,
    Return,
    StateMachine,
    TaskError,
    Throw,
    Unexpected,
    call_function,
    execute,
)
from pupline.errors import ConfigurationError

INVOKE = "arn:aws:states:::lambda:invoke"
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:review"
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}}


def invoke(**more: Any) -> dict[str, Any]:
    """A Task that calls the function `charge`, and passes on what it returned."""
    parameters = {"FunctionName": "charge", "Payload.$": "$"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "OutputPath": "$.Payload", **more}


def wait_for_token(**more: Any) -> dict[str, Any]:
    """A Task that sends its token to a queue."""
    parameters = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    return {"Type": "Task", "Resource": SEND, "Parameters": parameters, "End": True, **more}


def machine(state: dict[str, Any], **others: dict[str, Any]) -> StateMachine:
    """A machine that starts with `state`, named Charge."""
    last = {} if "Next" in state else {"End": True}
    return StateMachine.parse({"StartAt": "Charge", "States": {"Charge": {**state, **last}, **others}})


RETRY = [{"ErrorEquals": ["Busy"], "MaxAttempts": 3}]


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ({"paid": True}, {"paid": True}),
        (lambda order: order["n"] + 1, 2),
        (Return({"StatusCode": 200, "Payload": "whole"}), "whole"),
        (lambda _: Return({"Payload": [1]}), [1]),
        ([Throw("Busy"), Throw("Busy", "still"), "third"], "third"),
        ([Throw("Busy"), lambda order: order], {"n": 1}),
        (Later(3600, "late"), "late"),
        (b'{"from": "bytes"}', {"from": "bytes"}),
        (None, None),
        (lambda: "no parameter", "no parameter"),
    ],
)
def test_a_state_is_answered_by_its_name(answer: Any, output: Any) -> None:
    """An answer by state is a value, an object of ours, a callable, or a list of these by attempt."""
    result = execute(machine(invoke(Retry=RETRY)), {"n": 1}, states={"Charge": answer})
    assert (result.status, result.output) == ("SUCCEEDED", output)


def test_attempts_count_over_retries_loops_and_iterations() -> None:
    """A list is used up in the order of the calls of the state, in whichever branch or iteration they happen."""
    inner = {"StartAt": "Charge", "States": {"Charge": {**invoke(Retry=RETRY), "End": True}}}
    looped = StateMachine.parse({"StartAt": "All", "States": {"All": {"Type": "Map", "Iterator": inner, "End": True}}})
    answers = [Throw("Busy"), "second", lambda attempt: f"call {attempt}"]
    assert sorted(execute(looped, [1, 2], states={"Charge": answers}).output) == ["call 2", "second"]


def test_a_list_that_is_used_up_says_so() -> None:
    """The error names the state, and how many answers and calls there were."""
    with pytest.raises(AnswersUsedUp, match="'Charge' has 1 answer, but this is its call number 2"):
        execute(machine(invoke(Retry=RETRY)), {}, states={"Charge": [Throw("Busy")]})


def test_what_nothing_answers_is_refused_before_the_start() -> None:
    """With answers by state everything needs one, and the error names the state and the keys."""
    called: list[Any] = []
    two = machine(invoke(Next="Notify"), Notify=wait_for_token())
    with pytest.raises(NothingAnswers, match=f"'Notify': give it an answer as Notify or {SEND}"):
        execute(two, {}, states={"Charge": called.append})
    assert not called
    assert execute(two, {}, states={"Charge": 1}, default={"sent": True}).output == {"sent": True}
    assert execute(two, {}, states={"Charge": 1}, tasks={SEND: lambda _: 2}).output == 2


def test_an_unexpected_call_is_an_error() -> None:
    """A state that must not be called raises when it is, and may be left out of the path."""
    failing = machine(invoke(Next="Notify"), Notify=wait_for_token())
    result = execute(failing, {}, states={"Charge": Throw("Refused", "no money")}, default=Unexpected())
    assert (result.status, result.error, result.cause) == ("FAILED", "Refused", "no money")
    with pytest.raises(NothingAnswers, match="nothing answers state 'Notify'"):
        execute(failing, {}, states={"Charge": 1}, default=Unexpected())


def test_a_name_of_no_state_gets_a_suggestion() -> None:
    """A mistyped state in `states` is an error before the start."""
    with pytest.raises(ConfigurationError, match=r"no state 'Chrage' .* did you mean 'Charge'"):
        execute(machine(invoke()), {}, states={"Chrage": 1})


@pytest.mark.parametrize(
    ("answer", "status", "seconds"),
    [
        (NoAnswer(), "FAILED", 20),
        (Later(19, "in time"), "SUCCEEDED", 19),
        (Later(21, "late"), "FAILED", 20),
        (Later(100, "alive", heartbeat_every=15), "SUCCEEDED", 100),
        (Later(100, NoAnswer(), heartbeat_every=15), "FAILED", 110),
        (lambda task_token: Later(5, len(task_token) > 0), "SUCCEEDED", 5),
        (Later(5, Throw("Rejected")), "FAILED", 5),
    ],
)
def test_tokens_are_sent_back_late_or_never(answer: Any, status: str, seconds: float) -> None:
    """HeartbeatSeconds counts from the last heartbeat, in the execution's time, which costs nothing."""
    result = execute(machine(wait_for_token(HeartbeatSeconds=20)), {}, states={"Charge": answer})
    assert (result.status, result.execution.now - result.execution.start_time) == (status, seconds)


def test_an_answer_that_never_comes_is_not_waited_for() -> None:
    """Without a time-out the execution would wait forever: an error says for what."""
    with pytest.raises(ConfigurationError, match="waits forever for an answer to Charge@1#0"):
        execute(machine(wait_for_token()), {}, states={"Charge": NoAnswer()})


def test_a_distributed_map_is_answered_by_its_name() -> None:
    """A state's name answers its ItemReader; its ResultWriter has a name of its own, or needs no answer."""
    inner = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inner}
    mapped = {"Type": "Map", "ItemProcessor": processor, "ItemReader": READER, "ResultWriter": WRITER}
    written: list[str] = []
    both = {"Charge": [[1, 2]], "Charge.ResultWriter": lambda arguments: written.append(arguments["Key"])}
    assert execute(machine(mapped), {}, states=both).status == "SUCCEEDED"
    assert [key.rpartition("/")[2] for key in written] == ["SUCCEEDED_0.json", "manifest.json"]
    assert execute(machine(mapped), {}, states={"Charge": '[{"a": 1}]'}).status == "SUCCEEDED"
    failed = execute(machine(mapped), {}, states={"Charge": Throw("NoSuchKey", "gone")})
    assert (failed.error, failed.cause) == ("States.ItemReaderFailed", "gone")
    with pytest.raises(NothingAnswers, match=r"Charge\.ItemReader or arn.*\n.*Charge\.ResultWriter or arn"):
        execute(machine(mapped), {}, states={"Each": 1})


def test_data_that_is_not_json_is_an_error_of_the_caller() -> None:
    """An answer that no service could give is refused, and not made the task's failure."""
    with pytest.raises(ConfigurationError, match="the answer for state 'Charge' is not a JSON value"):
        execute(machine(invoke()), {}, states={"Charge": {1, 2}})


# ---- how a callable is called

CALL = Call("Charge", 2, {"n": 1}, INVOKE, "token", None)


class _Handler:
    def handle(self, event: Any, context: Any) -> Any:
        return event, context

    def __call__(self, event: Any) -> Any:
        return event


def _defaults(event: Any, unit: str = "EUR", attempt: int = 9) -> Any:
    return event, unit, attempt


def _keywords(*, state_name: str, arguments: Any) -> Any:
    return state_name, arguments


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda event: event, {"n": 1}),
        (lambda event, context: (event, context), ({"n": 1}, None)),
        (lambda payload, _: payload, {"n": 1}),
        (lambda name, number, given: (name, number, given), ("Charge", 2, {"n": 1})),
        (lambda state, attempt, arguments: (state, attempt, arguments), ("Charge", 2, {"n": 1})),
        (lambda arguments, state_name: (arguments, state_name), ({"n": 1}, "Charge")),
        (lambda event, context, task_token: (event, context, task_token), ({"n": 1}, None, "token")),
        (lambda event, resource: (event, resource), ({"n": 1}, INVOKE)),
        (lambda task_token: task_token, "token"),
        (lambda: "nothing", "nothing"),
        (lambda *given: given, ({"n": 1},)),
        (lambda event, **more: (event, more), ({"n": 1}, {})),
        (_defaults, ({"n": 1}, "EUR", 2)),
        (_keywords, ("Charge", {"n": 1})),
        (_Handler().handle, ({"n": 1}, None)),
        (_Handler(), {"n": 1}),
        (partial(_defaults, unit="USD"), ({"n": 1}, "USD", 2)),
        (dict, {"n": 1}),
        (mock.Mock(side_effect=lambda event: event), {"n": 1}),
    ],
)
def test_a_callable_gets_what_its_parameters_ask_for(function: Any, result: Any) -> None:
    """One parameter gets the arguments, two are a Lambda handler's, three are (state, attempt, arguments)."""
    assert call_function(function, CALL) == result


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c, d: (a, b, c, d),
        lambda a, arguments: (a, arguments),
        lambda *, colour: colour,
        lambda a, b, context: (a, b, context),
    ],
)
def test_parameters_that_nothing_fits_are_refused(function: Any) -> None:
    """The error names the parameters and the forms that there are."""
    with pytest.raises(ConfigurationError, match="cannot be called for a Task: it has the parameters"):
        call_function(function, CALL)


def test_a_lambda_handler_gets_a_context_object() -> None:
    """As on Lambda: the function's name and ARN, a request id, the time that is left."""

    def handler(_: Any, context: Any) -> Any:
        return [context.function_name, context.invoked_function_arn, context.get_remaining_time_in_millis()]

    result = execute(machine(invoke(TimeoutSeconds=40)), {}, tasks={"charge": handler})
    assert result.output == ["charge", "arn:aws:lambda:us-east-1:000000000000:function:charge", 40_000]


def test_a_callable_fails_its_task() -> None:
    """TaskError has the Error Name; any other exception is what the Lambda runtime reports."""

    def refuse(_: Any) -> None:
        raise TaskError("Refused", "no money")

    result = execute(machine(invoke()), {}, states={"Charge": refuse})
    assert (result.error, result.cause) == ("Refused", "no money")
    result = execute(machine(invoke()), {}, states={"Charge": lambda event: event["missing"]})
    assert result.error == "KeyError"
    assert '"errorMessage":"\'missing\'"' in str(result.cause)


def test_a_resource_that_aws_does_not_recognise_may_have_an_answer() -> None:
    """Only where the caller allows it, for Tasks; an answer is then needed before the start, as for any other."""
    unknown = "arn:aws:states:::newservice:doIt.sync"
    state = {"Type": "Task", "Resource": unknown, "Parameters": {"x": 1}, "Next": "Named"}
    named = {"Type": "Task", "Resource": "SomeFunction", "End": True}
    definition = {"StartAt": "Do", "States": {"Do": state, "Named": named}}
    with pytest.raises(DefinitionError, match="is not recognized"):
        StateMachine.parse(definition)
    allowed = StateMachine.parse(definition, any_resource=True)
    result = execute(allowed, {}, tasks={unknown: lambda given: given, "SomeFunction": lambda given: [given]})
    assert result.output == [{"x": 1}]
    scheduled = next(event for event in result.history if event["type"] == "TaskScheduled")
    details = scheduled["taskScheduledEventDetails"]
    assert (details["resourceType"], details["resource"]) == ("newservice", "doIt.sync")
    with pytest.raises(NothingAnswers, match=f"'Do': give it an answer as Do or {unknown}"):
        execute(allowed, {}, states={"Named": 1})
    other = {"StartAt": "Do", "States": {"Do": {**state, "Next": "Nowhere"}}}
    with pytest.raises(DefinitionError, match="Nowhere"):
        StateMachine.parse(other, any_resource=True)


@pytest.mark.parametrize(
    ("seconds", "every"),
    [(-1, None), (float("inf"), None), (float("nan"), None), (10, 0), (10, -1), (10, float("nan")), (1e9, 1), (0, 0)],
)
def test_later_has_an_end(seconds: float, every: float | None) -> None:
    """Times that never come, and heartbeats without number, are refused where they are written."""
    with pytest.raises(ConfigurationError, match="Later"):
        Later(seconds, 1, every)


ANSWERS = st.recursive(
    st.one_of(
        st.none(),
        st.integers(),
        st.builds(Return, st.integers()),
        st.builds(Throw, st.sampled_from(["Busy", "States.Timeout", "States.Runtime", "Other"])),
        st.builds(NoAnswer),
        st.builds(Later, st.integers(0, 90), st.integers(), st.none() | st.integers(1, 40)),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.builds(Later, st.integers(0, 90), st.builds(NoAnswer), st.integers(1, 40))
    ),
    max_leaves=6,
)


@given(st.fixed_dictionaries({"Charge": ANSWERS, "One": ANSWERS, "Two": ANSWERS}))
def test_any_answers_lead_to_an_end_or_an_error_of_ours(states: dict[str, Any]) -> None:
    """Whatever the answers are, in parallel and retried: the execution ends, or the caller is told why it cannot."""
    timed = wait_for_token(TimeoutSeconds=60, HeartbeatSeconds=20, Retry=RETRY)
    both = {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "One", "States": {"One": timed}},
            {"StartAt": "Two", "States": {"Two": {**timed, "Resource": ACTIVITY, "Parameters": {}}}},
        ],
        "Catch": [{"ErrorEquals": ["Other"], "Next": "Charge"}],
        "End": True,
    }
    charge = {**invoke(Retry=RETRY), "End": True}
    caught = StateMachine.parse({"StartAt": "Both", "States": {"Both": both, "Charge": charge}})
    try:
        result = execute(caught, {}, states=states)
    except (AnswersUsedUp, ConfigurationError):
        return
    assert result.status in ("SUCCEEDED", "FAILED")
    assert [event["id"] for event in result.history] == list(range(1, len(result.history) + 1))


def test_a_function_that_exits_fails_its_task() -> None:
    """sys.exit() in a Lambda function ends the function, not the program that tests it."""

    def leave(_event: Any) -> Any:
        raise SystemExit(3)

    result = execute(machine(invoke()), {}, states={"Charge": leave})
    assert (result.status, result.error) == ("FAILED", "SystemExit")
