"""What an image is: its type, size and integrity from its bytes, and its name in a bucket. Pure.

inspection = inspect(body)
inspection.file_type, inspection.width, inspection.problem
key = object_key("html", safe_name(url))
"""

from pupline.images._inspection import MAX_PIXELS, Inspection, inspect
from pupline.images._names import (
    MAX_KEY_BYTES,
    MAX_NAME_BYTES,
    MAX_NAMES,
    candidate_names,
    image_name,
    name_extension,
    object_key,
    safe_name,
)
from pupline.images._private_metadata import without_private_metadata
from pupline.images._types import IMAGE_TYPES, content_type_of, extension_agrees

__all__ = [
    "IMAGE_TYPES",
    "MAX_KEY_BYTES",
    "MAX_NAMES",
    "MAX_NAME_BYTES",
    "MAX_PIXELS",
    "Inspection",
    "candidate_names",
    "content_type_of",
    "extension_agrees",
    "image_name",
    "inspect",
    "name_extension",
    "object_key",
    "safe_name",
    "without_private_metadata",
]
