"""What all areas of the console share: the `Console`, its readers, pages, query parameters and errors."""

from pupline.console.web._bodies import RequestBody
from pupline.console.web._console import Console
from pupline.console.web._facets import FEW_RECORDS, FacetLink, FacetMenu, facet_menus
from pupline.console.web._filters import pretty_json, size
from pupline.console.web._images import image_text, is_sha256, object_key, object_path, thumbnail_path
from pupline.console.web._invalid_input import invalid_input
from pupline.console.web._list_preparation import ListPreparation
from pupline.console.web._parameters import (
    Cursor,
    Filters,
    Limit,
    Moment,
    Text,
    Texts,
    check_parameters,
)
from pupline.console.web._problems import ErrorModel, Problem, bad_request, not_found, problem_of, problem_response
from pupline.console.web._readers import Readers
from pupline.console.web._record_filters import (
    Parameter,
    RecordFilters,
    chips,
    kept,
    one_of,
    with_value,
    without,
)
from pupline.console.web._responses import AsciiJSONResponse
from pupline.console.web._settings import ConsoleSettings
from pupline.console.web._urls import path_of, with_parameters

__all__ = [
    "FEW_RECORDS",
    "AsciiJSONResponse",
    "Console",
    "ConsoleSettings",
    "Cursor",
    "ErrorModel",
    "FacetLink",
    "FacetMenu",
    "Filters",
    "Limit",
    "ListPreparation",
    "Moment",
    "Parameter",
    "Problem",
    "Readers",
    "RecordFilters",
    "RequestBody",
    "Text",
    "Texts",
    "bad_request",
    "check_parameters",
    "chips",
    "facet_menus",
    "image_text",
    "invalid_input",
    "is_sha256",
    "kept",
    "not_found",
    "object_key",
    "object_path",
    "one_of",
    "path_of",
    "pretty_json",
    "problem_of",
    "problem_response",
    "size",
    "thumbnail_path",
    "with_parameters",
    "with_value",
    "without",
]
