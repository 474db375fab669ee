"""The one place that touches jsonata-python: compile, check, bind, evaluate within bounds, convert.

What this adds to the library, for AWS's sake: the functions `$partition`, `$range`, `$hash`, `$random(seed)`, `$uuid`
and `$parse`, and no `$eval`; no names at the top level, where an expression has no context item; null told apart from
undefined inside arrays; time and randomness from the Scope, so that a replay sees the same; and bounds on depth, work
and size, counted and not timed, so that they do not depend on the machine either.
"""

import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from jsonata import jexception, parser, utils
from jsonata.jsonata import Jsonata

from pupline.asl._functions import FunctionFailure, digest, generator, new_uuid, parse_json
from pupline.asl._jsonata_fast import Evaluate, Slow, compile_fast
from pupline.asl._timestamp import epoch_seconds
from pupline.asl._values import JSON, Scope, SyntaxProblem, dump

MAX_DEPTH = 100
"""Levels that one evaluation may nest, as on AWS."""

MAX_STEPS = 1_000_000
"""Nodes that one evaluation may visit: some seconds of work. AWS stops by the clock."""

MAX_BYTES = 6_990_256
"""What one value that an expression builds may weigh, as on AWS: a character one byte, a number eight."""

MAX_RANGE = 360_145
"""Elements that `$range` makes, as on AWS."""

_NULL = utils.Utils.NULL_VALUE
_SYMBOL = parser.Parser.Symbol


class Undefined(Exception):
    """The expression returned nothing."""


class Unsupported(Exception):
    """The expression returned a function, or something else that is not JSON."""


class Thrown(Exception):
    """The evaluation failed; the text is "CODE: message"."""


class Program:
    """A compiled expression.

    variables: the workflow variables that it may read; fast: a closure for simple cases, or None.
    """

    __slots__ = ("_jsonata", "_names", "_parts", "fast", "variables")

    def __init__(self, jsonata: Any, uses: "_Uses") -> None:
        self._jsonata = jsonata
        self._names = uses.variables
        self._parts = uses.parts
        try:
            self.fast: Evaluate | None = compile_fast(jsonata.ast, _BUILT_IN)
        except Slow:
            self.fast = None
        self.variables = frozenset(uses.variables - uses.bound - {"states"} - _BUILT_IN)

    def evaluate(self, scope: Scope) -> JSON:
        """The result as a JSON value. Raises Undefined, Unsupported or Thrown."""
        budget = _Budget()
        frame = Jsonata.Frame(_BASE)
        try:
            frame.bindings = self._bindings(scope)
            frame.bindings["__evaluate_entry"] = budget.enter
            frame.bindings["__evaluate_exit"] = budget.leave
            return _result(self._jsonata.eval(self._jsonata.ast, None, frame))
        except (Undefined, Unsupported, Thrown):
            raise
        except jexception.JException as err:
            raise Thrown(f"{err.error}: {err}") from err
        except FunctionFailure as err:
            raise Thrown(f"D3141: {err}") from err
        except ZeroDivisionError as err:
            raise Thrown("D1001: Number out of range: Infinity") from err
        except ValueError as err:
            raise Thrown(_about_number(err)) from err
        except RecursionError as err:
            raise Thrown(_too_deep(MAX_DEPTH + 1)) from err
        except Exception as err:  # whatever a hostile expression brings the library to raise
            raise Thrown(f"{type(err).__name__}: {str(err)[:500]}") from err

    def _bindings(self, scope: Scope) -> dict[str, Any]:
        bound: dict[str, Any] = {}
        for name in self._names:
            if name == "states":
                bound[name] = self._states(scope.states)
            elif name in scope.variables:
                bound[name] = prepared(scope.variables[name])
            elif name in _OF_SCOPE:
                bound[name] = _OF_SCOPE[name](scope)
        return bound

    def _states(self, states: JSON) -> JSON:
        if self._parts is None or not isinstance(states, dict):
            return prepared(states)
        return {part: prepared(states[part]) for part in self._parts if part in states}


class _Evaluator(Jsonata):  # type: ignore[misc]
    """The library's evaluator, but for what it gets wrong."""

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str | None) -> Any:
        """`5.5 % 2` is 1.5; the library cuts it to 1."""
        if op == "%" and _both_numbers(lhs, rhs):
            return utils.Utils.convert_number(math.fmod(lhs, rhs))
        return super().evaluate_numeric_expression(lhs, rhs, op)


def _both_numbers(left: Any, right: Any) -> bool:
    return bool(utils.Utils.is_numeric(left) and utils.Utils.is_numeric(right))


