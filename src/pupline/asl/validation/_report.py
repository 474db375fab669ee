"""The problems of a definition, and a place in it with the checks that many fields need."""

from collections.abc import Callable, Collection, Iterable

from pupline.asl._errors import SyntaxProblem
from pupline.asl._expression import Expression
from pupline.asl.jsonpath import compile_path, compile_reference_path, reference_problem
from pupline.asl.validation._diagnostic import SCHEMA, Diagnostic, Step
from pupline.asl.validation._placeholders import is_placeholder
from pupline.asl.validation._scopes import VariableScope
from pupline.asl.validation._suggest import closest, did_you_mean
from pupline.choice_rules import is_number
from pupline.json_values import AnyJSON

MAX_NESTING = 40
"""How deep Parallel and Map states may be nested here. AWS sets no limit but a definition's size."""

_MOST_HINTS = 100


class Report:
    """The diagnostics found so far.

    machine_type: "STANDARD" or "EXPRESS". variables: state name -> the variables that it reads. unfilled: the places
    where a placeholder such as `${Retries}` stands for a number or another part that text cannot be. raised: the errors
    of Fail states. handled: the places of Error Names in Retry and Catch. times_out: whether the machine has a time
    limit.
    """

    def __init__(self, machine_type: str) -> None:
        self.machine_type = machine_type
        self.diagnostics: list[Diagnostic] = []
        self._found: set[tuple[tuple[Step, ...] | None, str]] = set()
        self.variables: dict[str, set[str]] = {}
        self.unfilled: list[tuple[tuple[Step, ...], str]] = []
        self.raised: set[str] = set()
        self.handled: list[Place] = []
        self.times_out = False

    @property
    def gives_hints(self) -> bool:
        """Whether names are still compared: a definition with more problems is not merely mistyped."""
        return len(self.diagnostics) < _MOST_HINTS

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic, once."""
        key = (diagnostic.steps, diagnostic.message)
        if key not in self._found:
            self._found.add(key)
            self.diagnostics.append(diagnostic)

    def add_without_place(self, message: str) -> None:
        """Add an error of the whole definition, for which AWS names no place."""
        self.add(Diagnostic(SCHEMA, message, None))


class Place:
    """A value in the definition, and its path.

    scope, owner: whose variables its expressions read, and the state that does. language: the query language that
    applies. meant: the fields that mistyped ones probably stand for, with their values: they do not count as missing.
    guessed: it is a state of a mistyped type, so that what seems to be missing may not be.
    """

    def __init__(self, report: Report, path: tuple[Step, ...], value: AnyJSON, scope: VariableScope) -> None:
        self.report = report
        self.path = path
        self.value = value
        self.scope = scope
        self.owner = ""
        self.language = "JSONPath"
        self.meant: dict[str, AnyJSON] = {}
        self.guessed = False

    def inside(self, *steps: Step, value: AnyJSON) -> "Place":
        """The place of `value`, which is inside this one."""
        place = Place(self.report, (*self.path, *steps), value, self.scope)
        place.owner, place.language = self.owner, self.language
        return place

    def add_problem(
        self, message: str, *steps: Step, code: str = SCHEMA, hint: str = "", field: str | None = None
    ) -> None:
        """Add an error here, or at a path inside. field: the one that it is about, where AWS names its object only."""
        self.report.add(Diagnostic(code, message, (*self.path, *steps), hint=hint, field=field))

    def _add_missing(self, message: str, *, known: bool) -> None:
        """Add an error about fields that are missing; known: because they are mistyped, which is reported already."""
        self.report.add(Diagnostic(SCHEMA, message, self.path, consequence=known or self.guessed))

    def warn(self, code: str, message: str, *steps: Step, hint: str = "") -> None:
        """Add a warning here, or at a path inside."""
        self.report.add(Diagnostic(code, message, (*self.path, *steps), "WARNING", hint))

    def is_object(self) -> bool:
        """The value is an object; returns whether that is so."""
        if not isinstance(self.value, dict) and not self.unfilled(self.value):
            self.add_problem("Expected value of type [OBJECT]")
        return isinstance(self.value, dict)

    def unfilled(self, value: AnyJSON, *steps: Step) -> bool:
        """Whether a value that cannot be text is a placeholder; if so, note it."""
        if is_placeholder(value):
            self.note_unfilled(value, *steps)
        return is_placeholder(value)

    # ---- objects

    def allow_only(self, names: Collection[str], explain: Callable[[str], str] = lambda _: "") -> None:
        """Every field is one of these. explain: a hint about a field that is not, or an empty text."""
        for name in self.value:
            if name not in names:
                self.unknown_field(name, names, explain(name))

    def unknown_field(self, name: str, names: Collection[str], explanation: str = "") -> None:
        """A field that is not one of `names`."""
        hint = explanation
        if not hint and self.report.gives_hints:
            meant = closest(name, (other for other in names if other not in self.value))
            if meant is not None:
                self.meant[meant] = self.value[name]
                hint = f"Did you mean '{meant}'?"
        self.add_problem(f"Field '{name}' is not supported", hint=hint, field=name)

    def required(self, *names: str) -> None:
        """All of these fields exist."""
        missing = [name for name in names if name not in self.value]
        if missing:
            known = all(name in self.meant for name in missing)
            self._add_missing(f"These fields are required: [{', '.join(missing)}]", known=known)

    def exclusive(self, *names: str) -> bool:
        """At most one of these fields exists; returns whether that is so."""
        there = [name for name in names if name in self.value]
        if len(there) > 1:
            self.add_problem(f"These fields are mutually exclusive: [{', '.join(there)}]")
        return len(there) < 2

    def one_required(self, *names: str) -> None:
        """One of these fields is missing: an error, unless it is only mistyped."""
        known = any(name in self.meant for name in names)
        self._add_missing(f"One of these fields is required: [{', '.join(names)}]", known=known)

    def exactly_one(self, *names: str) -> None:
        """Exactly one of these fields exists."""
        if self.exclusive(*names) and not any(name in self.value for name in names):
            self.one_required(*names)

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
        if name in self.value and not self.unfilled(value, name):
            self.add_problem("Expected value of type [OBJECT]", name)
        return None

    def items(self, name: str, *, empty: bool) -> list["Place"]:
        """The places of an array field's elements."""
        value = self.value.get(name)
        if isinstance(value, list):
            if not value and not empty:
                self.add_problem("Value cannot be empty", name)
            return [self.inside(name, at, value=item) for at, item in enumerate(value)]
        if name in self.value and not self.unfilled(value, name):
            in_brackets = isinstance(value, str | dict)
            hint = "Write it in brackets, as a list of one." if in_brackets and self.report.gives_hints else ""
            self.add_problem("Expected value of type [ARRAY]", name, hint=hint)
        return []

    def one_of(self, name: str, values: Collection[str]) -> None:
        """A string field with one of these values."""
        value = self.text(name)
        if value is not None and value not in values and not self.unfilled(value, name):
            message = f"Value should be one of the following: [{', '.join(values)}]"
            self.add_problem(message, name, hint=did_you_mean(value, values))

    def integer(self, name: str, *, least: int, most: int | None = None, computed: bool = True) -> int | None:
        """An integer field within bounds; under JSONata also an expression, if `computed`. Its value, when constant."""
        value = self.value.get(name)
        if name not in self.value or (computed and self.computed(name)) or self.unfilled(value, name):
            return None
        if not is_number(value) or (isinstance(value, float) and not value.is_integer()):
            self.add_problem("Expected value of type [INTEGER]", name, hint=self._hint_about_number(value))
            return None
        self._check_bounds(name, value, least, most)
        return int(value)

    def number(self, name: str, *, least: float, most: float | None = None, computed: bool = True) -> None:
        """A number field within bounds; under JSONata also an expression, if `computed`."""
        value = self.value.get(name)
        if name not in self.value or (computed and self.computed(name)) or self.unfilled(value, name):
            return
        if not is_number(value):
            self.add_problem("Expected value of type [NUMBER]", name, hint=self._hint_about_number(value))
        else:
            self._check_bounds(name, value, least, most)

    def _hint_about_number(self, value: AnyJSON) -> str:
        if isinstance(value, str) and value.startswith("$") and self.language == "JSONPath":
            return "A path belongs in the field whose name ends in Path."
        if isinstance(value, str) and value.strip().isdigit():
            return "Write it without the quotes."
        return ""

    def _check_bounds(self, name: str, value: float, least: float, most: float | None) -> None:
        if value < least:
            self.add_problem(f"Minimum value is {least}", name)
        elif most is not None and value > most:
            self.add_problem(f"Maximum value is {most}", name)

    def computed(self, name: str) -> bool:
        """Whether a field of a JSONata state is meant as an expression, which is checked as such elsewhere."""
        value = self.value.get(name)
        if self.language != "JSONata" or not isinstance(value, str):
            return False
        return value.startswith("{%") or value.endswith("%}")

    # ---- paths

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
            self.note_path(compile_path(text, field=name), name)
        except SyntaxProblem as err:
            self.add_problem("Value must be a valid JSONPath.", name, hint=reason(err, text))

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

    def note_path(self, path: Expression, *steps: Step, field: str | None = None) -> None:
        """Note what a path or an intrinsic function reads, and warn about what AWS reads in another way."""
        self.note_variables(path.variables, *steps, field=field)
        for doubt in path.doubts:
            where = steps if field is None else (*steps, field)
            self.warn("DOUBTFUL_PATH", f"In '{path.text[:200]}', {doubt}.", *where)

    def note_variables(self, variables: Iterable[str], *steps: Step, field: str | None = None) -> None:
        """Note the variables that the state reads, and the place inside this one where it does."""
        self.report.variables.setdefault(self.owner, set()).update(variables)
        where = (*self.path, *steps) if field is None else (*self.path, *steps, field)
        for name in variables:
            self.scope.read.setdefault(name, where)

    def note_unfilled(self, text: str, *steps: Step) -> None:
        """Note a text inside this place whose placeholder must be filled in before the machine can run."""
        self.report.unfilled.append(((*self.path, *steps), text))


def reason(problem: SyntaxProblem, text: str) -> str:
    """Why a text cannot be compiled, and where; the message of AWS often says neither."""
    said = problem.reason[:1].upper() + problem.reason[1:] if problem.reason != problem.message else ""
    if problem.position is None:
        return said
    shown = text if len(text) <= 100 else f"{text[:100]}..."
    place = f"at character {min(problem.position, len(text)) + 1} of {shown!r}"
    return f"{said} ({place})." if said else f"It is {place}."
