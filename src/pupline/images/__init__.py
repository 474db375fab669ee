"""What an image is: its type, size and wholeness from its bytes, and the name it is kept under. Pure.

inspection = inspect(body)
inspection.file_type, inspection.width, inspection.problem
key = object_key("html", safe_name(url))
"""

from pupline.images._extensions import extension_agrees
from pupline.images._inspection import MAX_PIXELS, Inspection, Problem, inspect
from pupline.images._kept import CONTENT_TYPES, MAX_NAMES, candidate_names, content_type_of
from pupline.images._names import (
    MAX_KEY_BYTES,
    MAX_NAME_BYTES,
    alternative_name,
    name_extension,
    object_key,
    safe_name,
)
from pupline.images._sniff import IMAGE_TYPES

__all__ = [
    "CONTENT_TYPES",
    "IMAGE_TYPES",
    "MAX_KEY_BYTES",
    "MAX_NAMES",
    "MAX_NAME_BYTES",
    "MAX_PIXELS",
    "Inspection",
    "Problem",
    "alternative_name",
    "candidate_names",
    "content_type_of",
    "extension_agrees",
    "inspect",
    "name_extension",
    "object_key",
    "safe_name",
]
