"""Paths and Reference Paths, compiled once into closures that select values.

Semantics are those of the Jayway library as AWS uses it: a definite path (fields and indices only) gives its value or
fails; an indefinite one (wildcards, slices, filters, `..`) gives a list, empty when nothing is found. Nearly all paths
of real state machines are `$`, `$.a`, `$.a.b` or the like under `$$` and `$name`: those are closures of a few lookups.
"""

import math
from collections.abc import Callable, Iterable
from operator import attrgetter

from pupline.asl import _jsonpath_parse as syntax
from pupline.asl._jsonpath_filter import compile_filter
from pupline.asl._values import JSON, EvaluationError, Expression, Scope, SyntaxProblem, dump

MAX_VISITED = 1_000_000
"""Values one evaluation may visit: an input of 256 KiB holds at most 131,000, and `..*..*` could visit the square."""

_Root = Callable[[Scope], JSON]
_Select = Callable[[JSON, Scope], list[JSON]]
_MISSING: JSON = object()


def compile_path(text: str, *, field: str) -> Expression:
    """A path as a callable.

    field: the name of the field it was written in, such as "InputPath", "value.$" or "Variable": AWS words a missing
    value differently for each.
    Raises: SyntaxProblem; when called, EvaluationError (States.Runtime).
    """
    parsed = syntax.parse(text)
    missing = _missing(text, field, parsed)
    if not parsed.definite:
        evaluate = _indefinite(parsed, missing)
    elif all(isinstance(step, syntax.Key) for step in parsed.steps):
        evaluate = _keys_only(parsed, missing)
    else:
        evaluate = _definite(parsed, missing, null_past_end=field.endswith(".$"))
    return Expression(text, evaluate, parsed.variables)


def compile_presence(text: str) -> Callable[[Scope], bool]:
    """Whether a path finds something, as a predicate. Raises SyntaxProblem."""
    parsed = syntax.parse(text)
    evaluate = compile_path(text, field="Variable").evaluate
    if parsed.root == "$" and len(parsed.steps) == 1 and isinstance(parsed.steps[0], syntax.Key):
        name = parsed.steps[0].name
        return lambda scope: isinstance(scope.input, dict) and name in scope.input

    def present(scope: Scope) -> bool:
        try:
            evaluate(scope)
        except EvaluationError:
            return False
        return True

    return present


def reference_problem(text: str) -> str | None:
    """Why a path is no Reference Path (one that can name a single place only), or None.

    Source: States Language, "Reference Paths": no `@`, `..`, `,`, `:`, `?` or `*`.
    """
    if not text.startswith("$"):
        return "Reference path didn't start with '$'"
    try:
        steps = syntax.parse(text).steps
    except SyntaxProblem as problem:
        return problem.message
    for step in steps:
        if isinstance(step, syntax.Function):
            return "Reference Path cannot contain function calls"
        if not isinstance(step, (syntax.Key, syntax.Index)):
            return "Reference Path cannot contain the operators @ .. , : ? *"
    return None


class ReferencePath:
    """Where a ResultPath puts its value: `$`, `$.a`, `$.a.b[0]`."""

    __slots__ = ("keys", "text")

    def __init__(self, text: str, keys: tuple[str | int, ...]) -> None:
        self.text = text
        self.keys = keys

    def put(self, root: JSON, value: JSON) -> JSON:
        """A copy of `root` with `value` at this path; `root` itself is left alone.

        Missing objects on the way are made. Raises: EvaluationError (States.ResultPathMatchFailure) when something
        on the way, or the root, is not an object (or for an index, not an array that has it).
        """
        keys = self.keys
        if not keys:
            return value
        if len(keys) == 1 and type(root) is dict:
            return {**root, keys[0]: value}
        return self._copy(root, 0, value, root)

    def _copy(self, node: JSON, depth: int, value: JSON, root: JSON) -> JSON:
        key = self.keys[depth]
        last = depth + 1 == len(self.keys)
        if isinstance(key, str) and isinstance(node, dict):
            return {**node, key: value if last else self._copy(node.get(key, {}), depth + 1, value, root)}
        if isinstance(key, int) and isinstance(node, list) and -len(node) <= key < len(node):
            changed = list(node)
            changed[key] = value if last else self._copy(node[key], depth + 1, value, root)
            return changed
        cause = f"Unable to apply ReferencePath {self.text} to input {dump(root)}"
        raise EvaluationError("States.ResultPathMatchFailure", cause)


