"""The problems of a definition, and a place in it with the checks that many fields need."""

import re
from collections.abc import Callable, Collection, Iterable

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonata import compile_jsonata_value, expression_text
from pupline.asl.jsonpath import compile_path, compile_reference_path, compile_template, reference_problem
from pupline.choice_rules import is_number
from pupline.json_values import AnyJSON

MAX_NESTING = 40
"""How deep Parallel and Map states may be nested here. AWS sets no limit but a definition's size."""

_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_Step = str | int


class Report:
    """The problems found so far.

    machine_type: "STANDARD" or "EXPRESS". variables: state name -> the variables that it reads.
    """

    def __init__(self, machine_type: str) -> None:
        self.machine_type = machine_type
        self.problems: list[tuple[str, str]] = []
        self._found: set[tuple[str, str]] = set()
        self.variables: dict[str, set[str]] = {}

    def add(self, path: Iterable[_Step], message: str, code: str = _SCHEMA) -> None:
        """Add a problem at a path, once."""
        problem = (json_path(path), f"{code}: {message}")
        if problem not in self._found:
            self._found.add(problem)
            self.problems.append(problem)

    def add_without_place(self, message: str) -> None:
        """Add a problem of the whole definition, for which AWS names no place."""
        self.problems.append(("", f"{_SCHEMA}: {message}"))


def json_path(path: Iterable[_Step]) -> str:
    """Keys and indices as a JSON path: `$.States['My state'].Choices[0]`."""
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[\w$-]+", step):
            text += f".{step}"
        else:
            escaped = step.replace("\\", "\\\\").replace("'", "\\'")
            text += f"['{escaped}']"
    return text


