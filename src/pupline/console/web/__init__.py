"""What all areas of the console share: the `Console`, its readers, pages, query parameters and errors."""

from pupline.console.web._console import Console
from pupline.console.web._filters import pretty_json
from pupline.console.web._images import image_text, is_sha256, object_key, object_path, thumbnail_path
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
    "image_text",
    "is_sha256",
    "not_found",
    "object_key",
    "object_path",
    "path_of",
    "pretty_json",
    "problem_of",
    "problem_response",
    "thumbnail_path",
    "with_parameters",
]
