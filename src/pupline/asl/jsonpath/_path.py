"""Paths and Reference Paths, compiled once into closures that select values.

Semantics are those of the Jayway library as AWS uses it: a definite path (fields and indices only) selects one value or
fails; an indefinite one (wildcards, slices, filters, `..`) selects a list, which may be empty. Nearly all paths of real
state machines are `$`, `$.a`, `$.a.b` or the like under `$$` and `$name`: those are closures of a few lookups.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Evaluate, Expression, Scope
from pupline.asl.jsonpath import _syntax as syntax
from pupline.asl.jsonpath._doubts import doubts_of
from pupline.asl.jsonpath._parser import parse
from pupline.asl.jsonpath._select import MISSING, compile_steps, multiple_names, root_of, take_step
from pupline.json_values import AnyJSON, dumps


def compile_path(text: str, *, field: str) -> Expression:
    """A path as a callable.

    field: the name of the field it was written in, such as "InputPath", "value.$" or "Variable": AWS words a missing
    value differently for each.
    Raises: SyntaxProblem; when called, EvaluationError (States.Runtime).
    """
    parsed = parse(text)
    missing = _missing(text, field, parsed)
    if not parsed.definite:
        evaluate = _indefinite(parsed, missing)
    elif (names := parsed.names) is not None:
        evaluate = _keys_only(parsed, names, missing)
    else:
        evaluate = _definite(parsed, missing, null_past_end=field.endswith(".$"))
    return Expression(text, evaluate, parsed.variables, doubts=doubts_of(parsed))


def compile_presence(text: str) -> Callable[[Scope], bool]:
    """Whether a path finds something, as a predicate. Raises SyntaxProblem."""
    parsed = parse(text)
    evaluate = compile_path(text, field="Variable").evaluate
    names = parsed.names
    if parsed.root == "$" and names is not None:
        return _presence_of_keys(names)

    def present(scope: Scope) -> bool:
        try:
            evaluate(scope)
        except EvaluationError:
            return False
        return True

    return present


def _presence_of_keys(names: tuple[str, ...]) -> Callable[[Scope], bool]:
    def present(scope: Scope) -> bool:
        value = scope.input
        for name in names:
            if type(value) is not dict or name not in value:
                return False
            value = value[name]
        return True

    return present


def reference_problem(text: str) -> str | None:
    """Why a path is not a Reference Path (one that names exactly one place), or None.

    Source: States Language, "Reference Paths": no `@`, `..`, `,`, `:`, `?` or `*`.
    """
    if not text.lstrip().startswith("$"):
        return "Reference path didn't start with '$'"
    try:
        steps = parse(text).steps
    except SyntaxProblem as problem:
        return problem.message
    for step in steps:
        if isinstance(step, syntax.Call):
            return "Reference Path cannot contain function calls"
        if not isinstance(step, (syntax.Key, syntax.Index)):
            return "Reference Path cannot contain the operators @ .. , : ? *"
    return None


class ReferencePath:
    """A path that names one place, as ResultPath needs it: `$`, `$.a`, `$.a.b[0]`."""

    __slots__ = ("keys", "text")

    def __init__(self, text: str, keys: tuple[str | int, ...]) -> None:
        self.text = text
        self.keys = keys

    def put(self, root: AnyJSON, value: AnyJSON) -> AnyJSON:
        """A copy of `root` with `value` at this path; `root` itself is not changed.

        Missing objects are created. Raises: EvaluationError (States.ResultPathMatchFailure) when the root, or a value
        on the path, is not an object (for an index, not an array that is long enough).
        """
        keys = self.keys
        if not keys:
            return value
        if len(keys) == 1 and type(root) is dict and type(keys[0]) is str:
            return {**root, keys[0]: value}
        return self._copy(root, 0, value, root)

    def _copy(self, node: AnyJSON, depth: int, value: AnyJSON, root: AnyJSON) -> AnyJSON:
        key = self.keys[depth]
        last = depth + 1 == len(self.keys)
        if isinstance(key, str) and isinstance(node, dict):
            return {**node, key: value if last else self._copy(node.get(key, {}), depth + 1, value, root)}
        if isinstance(key, int) and isinstance(node, list) and 0 <= key < len(node):
            changed = list(node)
            changed[key] = value if last else self._copy(node[key], depth + 1, value, root)
            return changed
        cause = f"Unable to apply ReferencePath {self.text} to input {dumps(root)}"
        raise EvaluationError("States.ResultPathMatchFailure", cause)


def compile_reference_path(text: str, *, field: str) -> ReferencePath:
    """A Reference Path into the state's input, as `ResultPath` needs it. Raises SyntaxProblem."""
    problem = reference_problem(text)
    if problem is None and parse(text).root != "$":
        problem = f"{field} must start with '$' and be a path into the state's input"
    if problem is not None:
        raise SyntaxProblem(f"Value is not a Reference Path: {problem}")
    keys = [step.name if isinstance(step, syntax.Key) else step.position for step in _plain(parse(text))]
    return ReferencePath(text, tuple(keys))


def _plain(parsed: syntax.ParsedPath) -> Iterable[syntax.Key | syntax.Index]:
    return [step for step in parsed.steps if isinstance(step, (syntax.Key, syntax.Index))]


# ---------------------------------------------------------------- roots and missing values


_BY_VALUE = ("ErrorPath", "CausePath")
_OF_WAIT = ("SecondsPath", "TimestampPath")


