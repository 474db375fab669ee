"""Checks of a definition, with the messages of CreateStateMachine and ValidateStateMachineDefinition."""

from pupline.asl.validation._definition import create_error, diagnostics, json_problem, problems, variable_references
from pupline.asl.validation._report import json_path

__all__ = ["create_error", "diagnostics", "json_path", "json_problem", "problems", "variable_references"]
