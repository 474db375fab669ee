"""The identifiers of an execution of the API: its ARN, and its name in the journal.

A name is unique among the executions of one Standard machine. The journal wants names that are unique in the data
directory, so there the machine's name goes before it, with account and region: `123456789012:us-east-1:Pay:order-7`.
An Express execution also has a UUID, as in its ARN: many may have the same name.
"""

from pupline.stepfunctions._arns import Arn, parse_arn
from pupline.stepfunctions._errors import ApiError

_KINDS = ("execution", "express")


def execution_arn(machine_arn: str, name: str, express_id: str | None) -> str:
    """The ARN of an execution. express_id: of an Express execution."""
    kind = "execution" if express_id is None else "express"
    arn = f"{machine_arn.replace(':stateMachine:', f':{kind}:', 1)}:{name}"
    return arn if express_id is None else f"{arn}:{express_id}"


def journal_name(arn: str) -> str:
    """The name in the journal of the execution with this ARN."""
    parsed = parse_arn(arn, *_KINDS)
    return f"{parsed.account}:{parsed.region}:{parsed.resource}"


def standard_arn(text: str) -> Arn:
    """The ARN of a Standard execution. Raises: ApiError (InvalidArn), also for one of an Express execution."""
    arn = parse_arn(text, *_KINDS)
    if arn.kind == "express":
        raise ApiError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {arn.kind}'")
    return arn


def no_execution(arn: str) -> ApiError:
    """ExecutionDoesNotExist."""
    return ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