def _missing(text: str, field: str, parsed: syntax.ParsedPath) -> Callable[[Scope, str], EvaluationError]:
    """The error for a missing value; the second argument is Jayway's text."""
    if field.endswith(".$") or field in _BY_VALUE:
        base = f"The JSONPath '{text}' specified for the field '{field}' could not be found in the input "
        searched: Evaluate = attrgetter("context" if parsed.root == "$$" else "input")
        return lambda scope, _: _runtime(f"{base}'{dumps(searched(scope))}'")
    if field == "States.":
        named = text[1:] if parsed.root == "$$" else text
        base = f"The JsonPath argument for the field '{named}' could not be found in the input "
        return lambda scope, _: _runtime(f"{base}'{dumps(scope.input)}'")
    if field == "Variable":
        cause = f"Invalid path '{text}': The choice state's condition path references an invalid value."
        return lambda _, __: _runtime(cause)
    if field in _OF_WAIT:
        return lambda _, __: _runtime(f"The {field} parameter does not reference an input value: {text}")
    return lambda _, jayway: _runtime(f"Invalid path '{text}' : {jayway}")


def _runtime(cause: str) -> EvaluationError:
    return EvaluationError("States.Runtime", cause)


# ---------------------------------------------------------------- definite paths


def _keys_only(
    parsed: syntax.ParsedPath, names: tuple[str, ...], missing: Callable[[Scope, str], EvaluationError]
) -> Evaluate:
    """Closures for `$`, `$.a`, `$.a.b`, and a loop for longer ones and other roots.

    A dict is looked up without a check of its type: a list or a string raises TypeError for a text key.
    """
    root = root_of(parsed)
    error = _missing_at(parsed, root, missing)
    if not names and parsed.root in ("$", "$$"):
        return root
    if parsed.root == "$" and len(names) == 1:
        (only,) = names

        def one(scope: Scope) -> AnyJSON:
            try:
                return scope.input[only]
            except (KeyError, TypeError):
                raise error(scope) from None

        return one
    if parsed.root == "$" and len(names) == 2:
        first, second = names

        def two(scope: Scope) -> AnyJSON:
            try:
                return scope.input[first][second]
            except (KeyError, TypeError):
                raise error(scope) from None

        return two

    def many(scope: Scope) -> AnyJSON:
        try:
            value = root(scope)
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            raise error(scope) from None
        return value

    return many


def _definite(
    parsed: syntax.ParsedPath, missing: Callable[[Scope, str], EvaluationError], *, null_past_end: bool
) -> Evaluate:
    """Keys and indices, with several names as the last step.

    null_past_end: AWS returns null, not an error, when the last step of a payload template's path is an index past the
    end of its array.
    """
    root = root_of(parsed)
    error = _missing_at(parsed, root, missing)
    steps = parsed.steps

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            value = root(scope)
        except KeyError:
            raise error(scope) from None
        for at, step in enumerate(steps):
            if isinstance(step, syntax.Keys) and at + 1 < len(steps):
                raise error(scope)
            found = take_step(value, step)
            if found is MISSING:
                past_end = isinstance(step, syntax.Index) and isinstance(value, list) and at + 1 == len(steps)
                if past_end and null_past_end:
                    return None
                raise error(scope)
            value = found
        return value

    return evaluate


def _missing_at(
    parsed: syntax.ParsedPath, root: Evaluate, missing: Callable[[Scope, str], EvaluationError]
) -> Callable[[Scope], EvaluationError]:
    """The error for a path that selects nothing: walks it again, and says in Jayway's words where it ends."""

    def error(scope: Scope) -> EvaluationError:
        try:
            value = root(scope)
        except KeyError:
            return missing(scope, f"No results for path: ${parsed.root}")
        where = "$"
        for at, step in enumerate(parsed.steps):
            last = at + 1 == len(parsed.steps)
            if isinstance(step, syntax.Keys) and not last:
                return missing(scope, multiple_names(step))
            found = take_step(value, step)
            if found is MISSING:
                return missing(scope, _jayway(value, step, where, last=last))
            where += _bracketed(step)
            value = found
        return missing(scope, f"No results for path: {where}")

    return error


def _bracketed(step: syntax.Step) -> str:
    if isinstance(step, syntax.Key):
        return f"['{step.name}']"
    if isinstance(step, syntax.Keys):
        return "[" + ", ".join(f"'{name}'" for name in step.names) + "]"
    if isinstance(step, syntax.FromEnd):
        return f"[@.size()-{step.offset}]"
    return f"[{step.position}]" if isinstance(step, syntax.Index) else ""


def _jayway(value: AnyJSON, step: syntax.Step, where: str, *, last: bool) -> str:
    here = where + _bracketed(step)
    if isinstance(step, (syntax.Index, syntax.FromEnd)):
        if isinstance(value, list):
            return f"Index out of bounds when evaluating path {here}"
        if value is None:
            return f"The path {where} is null"
        return f"Filter: {_bracketed(step)} can only be applied to arrays. Current context is: {dumps(value)[:1000]}"
    if isinstance(value, dict):
        return f"No results for path: {here}" if last else f"Missing property in path {here}"
    return f"Property {_bracketed(step)} not found in path {where}"


# ---------------------------------------------------------------- indefinite paths


def _indefinite(parsed: syntax.ParsedPath, missing: Callable[[Scope, str], EvaluationError]) -> Evaluate:
    root = root_of(parsed)
    walk = compile_steps(parsed.steps)
    error = _missing_at(syntax.ParsedPath(parsed.root, ()), root, missing)

    def evaluate(scope: Scope) -> AnyJSON:
        try:
            value = root(scope)
        except KeyError:
            raise error(scope) from None
        return walk(value, scope)

    return evaluate
