"""The expressions of a field: each is compiled by itself, so that one mistake does not hide the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonata import compile_jsonata_value, expression_text, function_names, states_fields
from pupline.asl.jsonpath import compile_payload_string
from pupline.asl.validation._diagnostic import Step
from pupline.asl.validation._placeholders import has_placeholder
from pupline.asl.validation._plain_texts import warn_about_path, warn_about_text
from pupline.asl.validation._report import Place, reason
from pupline.asl.validation._suggest import closest, did_you_mean
from pupline.json_values import AnyJSON

StatesField: TypeAlias = Literal["result", "errorOutput"]
"""A field of `$states` that exists in some places only."""

MAX_DEPTH = 200
"""Levels of objects and arrays in one value, as the engine compiles them."""

_FIELDS = ("input", "result", "context", "errorOutput")
_MISTAKEN = {"item": "context.Map.Item.Value", "execution": "context.Execution", "error": "errorOutput.Error"}

_CALL = re.compile(r"\$(\w+)\s*+\(")

_INVALID = "INVALID_JSONATA_EXPRESSION"
_UNSUPPORTED = "UNSUPPORTED_JSONATA_EXPRESSION"


def check_template(place: Place, name: str) -> None:
    """A payload template: every `.$` key is a path or an intrinsic function; other texts are taken as they are."""
    if name not in place.value:
        return
    for steps, value in _objects_and_texts(place, name):
        if isinstance(value, dict):
            _check_keys(place, steps, value)
        elif not str(steps[-1]).endswith(".$"):
            warn_about_text(place, steps, value)


def _check_keys(place: Place, steps: tuple[Step, ...], value: dict[str, AnyJSON]) -> None:
    for key, text in value.items():
        if not key.endswith(".$"):
            continue
        if key[:-2] in value:
            place.add_problem(f"The field '{key[:-2]}' is given twice, with and without '.$'", *steps, field=key)
        try:
            place.note_path(compile_payload_string(text, field=key), *steps, field=key)
        except SyntaxProblem as problem:
            if has_placeholder(text):
                place.note_unfilled(text, *steps, key)
            else:
                place.add_problem(problem.message, *steps, hint=reason(problem, text), field=key)


def check_jsonata(place: Place, name: str, *, also: StatesField | None = None) -> None:
    """A value that may hold JSONata anywhere. also: the field of `$states` that exists there but not everywhere."""
    if name not in place.value:
        return
    for steps, value in _objects_and_texts(place, name):
        if isinstance(value, str):
            _check_text(place, steps, value, also)


def _check_text(place: Place, steps: tuple[Step, ...], value: str, also: StatesField | None) -> None:
    text = expression_text(value)
    if text is None:
        _check_delimiters(place, steps, value)
        warn_about_path(place, steps, value)
        return
    try:
        variables = compile_jsonata_value(value, location=str(steps[0])).variables
        fields = states_fields(text)
    except SyntaxProblem as problem:
        if has_placeholder(value):
            place.note_unfilled(value, *steps)
        else:
            place.add_problem(problem.message, *steps, code=problem.code, hint=reason(problem, text))
        return
    called = variables.intersection(_CALL.findall(text))
    for name in sorted(called):
        known = [f"${each}" for each in function_names()] if place.report.gives_hints else []
        hint = "Use $parse." if name == "eval" else did_you_mean(f"${name}", known)
        place.warn("UNKNOWN_FUNCTION", f"There is no function '${name}'.", *steps, hint=hint)
    place.note_variables(variables - called, *steps)
    for missing in sorted(fields - {"input", "context", also}):
        message = f"Field '$states.{missing}' does not exist."
        place.add_problem(message, *steps, code=_UNSUPPORTED, hint=_where(missing))


def _where(name: str) -> str:
    """Where a field of `$states` exists."""
    if name == "result":
        return "It exists in Output and Assign of Task, Parallel and Map states; elsewhere read $states.input."
    if name == "errorOutput":
        return "It exists in Output and Assign of a Catcher."
    return f"Did you mean '$states.{_MISTAKEN.get(name) or closest(name, _FIELDS) or f'input.{name}'}'?"


def _check_delimiters(place: Place, steps: tuple[Step, ...], value: str) -> None:
    """A text that was meant as an expression. AWS refuses one that is opened or closed only, and takes others as text.

    Source: AWS, "Transforming data with JSONata"; recorded: blanks on both sides make a text.
    """
    if value.startswith("{%") or value.endswith("%}"):
        message = "The JSONata expression is not opened and closed properly."
        place.add_problem(message, *steps, code=_INVALID, hint=_delimiter_hint(value))
    elif "{%" in value and "%}" in value.partition("{%")[2]:
        message = "Only a text that begins with '{%' and ends with '%}' is an expression; this one stays as it is."
        around = value.strip().startswith("{%") and value.strip().endswith("%}")
        hint = "Remove the blanks around it." if around else "To join texts, use & inside one expression."
        place.warn("LITERAL_JSONATA", message, *steps, hint=hint)


def _delimiter_hint(value: str) -> str:
    if value.strip().startswith("{%") and value.strip().endswith("%}") and value != value.strip():
        return "Remove the blanks before '{%' and after '%}'."
    if value.startswith("{%"):
        return "It begins with '{%' but does not end with '%}'."
    return "It ends with '%}' but does not begin with '{%'."


def _objects_and_texts(place: Place, name: str) -> Iterator[tuple[tuple[Step, ...], AnyJSON]]:
    """The objects and texts of a field, in order, each with its path below the place."""
    ahead: list[tuple[tuple[Step, ...], AnyJSON]] = [((name,), place.value[name])]
    while ahead:
        steps, value = ahead.pop()
        if isinstance(value, (dict, str)):
            yield steps, value
        if isinstance(value, (dict, list)):
            if len(steps) > MAX_DEPTH:
                place.add_problem(f"A value is nested more than {MAX_DEPTH} deep", name)
                return
            items = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [((*steps, key), item) for key, item in items if isinstance(item, (dict, list, str))]
            ahead += reversed(inner)