def compile_reference_path(text: str, *, field: str) -> ReferencePath:
    """A Reference Path into the state's input, as `ResultPath` needs it. Raises SyntaxProblem."""
    problem = reference_problem(text)
    if problem is None and syntax.parse(text).root != "$":
        problem = f"{field} must start with '$' and be a path into the state's input"
    if problem is not None:
        raise SyntaxProblem(f"Value is not a Reference Path: {problem}")
    keys = [step.name if isinstance(step, syntax.Key) else step.position for step in _plain(syntax.parse(text))]
    return ReferencePath(text, tuple(keys))


def _plain(parsed: syntax.Parsed) -> Iterable[syntax.Key | syntax.Index]:
    return [step for step in parsed.steps if isinstance(step, (syntax.Key, syntax.Index))]


# ---------------------------------------------------------------- roots and missing values


def _root(parsed: syntax.Parsed) -> _Root:
    if parsed.root == "$":
        return attrgetter("input")
    if parsed.root == "$$":
        return attrgetter("context")
    name = parsed.root
    return lambda scope: scope.variables[name]


_BY_VALUE = ("ErrorPath", "CausePath")
_OF_WAIT = ("SecondsPath", "TimestampPath")


def _missing(text: str, field: str, parsed: syntax.Parsed) -> Callable[[Scope, str], EvaluationError]:
    """The error for a value that is not there; the second argument is what Jayway would say."""
    if field.endswith(".$") or field in _BY_VALUE:
        base = f"The JSONPath '{text}' specified for the field '{field}' could not be found in the input "
        searched: _Root = attrgetter("context" if parsed.root == "$$" else "input")
        return lambda scope, _: _runtime(f"{base}'{dump(searched(scope))}'")
    if field == "States.":
        named = text[1:] if parsed.root == "$$" else text
        base = f"The JsonPath argument for the field '{named}' could not be found in the input "
        return lambda scope, _: _runtime(f"{base}'{dump(scope.input)}'")
    if field == "Variable":
        cause = f"Invalid path '{text}': The choice state's condition path references an invalid value."
        return lambda _, __: _runtime(cause)
    if field in _OF_WAIT:
        return lambda _, __: _runtime(f"The {field} parameter does not reference an input value: {text}")
    return lambda _, jayway: _runtime(f"Invalid path '{text}' : {jayway}")


def _runtime(cause: str) -> EvaluationError:
    return EvaluationError("States.Runtime", cause)


# ---------------------------------------------------------------- definite paths


def _keys_only(parsed: syntax.Parsed, missing: Callable[[Scope, str], EvaluationError]) -> _Root:
    """Closures for `$`, `$.a`, `$.a.b`, and a loop for longer ones and other roots.

    A dict is looked up without asking for its type first: a list or a string answers a text key with TypeError.
    """
    names = tuple(step.name for step in parsed.steps if isinstance(step, syntax.Key))
    root = _root(parsed)
    explain = _explain(parsed, root, missing)
    if not names and parsed.root in ("$", "$$"):
        return root
    if parsed.root == "$" and len(names) == 1:
        (only,) = names

        def one(scope: Scope) -> JSON:
            try:
                return scope.input[only]
            except (KeyError, TypeError):
                raise explain(scope) from None

        return one
    if parsed.root == "$" and len(names) == 2:
        first, second = names

        def two(scope: Scope) -> JSON:
            try:
                return scope.input[first][second]
            except (KeyError, TypeError):
                raise explain(scope) from None

        return two

    def many(scope: Scope) -> JSON:
        try:
            value = root(scope)
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            raise explain(scope) from None
        return value

    return many


