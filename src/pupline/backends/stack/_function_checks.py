"""The functions of a deployed stack, and the logs of functions and state machines."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from pupline.backends._port import Check
from pupline.backends.stack._account import Account, NotThere, aws_errors, pages
from pupline.backends.stack._checks import CREATE_AGAIN, DEPLOY_AGAIN, Problem, finding
from pupline.backends.stack._stack import FUNCTIONS, Stack
from pupline.text import plural, printable

RUNTIME_ENDS = {
    "python3.8": date(2024, 10, 14),
    "python3.9": date(2025, 12, 15),
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
"""When AWS deprecates a runtime. Source: AWS Lambda Developer Guide, "Lambda runtimes", read in 2026."""

_RESERVED_BY = {"FetchAndUploadDogImage": "FetchConcurrency", "IngestBatch": "BulkConcurrency"}
"""The functions that can have concurrency reserved, and the stack's parameters for it; 0 is for none."""

_TOO_QUIET = frozenset({"WARN", "ERROR", "FATAL"})
"""Levels at which the metrics are lost: they are lines of the level INFO."""


def functions_check(account: Account, stack: Stack) -> Check:
    """Each function's state, its last update, its runtime, its reserved concurrency."""
    problems = [problem for name in FUNCTIONS for problem in _function_problems(account, stack, name)]
    return finding("functions", f"{len(FUNCTIONS)} of them are usable", problems)


def _function_problems(account: Account, stack: Stack, name: str) -> Iterator[Problem]:
    try:
        found = _configuration(account, stack, name)
    except NotThere as err:
        yield Problem(str(err), CREATE_AGAIN, "error")
        return
    # A function that has not been called for weeks is Inactive, and becomes Active at its next call.
    if found.get("State") == "Failed" or found.get("LastUpdateStatus") == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "no reason was given"
        yield Problem(f"{name} is not usable ({printable(reason, 200)})", DEPLOY_AGAIN, "error")
    if runtime_is_deprecated(str(found.get("Runtime")), datetime.now(UTC).date()):
        yield Problem(
            f"{name} runs on {found['Runtime']}, which AWS has deprecated",
            "deploy with another parameter PythonRuntime",
        )
    with aws_errors(f"looking at the reserved concurrency of {name}"):
        answer = account.client("lambda").get_function_concurrency(FunctionName=stack.resource(name))
    yield from _concurrency_problems(name, answer.get("ReservedConcurrentExecutions"), stack.parameters)


def _concurrency_problems(name: str, reserved: int | None, parameters: Mapping[str, str]) -> Iterator[Problem]:
    parameter = _RESERVED_BY.get(name, "")
    wanted = parameters.get(parameter)
    if reserved == 0:
        yield Problem(f"{name} is turned off: its reserved concurrency is 0", DEPLOY_AGAIN, "error")
    elif wanted is not None and (reserved or 0) != int(wanted):
        yield Problem(
            f"{name} has {reserved or 'no'} reserved concurrency, and the stack's {parameter} is {wanted}",
            DEPLOY_AGAIN,
        )


def runtime_is_deprecated(runtime: str, today: date) -> bool:
    """Whether AWS has deprecated a runtime; False for one that is not in the list."""
    ends = RUNTIME_ENDS.get(runtime)
    return ends is not None and ends <= today


def logs_check(account: Account, stack: Stack) -> Check:
    """The log groups of the stack: there, with a retention period; and the levels of the functions' logs."""
    names = set(stack.of_type("AWS::Logs::LogGroup").values())
    problems = []
    for function in FUNCTIONS:
        try:
            logging = _configuration(account, stack, function).get("LoggingConfig", {})
        except NotThere:  # functions_check tells it
            continue
        names.add(logging.get("LogGroup") or f"/aws/lambda/{stack.resource(function)}")
        level = logging.get("ApplicationLogLevel")
        if level in _TOO_QUIET:
            problems.append(
                Problem(f"{function} logs {level} and above: its metrics are lost", "set its log level to INFO")
            )
    for name in sorted(names):
        problems += _group_problems(account, name)
    return finding("logs", f"{plural(len(names), 'log group')}, each with a retention period", problems)


def _group_problems(account: Account, name: str) -> Iterator[Problem]:
    doing = f"looking at the log group {printable(name)}"
    found = (
        group
        for page in pages(account.client("logs"), "describe_log_groups", doing, logGroupNamePrefix=name)
        for group in page["logGroups"]
        if group["logGroupName"] == name
    )
    group = next(found, None)
    if group is None:
        yield Problem(f"the log group {name} is missing", CREATE_AGAIN, "error")
    elif not group.get("retentionInDays"):
        yield Problem(f"the log group {name} keeps everything forever", DEPLOY_AGAIN)


def _configuration(account: Account, stack: Stack, name: str) -> Mapping[str, Any]:
    with aws_errors(f"looking at the function {name}"):
        found: Mapping[str, Any] = account.client("lambda").get_function_configuration(
            FunctionName=stack.resource(name)
        )
    return found