@lru_cache(maxsize=2048)
def compile_program(text: str) -> Program:
    """An expression, without its `{%` and `%}`. Raises SyntaxProblem with AWS's code."""
    try:
        jsonata = _Evaluator(text)
        uses = _Uses(jsonata.ast)
    except jexception.JException as err:
        raise SyntaxProblem(str(err) or err.error, (), "INVALID_JSONATA_EXPRESSION") from err
    except RecursionError as err:
        raise SyntaxProblem("the expression is nested too deeply", (), "INVALID_JSONATA_EXPRESSION") from err
    except Exception as err:  # the parser's own failures on texts that make no sense
        message = f"Syntax error: {type(err).__name__}: {str(err)[:200]}"
        raise SyntaxProblem(message, (), "INVALID_JSONATA_EXPRESSION") from err
    if uses.problem is not None:
        raise SyntaxProblem(uses.problem, (), "UNSUPPORTED_JSONATA_EXPRESSION")
    return Program(jsonata, uses)


# ---------------------------------------------------------------- what an expression refers to


class _Uses:
    """A walk over an expression's tree, which mends its strings on the way.

    variables: all `$name`s; bound: those it binds itself (`:=`, function parameters, `@`, `#`); parts: the fields of
    `$states` it reads, None for all; problem: what AWS refuses, or None.
    """

    _INNER = frozenset({"stages", "predicate", "group", "terms", "pattern", "update", "delete"})
    """Parts that are evaluated against another item than the one around them."""

    def __init__(self, tree: Any) -> None:
        self.variables: set[str] = set()
        self.bound: set[str] = set()
        self.parts: set[str] | None = set()
        self.problem: str | None = None
        self._seen: set[int] = set()
        self._walk(tree, top=True)

    def _walk(self, node: Any, *, top: bool) -> None:
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        kind = getattr(node, "type", None)
        if kind == "path":
            self._path(node, top=top)
        elif kind == "variable":
            self._variable(node, None)
        elif kind == "string":
            node.value = _joined(node.value)
        elif kind in ("bind", "lambda"):
            targets = [node.lhs] if kind == "bind" else node.arguments
            self.bound.update(str(target.value) for target in targets)
        for name, child in _children(node):
            if not (kind == "path" and name == "steps"):
                self._walk(child, top=top and name not in self._INNER)

    def _path(self, node: Any, *, top: bool) -> None:
        first, *rest = node.steps
        if top and getattr(first, "type", None) == "name" and self.problem is None:
            self.problem = f"Reference to '{first.value}' at the top level is not supported."
        if getattr(first, "type", None) == "variable":
            self._seen.add(id(first))
            self._variable(first, rest[0] if rest else None)
            for name, child in _children(first):
                self._walk(child, top=top and name not in self._INNER)
        else:
            self._walk(first, top=top)
        for step in rest:
            for attribute in ("focus", "index"):
                value = getattr(step, attribute, None)
                if isinstance(value, str):
                    self.bound.add(value)
            self._walk(step, top=False)

    def _variable(self, node: Any, following: Any) -> None:
        name = str(node.value)
        if name == "$" and self.problem is None:
            self.problem = "Reference to '$$' is not supported."
        self.variables.add(name)
        if name != "states" or self.parts is None:
            return
        if following is None or getattr(following, "type", None) != "name" or getattr(node, "predicate", None):
            self.parts = None
        else:
            self.parts.add(str(following.value))