def _definite(parsed: syntax.Parsed, missing: Callable[[Scope, str], EvaluationError], *, null_past_end: bool) -> _Root:
    """Keys and indices, with a function or several names as the last step.

    null_past_end: AWS gives null, not an error, when the last step of a payload template's path is an index past the
    end of its array.
    """
    root = _root(parsed)
    explain = _explain(parsed, root, missing)
    steps = parsed.steps

    def evaluate(scope: Scope) -> JSON:
        try:
            value = root(scope)
        except KeyError:
            raise explain(scope) from None
        for at, step in enumerate(steps):
            found = _step(value, step)
            if found is _MISSING:
                past_end = isinstance(step, syntax.Index) and isinstance(value, list) and at + 1 == len(steps)
                if past_end and null_past_end:
                    return None
                raise explain(scope)
            value = found
        return value

    return evaluate


def _step(value: JSON, step: syntax.Step) -> JSON:
    if isinstance(step, syntax.Key):
        return value.get(step.name, _MISSING) if isinstance(value, dict) else _MISSING
    if isinstance(step, syntax.Index):
        return _at(value, step.position)
    if isinstance(step, syntax.Keys):
        if not isinstance(value, dict):
            return _MISSING
        return {name: value[name] for name in step.names if name in value}
    if isinstance(step, syntax.Function):
        return _FUNCTIONS[step.name](value)
    raise AssertionError(f"{step} is not part of a definite path")


def _at(value: JSON, position: int) -> JSON:
    if isinstance(value, list) and -len(value) <= position < len(value):
        return value[position]
    return _MISSING


def _explain(
    parsed: syntax.Parsed, root: _Root, missing: Callable[[Scope, str], EvaluationError]
) -> Callable[[Scope], EvaluationError]:
    """Walks the path again, slowly, to say in Jayway's words where it ended."""

    def explain(scope: Scope) -> EvaluationError:
        try:
            value = root(scope)
        except KeyError:
            return missing(scope, f"No results for path: ${parsed.root}")
        where = "$"
        for at, step in enumerate(parsed.steps):
            found = _step(value, step)
            if found is _MISSING:
                return missing(scope, _jayway(value, step, where, last=at + 1 == len(parsed.steps)))
            where += _bracketed(step)
            value = found
        return missing(scope, f"No results for path: {where}")

    return explain


def _bracketed(step: syntax.Step) -> str:
    if isinstance(step, syntax.Key):
        return f"['{step.name}']"
    return f"[{step.position}]" if isinstance(step, syntax.Index) else ""


def _jayway(value: JSON, step: syntax.Step, where: str, *, last: bool) -> str:
    here = where + _bracketed(step)
    if isinstance(step, syntax.Function):
        return f"Function {step.name}() cannot be applied to {dump(value)[:200]}"
    if isinstance(step, syntax.Index):
        if isinstance(value, list):
            return f"No results for path: {here}"
        if value is None:
            return f"The path {where} is null"
        return f"Filter: [{step.position}] can only be applied to arrays. Current context is: {dump(value)[:1000]}"
    if isinstance(value, dict):
        return f"No results for path: {here}" if last else f"Missing property in path {here}"
    wanted = _bracketed(step) or "[...]"
    return f"Expected to find an object with property {wanted} in path {where} but found {_java_class(value)}"


def _java_class(value: JSON) -> str:
    names = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "ArrayList"}
    return f"'java.lang.{names[type(value)]}'" if value is not None else "'null'"


# ---------------------------------------------------------------- indefinite paths


def _indefinite(parsed: syntax.Parsed, missing: Callable[[Scope, str], EvaluationError]) -> _Root:
    root = _root(parsed)
    function = parsed.steps[-1] if isinstance(parsed.steps[-1], syntax.Function) else None
    walk = compile_steps(parsed.steps[:-1] if function else parsed.steps)
    explain = _explain(syntax.Parsed(parsed.root, ()), root, missing)

    def evaluate(scope: Scope) -> JSON:
        try:
            value = root(scope)
        except KeyError:
            raise explain(scope) from None
        found = walk(value, scope)
        if function is None:
            return found
        result = _FUNCTIONS[function.name](found)
        if result is _MISSING:
            raise missing(scope, _jayway(found, function, "$", last=True))
        return result

    return evaluate


