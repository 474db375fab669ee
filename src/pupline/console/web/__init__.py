"""What all areas of the console share: the `Console`, its readers, pages, query parameters and errors."""

from pupline.console.web._console import Console
from pupline.console.web._parameters import (
    Cursor,
    Filters,
    Limit,
    Moment,
    Text,
    Texts,
    check_parameters,
)
from pupline.console.web._problems import Problem, bad_request, not_found, problem_of, problem_response
from pupline.console.web._readers import Readers
from pupline.console.web._settings import ConsoleSettings
from pupline.console.web._urls import path_of, with_parameters

__all__ = [
    "Console",
    "ConsoleSettings",
    "Cursor",
    "Filters",
    "Limit",
    "Moment",
    "Problem",
    "Readers",
    "Text",
    "Texts",
    "bad_request",
    "check_parameters",
    "not_found",
    "path_of",
    "problem_of",
    "problem_response",
    "with_parameters",
]
