"""Expressions evaluated by jsonata-python: compile, check, bind, evaluate within bounds, convert.

It differs from the library as AWS does: more functions, and no `$eval` (see `_functions`); no names at the top level,
where an expression has no context item; null and undefined distinct inside arrays; time and randomness from the Scope;
and bounds on depth, work and size (see `_bounds`).
"""

import math
import operator
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonata import jexception, parser, utils
from jsonata import jsonata as evaluator
from jsonata.jsonata import Jsonata

from pupline.asl._errors import SyntaxProblem
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._functions import FunctionFailure
from pupline.asl.jsonata._bounds import (
    MAX_BYTES,
    MAX_DEPTH,
    THREW,
    Budget,
    JsonataError,
    UndefinedResult,
    UnsupportedResult,
    check_size,
    depth_error,
)
from pupline.asl.jsonata._builtins import Native, stringify
from pupline.asl.jsonata._failure import QueryFailure, failure_of
from pupline.asl.jsonata._fast import NeedsLibrary, compile_fast
from pupline.asl.jsonata._functions import BASE, BUILT_IN, SCOPE_FUNCTIONS, from_library, to_library
from pupline.asl.jsonata._numbers import arithmetic
from pupline.asl.jsonata._patterns import compile_pattern
from pupline.asl.jsonata._signatures import Signature
from pupline.json_values import AnyJSON

_SYMBOL = parser.Parser.Symbol

# The library prints a line to stdout before it refuses to call a non-function; pupline's stdout is for results.
vars(evaluator)["print"] = lambda *_: None


class Program:
    """A compiled expression.

    variables: the workflow variables that it may read; fast: a closure for simple cases, or None.
    """

    __slots__ = ("_jsonata", "_names", "_parts", "fast", "variables")

    def __init__(self, jsonata: Any, references: "_References") -> None:
        self._jsonata = jsonata
        self._names = references.variables
        self._parts = references.parts
        try:
            self.fast: Evaluate | None = compile_fast(jsonata.ast, BUILT_IN)
        except NeedsLibrary:
            self.fast = None
        self.variables = frozenset(references.variables - references.bound - {"states"} - BUILT_IN)

    @property
    def states_fields(self) -> frozenset[str]:
        """The fields of `$states` that it reads by name."""
        return frozenset(self._parts or ())

    def evaluate(self, scope: Scope) -> AnyJSON:
        """The result as a JSON value. Raises UndefinedResult, UnsupportedResult or JsonataError."""
        budget = Budget(scope)
        frame = Jsonata.Frame(BASE)
        try:
            frame.bindings = self._bindings(scope)
            frame.bindings["__evaluate_entry"] = budget.enter
            frame.bindings["__evaluate_exit"] = budget.leave
            result = self._jsonata.eval(self._jsonata.ast, None, frame)
            converted = from_library(result)
        except (UnsupportedResult, JsonataError):
            raise
        except QueryFailure as err:
            raise JsonataError(f"{THREW}. {err}") from err
        except jexception.JException as err:
            raise JsonataError(f"{THREW}. {failure_of(err)}") from err
        except FunctionFailure as err:
            raise JsonataError(f"{THREW}. D3137: {err}") from err
        except RecursionError as err:
            raise JsonataError(depth_error(MAX_DEPTH + 1)) from err
        except Exception as err:  # any other error of the library that a hostile expression causes
            raise JsonataError("threw an internal error during evaluation.") from err
        finally:
            budget.end()
        if result is None:
            raise UndefinedResult
        return converted

    def _bindings(self, scope: Scope) -> dict[str, Any]:
        bound: dict[str, Any] = {}
        for name in self._names:
            if name == "states":
                bound[name] = self._states(scope.states)
            elif name in scope.variables:
                bound[name] = to_library(scope.variables[name])
            elif name in SCOPE_FUNCTIONS:
                bound[name] = SCOPE_FUNCTIONS[name](scope)
        return bound

    def _states(self, states: AnyJSON) -> AnyJSON:
        if self._parts is None or not isinstance(states, dict):
            return to_library(states)
        return {part: to_library(states[part]) for part in self._parts if part in states}