def _joined(text: str) -> str:
    r"""The library reads `\ud83d\ude00` as two characters; they are one. A half that stands alone stays."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(node).items():
        for item in _flat(value):
            yield name, item


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, _SYMBOL):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)


# ---------------------------------------------------------------- bounds


def _too_deep(depth: int) -> str:
    hint = "Check for non-terminating recursive function.  Consider rewriting as tail-recursive."
    return f"D1011: Stack overflow error: {hint} Depth={depth} max={MAX_DEPTH}"


class _Budget:
    """Counts what one evaluation spends; the library calls it around every node.

    Weights are kept by identity, each with its value so that the identity stays its own: values share their parts, and
    a few dozen doublings would otherwise make one that cannot be walked in a lifetime.
    """

    __slots__ = ("depth", "steps", "weights")

    def __init__(self) -> None:
        self.depth = 0
        self.steps = 0
        self.weights: dict[int, tuple[object, int]] = {}

    def enter(self, _node: object, _input: object, _frame: object) -> None:
        self.depth += 1
        self.steps += 1
        if self.depth > MAX_DEPTH:
            raise Thrown(_too_deep(self.depth))
        if self.steps > MAX_STEPS:
            raise Thrown("D1012: Evaluation took too many steps. Check for infinite loop")

    def leave(self, _node: object, _input: object, _frame: object, result: object) -> None:
        self.depth -= 1
        if isinstance(result, (str, list, dict)):
            _bounded(self.weigh(result), MAX_BYTES)

    def weigh(self, value: object) -> int:
        """Bytes as AWS counts them; what is empty weighs something too."""
        if isinstance(value, str):
            return len(value) or 1
        if not isinstance(value, (list, dict)) or isinstance(value, utils.Utils.RangeList):
            return 8
        known = self.weights.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        if isinstance(value, dict):
            weight = sum([len(key) + self.weigh(item) for key, item in value.items()])
        else:
            weight = sum([self.weigh(item) for item in value])
        self.weights[id(value)] = (value, max(weight, 8))
        return max(weight, 8)


def _bounded(size: float, most: int) -> None:
    if size > most:
        raise Thrown("D3141: Expression evaluation memory limit exceeded")


# ---------------------------------------------------------------- JSON values in and out


def prepared(value: JSON) -> Any:
    """A JSON value as the library wants it: null as its own object, since it takes None for undefined."""
    if value is None:
        return _NULL
    if not isinstance(value, (dict, list)) or "null" not in dump(value):
        return value
    return _with_nulls(value)


def _with_nulls(value: JSON) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    return _NULL if value is None else value


def _about_number(error: ValueError) -> str:
    """What the library should have said of a text that is no number."""
    text = str(error)
    prefix = "could not convert string to float: "
    if text.startswith(prefix):
        return f"D3030: Unable to cast value to a number: {text.removeprefix(prefix)[:200]}"
    return f"D3141: {text[:500]}"


def _result(value: Any) -> JSON:
    if value is None:
        raise Undefined
    return plain(value)


_NUMBERS_AS_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}


def plain(value: Any) -> JSON:
    """A result of the library as a JSON value. Raises Unsupported."""
    if value is None or value is _NULL:
        return None
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _NUMBERS_AS_TEXT.get(value, "NaN")
    if isinstance(value, utils.Utils.RangeList):
        return list(range(value.a, value.b + 1))
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    raise Unsupported


# ---------------------------------------------------------------- functions


def _function(function: Callable[..., Any], signature: str) -> Any:
    return Jsonata.JFunction(Jsonata.JLambda(function), signature)


def _partition(array: list[Any] | None = None, size: float | None = None) -> Any:
    """Chunks of `size` (rounded towards zero); undefined for an empty array or a size below one, as on AWS."""
    if not array or size is None or int(size) < 1:
        return None
    step = int(size)
    return [list(array[at : at + step]) for at in range(0, len(array), step)]


def _range(start: float | None = None, stop: float | None = None, step: float | None = None) -> Any:
    """Numbers from start to stop, which is included when hit; a single one comes bare, as on AWS."""
    if start is None or stop is None or step is None or int(step) == 0:
        return None
    first, last, by = int(start), int(stop), int(step)
    numbers = range(first, last + (1 if by > 0 else -1), by)
    if not numbers:
        return None
    _bounded((numbers[-1] - first) // by + 1, MAX_RANGE)
    return utils.Utils.create_sequence_from_iter(numbers)


def _hash(text: str | None = None, algorithm: str | None = None) -> str | None:
    return None if text is None or algorithm is None else digest(text, algorithm)


def _parse(text: str | None = None) -> Any:
    return None if text is None else prepared(parse_json(text))


def _pad(text: str | None = None, width: float | None = None, char: str | None = None) -> Any:
    """The library's own $pad, after a look at how much it would make."""
    _bounded(abs(width or 0), MAX_BYTES)
    from jsonata.functions import Functions

    return Functions.pad(text, None if width is None else int(width), char)


def _random(scope: Scope) -> Any:
    def draw(seed: float | None = None) -> float:
        return generator(scope).random() if seed is None else random.Random(int(seed)).random()  # noqa: S311

    return _function(draw, "<n?:n>")


def _shuffle(scope: Scope) -> Any:
    def shuffle(array: list[Any] | None = None) -> list[Any] | None:
        return None if array is None else generator(scope).sample(list(array), len(array))

    return _function(shuffle, "<a:a>")


def _milliseconds(scope: Scope) -> int:
    """When the state was entered: a clock of our own would give another time at a replay."""
    context = scope.context if isinstance(scope.context, dict) else {}
    entered = epoch_seconds((context.get("State") or {}).get("EnteredTime"))
    return round((entered or 0) * 1000)


def _now(scope: Scope) -> Any:
    def now(picture: str | None = None, zone: str | None = None) -> Any:
        from jsonata.functions import Functions

        return Functions.datetime_from_millis(_milliseconds(scope), picture, zone)

    return _function(now, "<s?s?:s>")


_OF_SCOPE: dict[str, Callable[[Scope], Any]] = {
    "now": _now,
    "millis": lambda scope: _function(lambda: _milliseconds(scope), "<:n>"),
    "random": _random,
    "shuffle": _shuffle,
    "uuid": lambda scope: _function(lambda: new_uuid(scope), "<:s>"),
}
"""Functions whose answers come from the Scope; they are bound only for the expressions that name them."""


def _base_frame() -> Any:
    frame = Jsonata.Frame(Jsonata.static_frame)
    functions = {
        "partition": _function(_partition, "<an:a>"),
        "range": _function(_range, "<nnn?:a>"),
        "hash": _function(_hash, "<ss?:s>"),
        "parse": _function(_parse, "<s:x>"),
        "pad": _function(_pad, "<s-ns?:s>"),
        "eval": None,
    }
    for name, function in functions.items():
        frame.bind(name, function)
    return frame


_BASE = _base_frame()
_BUILT_IN = frozenset({*Jsonata.static_frame.bindings, *_BASE.bindings, *_OF_SCOPE, "", "$"})
