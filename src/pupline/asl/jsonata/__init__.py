"""The JSONata query language: values that hold `{% ... %}`, compiled once.

jsonata-python is imported when an expression needs it, not before.
"""

from pupline.asl.jsonata._expression import (
    compile_condition,
    compile_jsonata_value,
    expression_text,
    function_names,
    not_whole,
    states_fields,
    unexpected_type,
)

__all__ = [
    "compile_condition",
    "compile_jsonata_value",
    "expression_text",
    "function_names",
    "not_whole",
    "states_fields",
    "unexpected_type",
]