class _Evaluator(Jsonata):  # type: ignore[misc]
    """The library's evaluator, with the reference implementation's numbers, comparisons and errors."""

    def evaluate_filter(self, predicate: Any, input: Any, environment: Any) -> Any:  # noqa: A002 - the library's name
        """An index with a fraction is rounded down, also below zero."""
        if predicate.type == "number":
            predicate.value = math.floor(predicate.value)
            return super().evaluate_filter(predicate, input, environment)
        has_tuples = isinstance(input, utils.Utils.JList) and input.tuple_stream
        items = input if isinstance(input, list) else [] if input is None else [input]
        found = utils.Utils.create_sequence()
        found.tuple_stream = has_tuples
        for at, item in enumerate(items):
            frame = self.create_frame_from_tuple(environment, item) if has_tuples else environment
            value = self.eval(predicate, item["@"] if has_tuples else item, frame)
            numbers = [value] if utils.Utils.is_numeric(value) else value
            if utils.Utils.is_array_of_numbers(numbers):
                wanted = [math.floor(number) for number in numbers]
                found.extend([item] * (wanted.count(at) + wanted.count(at - len(items))))
            elif self.boolize(value):
                found.append(item)
        return found

    def evaluate_binary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002 - the library's name
        """The library replaces every error on the right of `and` and `or`."""
        op = str(expr.value)
        if op not in ("and", "or"):
            return super().evaluate_binary(expr, input, environment)
        left = self.eval(expr.lhs, input, environment)
        try:
            return self.evaluate_boolean_expression(left, lambda: self.eval(expr.rhs, input, environment), op)
        except QueryFailure as err:
            err.token = op  # as in the reference implementation
            raise

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str) -> Any:
        """Doubles: what is divided by zero is infinite."""
        for side, code in ((lhs, "T2001"), (rhs, "T2002")):
            if side is not None and not utils.Utils.is_numeric(side):
                raise QueryFailure(code, token=op, value=side)
        return None if lhs is None or rhs is None else arithmetic(lhs, rhs, op)

    def evaluate_comparison_expression(self, lhs: Any, rhs: Any, op: str) -> bool | None:
        """Numbers or texts, both of one kind."""
        kinds = [_comparable_kind(side) for side in (lhs, rhs)]
        if None in kinds:
            raise QueryFailure("T2010", token=op)
        if "undefined" in kinds:
            return None
        if kinds[0] != kinds[1]:
            raise QueryFailure("T2009", token=op, value=lhs, value2=rhs)
        return bool(_COMPARISONS[op](lhs, rhs))

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        """Texts, with `$string` of what is not a text."""
        return (stringify(lhs) or "") + (stringify(rhs) or "")

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        """`[1..10000000]` is refused before the library builds it."""
        ends = (int(end) if isinstance(end, float) and end.is_integer() else end for end in (lhs, rhs))
        found = super().evaluate_range_expression(*ends)
        check_size(8 * (0 if found is None else len(found)), MAX_BYTES)
        return found

    def validate_arguments(self, signature: Any, args: Any, context: Any) -> Any:
        """The arguments of a function written in JSONata, checked by its signature if it has one."""
        if isinstance(signature, Native):
            return signature.validate(args, context)
        found = getattr(signature, "signature", None)
        return args if found is None else Signature(found._params).validate(args, context, None)  # noqa: SLF001


_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _comparable_kind(value: Any) -> str | None:
    """A word: "undefined", "text" or "number"; None for what has no order."""
    if value is None:
        return "undefined"
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else None


_LATER_OPERATORS = {"??": "?", "?:": ":"}
"""Operators of JSONata 2.1, which AWS does not have: operator -> the character at which its parser gives up."""


def _later_operator(used: str) -> SyntaxProblem:
    refused = QueryFailure("S0211", token=_LATER_OPERATORS[used]).message()
    message = f"{refused}: {used} is an operator of JSONata 2.1, and Step Functions has JSONata 2.0.6"
    position = Jsonata.get_parser().lexer.position - 1
    return SyntaxProblem(message, (), "INVALID_JSONATA_EXPRESSION", position=position)


@lru_cache(maxsize=2048)
def compile_program(text: str) -> Program:
    """An expression, without its `{%` and `%}`. Raises SyntaxProblem with AWS's code."""
    for name in _LATER_OPERATORS:
        Jsonata.get_parser().symbol_table.pop(name, None)
    try:
        jsonata = _Evaluator(text, compile_pattern)
        references = _References(jsonata.ast)
    except jexception.JException as err:
        raise SyntaxProblem(failure_of(err).message(), (), "INVALID_JSONATA_EXPRESSION", position=err.location) from err
    except SyntaxProblem:
        raise
    except KeyError as err:
        if err.args[0] in _LATER_OPERATORS:
            raise _later_operator(err.args[0]) from err
        raise SyntaxProblem("Syntax error", (), "INVALID_JSONATA_EXPRESSION") from err
    except RecursionError as err:
        raise SyntaxProblem("the expression is nested too deeply", (), "INVALID_JSONATA_EXPRESSION") from err
    except Exception as err:  # the parser's own errors for malformed texts
        raise SyntaxProblem("Syntax error", (), "INVALID_JSONATA_EXPRESSION") from err
    if references.problem is not None:
        raise SyntaxProblem(references.problem, (), "UNSUPPORTED_JSONATA_EXPRESSION")
    return Program(jsonata, references)


class _References:
    """The names that an expression's tree refers to; the walk also corrects the tree's strings.

    variables: all `$name`s; bound: those it binds itself (`:=`, function parameters, `@`, `#`); parts: the fields of
    `$states` it reads, None for all; problem: the reason why AWS refuses it, or None.
    """

    _INNER = frozenset({"stages", "predicate", "group", "terms", "pattern", "update", "delete"})
    """Parts that are evaluated with another context item than their parent."""

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
        elif kind == "number":
            node.value = arithmetic(node.value, 0, "+")  # a double: more digits are lost here, and not only in sums
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
    r"""The text with surrogate pairs joined: the library reads `\ud83d\ude00` as two characters. Lone halves stay."""
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
