"""The States Language engine: parse a definition once, run it any number of times.

    machine = StateMachine.parse(definition)
    result = execute(machine, {"n": 1}, tasks={"Double": lambda event: event["n"] * 2})

`Execution` is the pure core: it gives commands to a driver (`commands`) and gets facts back (`receive`); it never opens
a file, a socket or a clock. `execute` drives it in memory and in virtual time; `pupline.local` drives it durably.
docs/asl-support.md lists what is supported, field by field.

At the top of this room are the engine and its vocabulary. The sub-rooms depend on each other in this order only:

    jsonpath, jsonata      the query languages: paths, templates, intrinsic functions; `{% ... %}`
    states                 the compiled states: a Choice rule is evaluated in `states/_choice_rule.py`
    validation             the problems of a definition, in AWS's words
    driver                 the driver in memory, and the parts that every driver shares
    test_state             TestState: one state, run alone
    visits                 the visits to states that a history tells of
    coverage               what executions have taken of their machine
    mocks                  answers for Tasks in a file, as Step Functions Local has them

Names are loaded when first used: a reader of histories needs neither the query languages nor the states.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.asl._commands import CancelCommand, Command, InvokeTask, ReadItems, StartTimer, WriteResults
    from pupline.asl._detailed_execution import ChildExecution, DetailedExecution
    from pupline.asl._errors import InvalidExecutionInput, ProtocolError
    from pupline.asl._execution import Execution
    from pupline.asl._facts import (
        ExecutionAborted,
        ExecutionRedriven,
        Fact,
        ItemsRead,
        MapRunUpdated,
        TaskFailed,
        TaskHeartbeat,
        TaskStarted,
        TaskSubmitted,
        TaskSucceeded,
        TimerFired,
        fact_from_json,
        fact_to_json,
    )
    from pupline.asl._input import measured_input
    from pupline.asl._service_models import (
        has_models,
        member_name,
        operation_model,
        sdk_member_name,
        service_model,
    )
    from pupline.asl._starting_at import starting_at
    from pupline.asl._state_machine import DefinitionError, StateMachine, definition_digest, diagnose
    from pupline.asl.coverage import Coverage, CoverageItem, percent_text
    from pupline.asl.driver import (
        MARSHAL_ERROR,
        NOTHING,
        Answers,
        AnswersUsedUp,
        Call,
        Delayed,
        ItemReaderError,
        LambdaContext,
        Later,
        NoAnswer,
        NothingAnswers,
        Result,
        Return,
        TaskError,
        Throw,
        Unanswered,
        Unexpected,
        api_failure,
        api_request,
        api_result,
        call_function,
        caller_of,
        child_ended,
        execute,
        function_name,
        items_fact,
        lambda_error,
        marshal_error,
        parse_items,
        path_of,
        read_items,
        states_of,
        unanswered,
    )
    from pupline.asl.mocks import Expectation, MockCase, Mocks, mocks_skeleton, parse_mocks
    from pupline.asl.states import MapRun, Resource, read_resource
    from pupline.asl.test_state import TestStateError, TestStateRequest, run_test_state
    from pupline.asl.validation import Diagnostic, diagnostics, validate_definition, variable_references
    from pupline.asl.visits import (
        Attempt,
        ExecutionFailure,
        Iteration,
        MapCounts,
        StateVisit,
        StateVisits,
        VisitStatus,
    )

__all__ = [
    "MARSHAL_ERROR",
    "NOTHING",
    "Answers",
    "AnswersUsedUp",
    "Attempt",
    "Call",
    "CancelCommand",
    "ChildExecution",
    "Command",
    "Coverage",
    "CoverageItem",
    "DefinitionError",
    "Delayed",
    "DetailedExecution",
    "Diagnostic",
    "Execution",
    "ExecutionAborted",
    "ExecutionFailure",
    "ExecutionRedriven",
    "Expectation",
    "Fact",
    "InvalidExecutionInput",
    "InvokeTask",
    "ItemReaderError",
    "ItemsRead",
    "Iteration",
    "LambdaContext",
    "Later",
    "MapCounts",
    "MapRun",
    "MapRunUpdated",
    "MockCase",
    "Mocks",
    "NoAnswer",
    "NothingAnswers",
    "ProtocolError",
    "ReadItems",
    "Resource",
    "Result",
    "Return",
    "StartTimer",
    "StateMachine",
    "StateVisit",
    "StateVisits",
    "TaskError",
    "TaskFailed",
    "TaskHeartbeat",
    "TaskStarted",
    "TaskSubmitted",
    "TaskSucceeded",
    "TestStateError",
    "TestStateRequest",
    "Throw",
    "TimerFired",
    "Unanswered",
    "Unexpected",
    "VisitStatus",
    "WriteResults",
    "api_failure",
    "api_request",
    "api_result",
    "call_function",
    "caller_of",
    "child_ended",
    "definition_digest",
    "diagnose",
    "diagnostics",
    "execute",
    "fact_from_json",
    "fact_to_json",
    "function_name",
    "has_models",
    "items_fact",
    "lambda_error",
    "marshal_error",
    "measured_input",
    "member_name",
    "mocks_skeleton",
    "operation_model",
    "parse_items",
    "parse_mocks",
    "path_of",
    "percent_text",
    "read_items",
    "read_resource",
    "run_test_state",
    "sdk_member_name",
    "service_model",
    "starting_at",
    "states_of",
    "unanswered",
    "validate_definition",
    "variable_references",
]

_HOMES = {
    **dict.fromkeys(("CancelCommand", "Command", "InvokeTask", "ReadItems", "StartTimer", "WriteResults"), "_commands"),
    **dict.fromkeys(("ChildExecution", "DetailedExecution"), "_detailed_execution"),
    **dict.fromkeys(("InvalidExecutionInput", "ProtocolError"), "_errors"),
    "Execution": "_execution",
    **dict.fromkeys(
        (
            "ExecutionAborted",
            "ExecutionRedriven",
            "Fact",
            "ItemsRead",
            "MapRunUpdated",
            "TaskFailed",
            "TaskHeartbeat",
            "TaskStarted",
            "TaskSubmitted",
            "TaskSucceeded",
            "TimerFired",
            "fact_from_json",
            "fact_to_json",
        ),
        "_facts",
    ),
    "measured_input": "_input",
    **dict.fromkeys(
        ("has_models", "member_name", "operation_model", "sdk_member_name", "service_model"), "_service_models"
    ),
    "starting_at": "_starting_at",
    **dict.fromkeys(("DefinitionError", "StateMachine", "definition_digest", "diagnose"), "_state_machine"),
    **dict.fromkeys(("Coverage", "CoverageItem", "percent_text"), "coverage"),
    **dict.fromkeys(
        (
            "MARSHAL_ERROR",
            "NOTHING",
            "Answers",
            "AnswersUsedUp",
            "Call",
            "Delayed",
            "ItemReaderError",
            "LambdaContext",
            "Later",
            "NoAnswer",
            "NothingAnswers",
            "Result",
            "Return",
            "TaskError",
            "Throw",
            "Unanswered",
            "Unexpected",
            "api_failure",
            "api_request",
            "api_result",
            "call_function",
            "caller_of",
            "child_ended",
            "execute",
            "function_name",
            "items_fact",
            "lambda_error",
            "marshal_error",
            "parse_items",
            "path_of",
            "read_items",
            "states_of",
            "unanswered",
        ),
        "driver",
    ),
    **dict.fromkeys(("Expectation", "MockCase", "Mocks", "mocks_skeleton", "parse_mocks"), "mocks"),
    **dict.fromkeys(("MapRun", "Resource", "read_resource"), "states"),
    **dict.fromkeys(("TestStateError", "TestStateRequest", "run_test_state"), "test_state"),
    **dict.fromkeys(("Diagnostic", "diagnostics", "validate_definition", "variable_references"), "validation"),
    **dict.fromkeys(
        (
            "Attempt",
            "ExecutionFailure",
            "Iteration",
            "MapCounts",
            "StateVisit",
            "StateVisits",
            "VisitStatus",
        ),
        "visits",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
