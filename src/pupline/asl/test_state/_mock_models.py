"""Checks of TestState's mocked results against the API model of the service.

The models are botocore's, when it is installed (the extra `aws`); without it nothing is checked. As on AWS, unknown
fields are accepted. STRICT also requires the required fields, PRESENT checks only existing ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pupline.asl._service_models import member_name, operation_model, sdk_member_name
from pupline.json_values import AnyJSON

_RESOURCE = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(aws-sdk:)?([a-z0-9-]+):(\w+)")
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a string"),
    "blob": ((str,), "a string"),
    "timestamp": ((str,), "a string"),
    "character": ((str,), "a string"),
    "integer": ((int, float), "a number"),
    "long": ((int, float), "a number"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "boolean": ((bool,), "a boolean"),
    "list": ((list,), "an array"),
    "structure": ((dict,), "an object"),
    "map": ((dict,), "an object"),
}


def problem_of(resource: str, result: AnyJSON, mode: str) -> str | None:
    """AWS's message about an invalid mocked result; None for a valid one, or without a model.

    mode: STRICT, PRESENT or NONE.
    """
    match = _RESOURCE.fullmatch(resource)  # .sync and .waitForTaskToken have other results than the API
    if mode == "NONE" or match is None:
        return None
    operation = operation_model(match[2], match[3])
    shape = None if operation is None else operation.output_shape
    spell = sdk_member_name if match[1] else member_name
    return None if shape is None else _Check(spell, strict=mode == "STRICT").problem(shape, result, "")


@dataclass(frozen=True, slots=True)
class _Check:
    """The check of one result. spell: a member's name in the result, by its name in the API."""

    spell: Callable[[str], str]
    _: KW_ONLY
    strict: bool

    def problem(self, shape: Any, value: AnyJSON, name: str) -> str | None:
        """AWS's message about the value of the field `name`."""
        kinds, expected = _KINDS.get(shape.type_name, ((object,), "a value"))
        if not _is_one_of(value, kinds):
            return f"Field '{name}' must be {expected}"
        if shape.type_name == "structure":
            return self._structure(shape, value)
        if shape.type_name == "list":
            found = (self.problem(shape.member, item, name) for item in value)
            return next((problem for problem in found if problem), None)
        if shape.type_name == "map":
            found = (self.problem(shape.value, item, key) for key, item in value.items())
            return next((problem for problem in found if problem), None)
        return _check_bounds(shape, value, name)

    def _structure(self, shape: Any, value: dict[str, AnyJSON]) -> str | None:
        if self.strict:
            for name in map(self.spell, shape.required_members):
                if name not in value:
                    return f"Required field '{name}' is missing"
        for name, member in shape.members.items():
            shown = self.spell(name)
            if shown in value and not (shape.name == "InvocationResponse" and shown == "Payload"):
                problem = self.problem(member, value[shown], shown)
                if problem:
                    return problem
        return None


def _is_one_of(value: AnyJSON, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds or object in kinds
    return isinstance(value, kinds)


def _check_bounds(shape: Any, value: AnyJSON, name: str) -> str | None:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        return f"Field '{name}' is not an expected value"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    is_text = isinstance(value, str)
    size = len(value) if is_text else value
    if low is not None and size < low:
        return f"Field '{name}' is {'smaller than the minimum length' if is_text else 'less than the minimum value'}"
    if high is not None and size > high:
        return f"Field '{name}' exceeds the maximum {'length' if is_text else 'value'}"
    return None
