"""Payload templates: Parameters, ResultSelector, ItemSelector, Assign and the like, where `"name.$"` is evaluated.

The order of the result's keys is AWS's, which shows in States.JsonToString, Hash and Format of such values: first the
plain keys in document order, then the `.$` ones in the order of a Java HashMap.
"""

from collections.abc import Iterable

from pupline.asl._errors import SyntaxProblem
from pupline.asl._expression import Expression, copy_with
from pupline.asl.jsonpath._intrinsics import compile_intrinsic
from pupline.asl.jsonpath._path import compile_path
from pupline.json_values import AnyJSON, dumps

MAX_DEPTH = 200


def compile_template(value: AnyJSON, *, field: str) -> Expression:
    """A payload template as a callable; its results share the parts without `.$` keys.

    field: the name of its field, for messages.
    Raises: SyntaxProblem with the path to the key; when called, EvaluationError.
    """
    try:
        text = dumps(value)
    except (RecursionError, ValueError) as err:
        raise SyntaxProblem(f"The value for the field '{field}' is not a JSON value or is nested too deeply") from err
    compiled = _compile(value, (), 0)
    if compiled is None:
        return Expression(text, lambda _: value, constant=True)
    return Expression(text, compiled.evaluate, compiled.variables)


def compile_payload_string(text: AnyJSON, *, field: str) -> Expression:
    """The value of a `.$` field: a path, or an intrinsic function call.

    Raises: SyntaxProblem with AWS's text; its reason and position say more.
    """
    message = f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"
    if not isinstance(text, str):
        raise SyntaxProblem(message, reason="it must be a text that begins with '$' or 'States.'")
    try:
        if text.lstrip().startswith("States."):
            return compile_intrinsic(text, field=field)
        return compile_path(text, field=field)
    except SyntaxProblem as problem:
        raise problem.reworded(message) from problem


def _compile(value: AnyJSON, path: tuple[str | int, ...], depth: int) -> Expression | None:
    """The template as an Expression, or None when it does not depend on the Scope."""
    if depth > MAX_DEPTH:
        raise SyntaxProblem(f"a template is nested more than {MAX_DEPTH} deep", path)
    if isinstance(value, dict):
        return _object(value, path, depth)
    if isinstance(value, list):
        return copy_with(value, ((at, _compile(item, (*path, at), depth + 1)) for at, item in enumerate(value)))
    return None


def _object(value: dict[str, AnyJSON], path: tuple[str | int, ...], depth: int) -> Expression | None:
    constant: dict[str, AnyJSON] = {}
    nested: list[tuple[str, Expression | None]] = []
    dynamic: dict[str, Expression] = {}
    for key, item in value.items():
        if key.endswith(".$"):
            dynamic[key[:-2]] = _dynamic(key, item, path)
        else:
            constant[key] = item
            nested.append((key, _compile(item, (*path, key), depth + 1)))
    both = constant.keys() & dynamic.keys()
    if both:
        raise SyntaxProblem(f"The field '{min(both)}' is given twice, with and without '.$'", path)
    return copy_with(constant, [*nested, *((name, dynamic[name]) for name in hash_map_order(dynamic))])


def _dynamic(key: str, text: AnyJSON, path: tuple[str | int, ...]) -> Expression:
    try:
        return compile_payload_string(text, field=key)
    except SyntaxProblem as problem:
        raise problem.inside(*path) from problem.__cause__


def hash_map_order(names: Iterable[str]) -> list[str]:
    """The names in the order of a Java HashMap.

    It has 16 buckets, doubled while more than three quarters full; within a bucket, the order is that of insertion.
    """
    names = list(names)
    buckets = 16
    while len(names) * 4 > buckets * 3:
        buckets *= 2
    return sorted(names, key=lambda name: _bucket_hash(name) & (buckets - 1))


def _bucket_hash(name: str) -> int:
    """Java's String.hashCode over UTF-16 units, with HashMap's spreading of the upper bits."""
    units = name.encode("utf-16-be", "surrogatepass")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return code ^ code >> 16
