"""Checks of a definition, with the messages of CreateStateMachine and ValidateStateMachineDefinition."""

from pupline.asl.validation._definition import (
    Inspection,
    as_problems,
    diagnostics,
    inspect,
    json_problem,
    problems,
    validate_definition,
    variable_references,
)
from pupline.asl.validation._diagnostic import Diagnostic, create_error, json_path
from pupline.asl.validation._order import in_order

__all__ = [
    "Diagnostic",
    "Inspection",
    "as_problems",
    "create_error",
    "diagnostics",
    "in_order",
    "inspect",
    "json_path",
    "json_problem",
    "problems",
    "validate_definition",
    "variable_references",
]
