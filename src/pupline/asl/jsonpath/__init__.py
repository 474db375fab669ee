"""The JSONPath query language: paths, Reference Paths, payload templates and intrinsic functions, compiled once."""

from pupline.asl.jsonpath._intrinsics import compile_intrinsic
from pupline.asl.jsonpath._path import (
    ReferencePath,
    compile_path,
    compile_presence,
    compile_reference_path,
    reference_problem,
)
from pupline.asl.jsonpath._template import compile_payload_string, compile_template

__all__ = [
    "ReferencePath",
    "compile_intrinsic",
    "compile_path",
    "compile_payload_string",
    "compile_presence",
    "compile_reference_path",
    "compile_template",
    "reference_problem",
]