class Place:
    """A value in the definition, and its path.

    owner: the state that reads the variables in its expressions. language: the query language that applies.
    """

    def __init__(
        self, report: Report, path: tuple[_Step, ...], value: AnyJSON, owner: str = "", language: str = "JSONPath"
    ) -> None:
        self.report = report
        self.path = path
        self.value = value
        self.owner = owner
        self.language = language

    def inside(self, *steps: _Step, value: AnyJSON) -> "Place":
        """The place of `value`, which is inside this one."""
        return Place(self.report, (*self.path, *steps), value, self.owner, self.language)

    def add_problem(self, message: str, *steps: _Step, code: str = _SCHEMA) -> None:
        """Add a problem here, or at a path inside."""
        self.report.add((*self.path, *steps), message, code)

    def is_object(self) -> bool:
        """The value is an object; returns whether that is so."""
        if not isinstance(self.value, dict):
            self.add_problem("Expected value of type [OBJECT]")
        return isinstance(self.value, dict)

    # ---- objects

    def allow_only(self, names: Collection[str]) -> None:
        """Every field is one of these."""
        for name in self.value:
            if name not in names:
                self.add_problem(f"Field '{name}' is not supported")

    def required(self, *names: str) -> None:
        """All of these fields exist."""
        missing = [name for name in names if name not in self.value]
        if len(missing) == 1:
            self.add_problem(f"The field '{missing[0]}' is required but was missing")
        elif missing:
            self.add_problem(f"These fields are required: [{', '.join(missing)}]")

    def exclusive(self, *names: str) -> bool:
        """At most one of these fields exists; returns whether that is so."""
        there = [name for name in names if name in self.value]
        if len(there) > 1:
            self.add_problem(f"These fields are mutually exclusive: [{', '.join(there)}]")
        return len(there) < 2

    def exactly_one(self, *names: str) -> None:
        """Exactly one of these fields exists."""
        if self.exclusive(*names) and not any(name in self.value for name in names):
            self.add_problem(f"One of these fields is required: [{', '.join(names)}]")

    # ---- fields of an object; a missing field is valid

    def text(self, name: str) -> str | None:
        """A string field's value, or None when it is missing or of another type."""
        value = self.value.get(name)
        if isinstance(value, str):
            return value
        if name in self.value:
            self.add_problem("Expected value of type [STRING]", name)
        return None

    def object(self, name: str) -> "Place | None":
        """The place of an object field."""
        value = self.value.get(name)
        if isinstance(value, dict):
            return self.inside(name, value=value)
        if name in self.value:
            self.add_problem("Expected value of type [OBJECT]", name)
        return None

    def items(self, name: str, *, empty: bool) -> list["Place"]:
        """The places of an array field's elements."""
        value = self.value.get(name)
        if isinstance(value, list):
            if not value and not empty:
                self.add_problem("Value cannot be empty", name)
            return [self.inside(name, at, value=item) for at, item in enumerate(value)]
        if name in self.value:
            self.add_problem("Expected value of type [ARRAY]", name)
        return []

    def one_of(self, name: str, values: Collection[str]) -> None:
        """A string field with one of these values."""
        value = self.text(name)
        if value is not None and value not in values:
            self.add_problem(f"Value should be one of the following: [{', '.join(values)}]", name)

    def integer(self, name: str, *, least: int, most: int | None = None, computed: bool = True) -> int | None:
        """An integer field within bounds; under JSONata also an expression, if `computed`. Its value, when constant."""
        value = self.value.get(name)
        if name not in self.value or (computed and self.dynamic(name)):
            return None
        if not is_number(value) or (isinstance(value, float) and not value.is_integer()):
            self.add_problem("Expected value of type [INTEGER]", name)
            return None
        self._check_bounds(name, value, least, most)
        return int(value)

    def number(self, name: str, *, least: float, most: float | None = None, computed: bool = True) -> None:
        """A number field within bounds; under JSONata also an expression, if `computed`."""
        value = self.value.get(name)
        if name not in self.value or (computed and self.dynamic(name)):
            return
        if not is_number(value):
            self.add_problem("Expected value of type [NUMBER]", name)
        else:
            self._check_bounds(name, value, least, most)

    def _check_bounds(self, name: str, value: float, least: float, most: float | None) -> None:
        if value < least:
            self.add_problem(f"Value must be greater than or equal to {least}", name)
        elif most is not None and value > most:
            self.add_problem(f"Value must be less than or equal to {most}", name)

    # ---- expressions

    def dynamic(self, name: str) -> bool:
        """Whether a field of a JSONata state is an expression; if so, check it."""
        if self.language != "JSONata" or expression_text(self.value.get(name)) is None:
            return False
        self.jsonata(name)
        return True

    def jsonata(self, name: str) -> None:
        """A field that may hold JSONata anywhere."""
        if name in self.value:
            self._compiled(name, lambda value: compile_jsonata_value(value, location=name).variables)

    def template(self, name: str) -> None:
        """A payload template, or under JSONata a value that may hold expressions."""
        if self.language == "JSONata":
            self.jsonata(name)
        elif name in self.value:
            self._compiled(name, lambda value: compile_template(value, field=name).variables)

    def path_field(self, name: str, *, null: bool = False, reference: bool = False) -> None:
        """A field that is a path (null: or null; reference: a Reference Path)."""
        if name not in self.value or (null and self.value[name] is None):
            return
        text = self.text(name)
        if text is None:
            return
        problem = reference_problem(text) if reference else None
        if problem is not None:
            self.add_problem(f"Value is not a Reference Path: {problem}", name)
            return
        try:
            self.note_variables(compile_path(text, field=name).variables)
        except SyntaxProblem as err:
            self.add_problem(f"Value is not a valid JSONPath: {err.message}", name)

    def result_path(self) -> None:
        """A ResultPath: null, or a Reference Path into the input."""
        if self.value.get("ResultPath") is None:
            return
        text = self.text("ResultPath")
        if text is not None:
            try:
                compile_reference_path(text, field="ResultPath")
            except SyntaxProblem as err:
                self.add_problem(err.message, "ResultPath")

    def _compiled(self, name: str, compile_value: Callable[[AnyJSON], Iterable[str]]) -> None:
        try:
            self.note_variables(compile_value(self.value[name]))
        except SyntaxProblem as err:
            self.add_problem(err.message, name, *err.path, code=err.code)

    def note_variables(self, variables: Iterable[str]) -> None:
        """Note the variables that the state reads."""
        self.report.variables.setdefault(self.owner, set()).update(variables)
