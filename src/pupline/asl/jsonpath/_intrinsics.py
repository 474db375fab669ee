"""Intrinsic functions: `States.Format('Hello {}', $.name)`, parsed once and compiled into a closure."""

import json
import math
import re
from collections.abc import Callable

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Evaluate, Expression, Scope
from pupline.asl._functions import FunctionFailure
from pupline.asl._values import java_text
from pupline.asl.jsonpath._functions import FUNCTIONS, format_parts
from pupline.asl.jsonpath._parser import MAX_TEXT, scan
from pupline.asl.jsonpath._path import compile_path
from pupline.asl.jsonpath._scanner import Scanner
from pupline.json_values import AnyJSON
from pupline.text import nearest

MAX_NESTING = 10
"""AWS nests intrinsic functions at most ten deep."""

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_STRING = re.compile(r"'(?:[^'\\]|\\['{}\\])*'")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_WORDS = {"true": True, "false": False, "null": None}


def compile_intrinsic(text: str, *, field: str) -> Expression:
    """An intrinsic function call as a callable.

    field: its field, for messages.
    Raises: SyntaxProblem; when called, EvaluationError: States.Runtime for a path that finds nothing,
    States.IntrinsicFailure for anything else, both naming the whole call.
    """
    if len(text) > MAX_TEXT:
        raise SyntaxProblem(f"'{field}' has {len(text)} characters; an intrinsic function may have {MAX_TEXT}")
    parser = _Parser(text)
    parser.spaces()
    call = parser.call(1)
    parser.spaces()
    if not parser.at_end():
        raise parser.error("unexpected text")
    return Expression(text, _guarded(text, call.evaluate), call.variables, doubts=call.doubts)


def _guarded(text: str, evaluate: Evaluate) -> Evaluate:
    prefix = f"The function '{text}' had the following error: "

    def guarded(scope: Scope) -> AnyJSON:
        try:
            return evaluate(scope)
        except EvaluationError as err:
            raise EvaluationError(err.error, prefix + err.cause) from err
        except FunctionFailure as err:
            raise EvaluationError("States.IntrinsicFailure", f"{prefix}{err}") from err
        except (RecursionError, ValueError, OverflowError) as err:
            message = f"{prefix}the value is too large, too deep or not JSON"
            raise EvaluationError("States.IntrinsicFailure", message) from err

    return guarded


class _Literal(Expression):
    """A constant argument; `raw` is a string's text with its escapes."""

    __slots__ = ("raw",)

    def __init__(self, value: AnyJSON, raw: str = "") -> None:
        super().__init__(raw, lambda _: value, constant=True)
        self.raw = raw


class _Parser(Scanner):
    def call(self, depth: int) -> Expression:
        if depth > MAX_NESTING:
            raise self.error(f"intrinsic functions nest at most {MAX_NESTING} deep")
        start = self.at
        name = self.match(_NAME) or ""
        if name not in FUNCTIONS:
            self.at = start
            meant = nearest(name, FUNCTIONS)
            other = f"did you mean '{meant}'?" if meant else f"known are {', '.join(sorted(FUNCTIONS))}"
            raise self.error(f"unknown intrinsic function '{name}'; {other}")
        if not self.symbol("("):
            raise self.error("expected '('")
        arguments: list[Expression] = []
        if not self.symbol(")"):
            arguments.append(self.argument(depth))
            while self.symbol(","):
                arguments.append(self.argument(depth))
            if not self.symbol(")"):
                raise self.error("expected ',' or ')'")
        return self.compile_call(name, arguments)

    def compile_call(self, name: str, arguments: list[Expression]) -> Expression:
        function = FUNCTIONS[name]
        if not function.least <= len(arguments) <= function.most:
            most = "or more" if function.most > 99 else f"to {function.most}"
            raise self.error(f"{name} takes {function.least} {most} arguments, not {len(arguments)}")
        variables = frozenset[str]().union(*(argument.variables for argument in arguments))
        if name == "States.Format" and isinstance(arguments[0], _Literal):
            evaluate = _constant_format(arguments[0].raw, arguments[1:])
        else:
            evaluate = _apply(function.apply, [argument.evaluate for argument in arguments])
        doubts = tuple(doubt for argument in arguments for doubt in argument.doubts)
        return Expression(name, evaluate, variables, doubts=doubts)

    def argument(self, depth: int) -> Expression:
        self.spaces()
        if self.looking_at("$"):
            start, self.at = self.at, scan(self.text, self.at)
            return compile_path(self.text[start : self.at], field="States.")
        if self.looking_at("States."):
            return self.call(depth + 1)
        string = self.match(_STRING)
        if string is not None:
            raw = string[1:-1]
            return _Literal(re.sub(r"\\(.)", r"\1", raw), raw)
        number = self.match(_NUMBER)
        if number is not None and len(number) <= 40 and math.isfinite(value := json.loads(number)):
            return _Literal(value)
        for word, constant in _WORDS.items():
            if self.take(word):
                return _Literal(constant)
        raise self.error("expected a path, a 'string' (escapes: \\' \\{ \\} \\\\), a number or a function")


def _apply(function: Callable[..., AnyJSON], arguments: list[Evaluate]) -> Evaluate:
    if len(arguments) == 1:
        (only,) = arguments
        return lambda scope: function(scope, only(scope))
    if len(arguments) == 2:
        first, second = arguments
        return lambda scope: function(scope, first(scope), second(scope))
    return lambda scope: function(scope, *[argument(scope) for argument in arguments])


def _constant_format(template: str, arguments: list[Expression]) -> Evaluate:
    """States.Format with a constant template, which is split at its placeholders only once."""
    pieces = format_parts(template)
    if len(pieces) != len(arguments) + 1:
        message = f"the template has {len(pieces) - 1} placeholders but {len(arguments)} arguments were given"

        def mismatch(_: Scope) -> AnyJSON:
            raise FunctionFailure(message)

        return mismatch
    head, tail = pieces[0], list(zip([argument.evaluate for argument in arguments], pieces[1:], strict=True))

    def evaluate(scope: Scope) -> AnyJSON:
        text = head
        for argument, piece in tail:
            value = argument(scope)
            text += (value if type(value) is str else java_text(value)) + piece
        return text

    return evaluate
