"""What a Task's Resource names: one small plug-in each, chosen when the machine is parsed.

A plug-in knows which history events its tasks write, what the driver is asked to call, and what the answer becomes.
Another one is one module with an `Integration` class and a line in `_FINDERS`.
"""

from pupline.asl._errors import NOT_SUPPORTED, SyntaxProblem
from pupline.asl.states._integrations import lambda_function, lambda_invoke, service
from pupline.asl.states._integrations.base import Integration

_FINDERS = (lambda_function.find, lambda_invoke.find, service.find)


def integration_for(resource: str) -> Integration:
    """The plug-in of a Task's Resource. Raises SyntaxProblem naming a Resource that none knows."""
    for find in _FINDERS:
        found = find(resource)
        if found is not None:
            return found
    what = "Activities are" if ":activity:" in resource else f"The resource {resource} is"
    raise SyntaxProblem(
        f"{what} not supported; use a Lambda function's ARN, arn:aws:states:::lambda:invoke, or a "
        "service integration such as arn:aws:states:::sns:publish",
        ("Resource",),
        NOT_SUPPORTED,
    )
