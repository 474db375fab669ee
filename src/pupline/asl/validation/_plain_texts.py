"""Warnings about texts that are taken as they are, although they look like expressions."""

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonata import expression_text
from pupline.asl.jsonpath import compile_intrinsic, compile_path
from pupline.asl.validation._diagnostic import Step
from pupline.asl.validation._placeholders import has_placeholder
from pupline.asl.validation._report import Place
from pupline.json_values import AnyJSON


def looks_like_path(value: AnyJSON) -> bool:
    """Whether a text is a path into the input or the Context Object: `$.a`, `$['a']`, `$$.Execution.Id`."""
    if not isinstance(value, str) or not value.startswith(("$.", "$[", "$$.")) or has_placeholder(value):
        return False
    try:
        compile_path(value, field="Value")
    except SyntaxProblem:
        return False
    return True


def looks_like_expression(value: AnyJSON) -> bool:
    """Whether a text is such a path, or a call of an intrinsic function."""
    if not isinstance(value, str) or not value.startswith("States."):
        return looks_like_path(value)
    try:
        compile_intrinsic(value, field="Value")
    except SyntaxProblem:
        return False
    return True


def warn_about_text(place: Place, steps: tuple[Step, ...], value: str) -> None:
    """A text in a payload template, where only the values of `.$` keys are evaluated."""
    if expression_text(value) is not None:
        message = "This state's query language is JSONPath: the text stays as it is."
        hint = 'Expressions in {% %} need "QueryLanguage": "JSONata".'
        place.warn("LITERAL_JSONATA", message, *steps, hint=hint)
        return
    key = next((step for step in reversed(steps) if isinstance(step, str)), "")
    if _means_a_path(key) or not looks_like_expression(value):
        return
    message = f"The value of '{key}' looks like a {_kind(value)}, but stays as it is."
    hint = f"To have it evaluated, name the field '{key}.$'." if steps[-1] == key else ""
    place.warn("NO_DOLLAR", message, *steps, hint=hint)


def warn_about_path(place: Place, steps: tuple[Step, ...], value: str) -> None:
    """A text in a JSONata state, where paths are not expressions."""
    key = next((step for step in reversed(steps) if isinstance(step, str)), "")
    if not key.endswith(".$") and (_means_a_path(key) or not value.startswith(("$.", "$$.", "States."))):
        return
    if looks_like_expression(value):
        message = f"This state's query language is JSONata: the {_kind(value)} stays as it is."
        place.warn("LITERAL_JSONPATH", message, *steps, hint=_in_jsonata(value))


def _means_a_path(key: str) -> bool:
    """Whether a field of a service's request is a path that the service itself reads, such as InputPath."""
    return "path" in key.lower()


def _kind(value: str) -> str:
    return "call of an intrinsic function" if value.startswith("States.") else "JSONPath"


def _in_jsonata(value: str) -> str:
    if value.startswith("$$."):
        return f"Write {{% $states.context.{value[3:]} %}}."
    return f"Write {{% $states.input.{value[2:]} %}}." if value.startswith("$.") else ""
