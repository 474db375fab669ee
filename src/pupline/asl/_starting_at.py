"""The definition for an execution that begins in the middle: at a given state, with given variables."""

import json
from collections.abc import Mapping

from pupline.json_values import AnyJSON

RESTORE = "RestoreVariables"
"""The Pass state that assigns the variables, where there are any."""


def starting_at(definition: Mapping[str, AnyJSON], state: str, variables: Mapping[str, AnyJSON]) -> dict[str, AnyJSON]:
    """The definition with `StartAt` at a top-level state, which finds these variables assigned.

    Step Functions has nothing for this; a definition of its own is what its users make by hand. So nothing else has to
    know of it: the definition is recorded with the execution, and drawn, as any other.
    Raises: KeyError for a state that the definition does not have at its top.
    """
    states = {name: one for name, one in definition["States"].items() if name != RESTORE}
    if state not in states:
        raise KeyError(state)
    if not variables:
        return {**definition, "StartAt": state, "States": states}
    assign = {name: _literal(value) for name, value in variables.items()}
    restore = {"Type": "Pass", "QueryLanguage": "JSONata", "Assign": assign, "Next": state}
    return {**definition, "StartAt": RESTORE, "States": {RESTORE: restore, **states}}


def _literal(value: AnyJSON) -> AnyJSON:
    """The value as JSON in which no text is taken for an expression."""
    if isinstance(value, str):
        return f"{{% {_quoted(value)} %}}" if value.startswith("{%") else value
    if isinstance(value, list):
        return [_literal(one) for one in value]
    if isinstance(value, dict):
        return {name: _literal(one) for name, one in value.items()}
    return value


def _quoted(text: str) -> str:
    """The text as a string of JSONata, without `%`, which could end the expression."""
    return json.dumps(text).replace("%", "\\u0025")
