"""The query language of a machine, also where the definition does not name it."""

from collections.abc import Iterator

from pupline.asl.validation import _fields as fields
from pupline.asl.validation._diagnostic import SCHEMA, Diagnostic, Step
from pupline.asl.validation._report import Place
from pupline.json_values import AnyJSON


def machine_language(root: Place) -> fields.Language:
    """Decide the machine's query language.

    A machine whose states all have fields of JSONata states only has one problem, not one in each state.
    """
    root.one_of("QueryLanguage", fields.LANGUAGES)
    states = root.value.get("States")
    written = root.value.get("QueryLanguage", root.meant.get("QueryLanguage"))
    misplaced = isinstance(states, dict) and isinstance(states.get("QueryLanguage"), str)
    if misplaced:
        written = states["QueryLanguage"]
    if written is not None:
        return "JSONPath" if written == "JSONPath" else "JSONata"
    found = list(_language_fields(root.value, ()))
    if not found or any(language == "JSONPath" for _, _, language in found):
        return "JSONPath"
    for number, (steps, name, _) in enumerate(found):
        hint = 'Set "QueryLanguage": "JSONata" for the whole state machine.'
        problem = fields.other_language_problem(name, "JSONPath")
        root.report.add(Diagnostic(SCHEMA, problem, steps, hint=hint, field=name, consequence=number > 0))
    return "JSONata"


def _language_fields(machine: AnyJSON, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str, str]]:
    """(place of the state, field, language) of each field that only states of one query language have."""
    states = machine.get("States") if isinstance(machine, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict) or len(path) > 200:
            continue
        here = (*path, "States", name)
        if "QueryLanguage" in state:
            yield here, "QueryLanguage", "JSONPath"
        for field in state:
            if field in fields.ONLY_JSONATA or field in fields.ONLY_JSONPATH:
                yield here, field, "JSONata" if field in fields.ONLY_JSONATA else "JSONPath"
        branches = state.get("Branches")
        for at, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _language_fields(branch, (*here, "Branches", at))
        for field in ("ItemProcessor", "Iterator"):
            yield from _language_fields(state.get(field), (*here, field))