def compile_steps(steps: tuple[syntax.Step, ...]) -> _Select:
    """Steps as a callable: (value, scope) -> all the values they select, in document order."""
    selectors: list[tuple[bool, Callable[[JSON, Scope], Iterable[JSON]]]] = []
    deep = False
    for step in steps:
        if isinstance(step, syntax.Descend):
            deep = True
        else:
            selectors.append((deep, _selector(step)))
            deep = False

    def select(value: JSON, scope: Scope) -> list[JSON]:
        nodes = [value]
        visited = 0
        for descend, selector in selectors:
            if descend:
                nodes = [found for node in nodes for found in _descendants(node, MAX_VISITED - visited)]
            following: list[JSON] = []
            for node in nodes:
                following.extend(selector(node, scope))
                if visited + len(following) > MAX_VISITED:
                    raise _too_much()
            visited += len(nodes) + len(following)
            nodes = following
        return nodes

    return select


def _too_much() -> EvaluationError:
    return _runtime(f"A path selects more than {MAX_VISITED} values; use fewer wildcards or '..' steps.")


def _descendants(value: JSON, budget: int) -> list[JSON]:
    """The value and all objects and arrays in it, each before its children."""
    found: list[JSON] = []
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.append(node)
            stack.extend(reversed([child for child in node.values() if isinstance(child, (dict, list))]))
        elif isinstance(node, list):
            found.append(node)
            stack.extend(reversed([child for child in node if isinstance(child, (dict, list))]))
        if len(found) > budget:
            raise _too_much()
    return found


def _selector(step: syntax.Step) -> Callable[[JSON, Scope], Iterable[JSON]]:
    if isinstance(step, syntax.Wildcard):
        return lambda node, _: _children(node)
    if isinstance(step, syntax.Slice):
        start, stop = step.start, step.stop
        return lambda node, _: node[start:stop] if isinstance(node, list) else ()
    if isinstance(step, syntax.Keys):
        names = step.names
        return lambda node, _: [node[name] for name in names if name in node] if isinstance(node, dict) else ()
    if isinstance(step, syntax.Indices):
        positions = step.positions
        return lambda node, _: [found for at in positions if (found := _at(node, at)) is not _MISSING]
    if isinstance(step, syntax.Filter):
        test = compile_filter(step.test, compile_steps, _root)
        return lambda node, scope: [child for child in _candidates(node) if test(child, scope)]

    def single(node: JSON, _: Scope) -> Iterable[JSON]:
        found = _step(node, step)
        return () if found is _MISSING else (found,)

    return single


def _children(node: JSON) -> Iterable[JSON]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _candidates(node: JSON) -> Iterable[JSON]:
    """What a filter tests: the elements of an array, or an object itself (as Jayway does)."""
    if isinstance(node, list):
        return node
    return (node,) if isinstance(node, dict) else ()


# ---------------------------------------------------------------- functions


def _numbers(value: JSON) -> list[float]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, (int, float)) and not isinstance(item, bool)]


def _over_numbers(compute: Callable[[list[float]], float]) -> Callable[[JSON], JSON]:
    def apply(value: JSON) -> JSON:
        numbers = _numbers(value)
        if not numbers:
            return _MISSING
        try:
            result = float(compute(numbers))
        except OverflowError:
            return _MISSING
        return result if math.isfinite(result) else _MISSING

    return apply


def _deviation(numbers: list[float]) -> float:
    """The population's standard deviation, as Jayway computes it."""
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def _length(value: JSON) -> JSON:
    return len(value) if isinstance(value, (list, dict, str)) else _MISSING


_FUNCTIONS: dict[str, Callable[[JSON], JSON]] = {
    "length": _length,
    "size": _length,
    "min": _over_numbers(min),
    "max": _over_numbers(max),
    "avg": _over_numbers(lambda numbers: math.fsum(numbers) / len(numbers)),
    "sum": _over_numbers(math.fsum),
    "stddev": _over_numbers(_deviation),
    "keys": lambda value: list(value) if isinstance(value, dict) else _MISSING,
    "first": lambda value: _at(value, 0),
    "last": lambda value: _at(value, -1),
}
