"""The syntax of paths: parses `$.a['b'][0][?(@.c == 1)]..d.length()` into a root and a tuple of steps.

The syntax is that of the Jayway JSONPath library, which AWS runs, with the States Language's roots added: `$` (the
input), `$$` (the Context Object) and `$name` (a variable). Other JSONPath libraries for Python accept and select
something else.

Hostile texts are bounded: MAX_TEXT characters, MAX_STEPS steps, filters nested MAX_DEPTH deep.
"""

import json
import math
import re
from dataclasses import dataclass

from pupline import regex
from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonpath._scanner import Scanner
from pupline.json_values import AnyJSON

MAX_TEXT = 8192
MAX_STEPS = 256
MAX_DEPTH = 24

FUNCTIONS = frozenset({"length", "size", "min", "max", "avg", "sum", "stddev", "keys", "first", "last"})
COMPARISONS = ("===", "!==", "==", "!=", "<=", ">=", "=~", "<", ">")
WORDS = ("in", "nin", "subsetof", "anyof", "noneof", "contains", "size", "empty")


@dataclass(frozen=True, slots=True)
class Key:
    """`.name` or `['name']`."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`[3]`, or `[-1]` from the end."""

    position: int


@dataclass(frozen=True, slots=True)
class Keys:
    """`['a','b']`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indices:
    """`[0,2]`."""

    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1:3]`, `[-2:]`, `[:5]`."""

    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*` or `[*]`."""


@dataclass(frozen=True, slots=True)
class Descend:
    """The `..` before the next step."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(...)]`."""

    test: "Condition"


@dataclass(frozen=True, slots=True)
class PathFunction:
    """`.length()` and the like; only as the last step."""

    name: str


Step = Key | Index | Keys | Indices | Slice | Wildcard | Descend | Filter | PathFunction


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """A path's root and steps. root: `$`, `$$`, `@`, or a variable's name without its `$`."""

    root: str
    steps: tuple[Step, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The variables it reads, those inside filters too."""
        inner = [step.test.variables for step in self.steps if isinstance(step, Filter)]
        own = frozenset() if self.root in ("$", "$$", "@") else frozenset({self.root})
        return own.union(*inner)

    @property
    def definite(self) -> bool:
        """Whether it selects one value (and fails when that is missing) and not a list of values."""
        last = len(self.steps) - 1
        return all(
            isinstance(step, (Key, Index, PathFunction)) or (isinstance(step, Keys) and at == last)
            for at, step in enumerate(self.steps)
        )


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant inside a filter."""

    value: AnyJSON


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression inside a filter."""

    regex: re.Pattern[str]


Operand = Literal | Pattern | ParsedPath


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter's condition: `and`, `or` and `not` of other conditions, `exists`, or a comparison of two operands."""

    operator: str
    operands: tuple["Operand | Condition", ...]

    @property
    def variables(self) -> frozenset[str]:
        """The workflow variables it reads."""
        return frozenset[str]().union(
            *(item.variables for item in self.operands if isinstance(item, (Condition, ParsedPath)))
        )


def parse(text: str) -> ParsedPath:
    """A whole path. Raises SyntaxProblem."""
    if len(text) > MAX_TEXT:
        raise SyntaxProblem(f"the path has {len(text)} characters; at most {MAX_TEXT} are allowed")
    parser = _Parser(text)
    path = parser.path()
    if not parser.at_end():
        raise parser.error("unexpected text")
    return path


def scan(text: str, start: int) -> int:
    """The end of the path that starts at `start` inside an intrinsic's arguments: a `,`, `)` or space."""
    at, brackets, parens, quote = start, 0, 0, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"" and brackets:
            quote = char
        elif char in "[]":
            brackets += 1 if char == "[" else -1
        elif not brackets:
            if char == "(":
                parens += 1
            elif char == ")" and parens:
                parens -= 1
            elif char in ",) \t\n\r":
                break
        at += 1
    return min(at, len(text))


_NAME = re.compile(r"[^\s.\[\]()'\",*?<>=!&|{}\\^]+")
_VARIABLE = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"-?\d+")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)*)/([a-zA-Z]*)")
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE, "u": re.UNICODE}


class _Parser(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def path(self, *, in_filter: bool = False) -> ParsedPath:
        root = self.root(in_filter)
        steps: list[Step] = []
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if len(steps) >= MAX_STEPS:
                raise self.error(f"more than {MAX_STEPS} steps")
            if steps and isinstance(steps[-1], PathFunction):
                raise self.error("a function must be the last step")
            self.step(steps)
        return ParsedPath(root, tuple(steps))

    def root(self, in_filter: bool) -> str:
        if self.take("$$"):
            return "$$"
        if self.take("$"):
            return self.match(_VARIABLE) or "$"
        if in_filter and self.take("@"):
            return "@"
        raise self.error("a path starts with '$'; no '$' found")

    def step(self, steps: list[Step]) -> None:
        if self.take(".."):
            steps.append(Descend())
            steps.append(self.bracket() if self.looking_at("[") else self.dotted())
        elif self.take("."):
            steps.append(self.dotted())
        else:
            steps.append(self.bracket())

    def dotted(self) -> Step:
        if self.take("*"):
            return Wildcard()
        name = self.match(_NAME)
        if name is None:
            raise self.error("expected a field name or '*' after '.'")
        if self.take("("):
            self.spaces()
            self.expect(")")
            if name not in FUNCTIONS:
                raise self.error(f"unknown function '{name}()'; known are {', '.join(sorted(FUNCTIONS))}")
            return PathFunction(name)
        return Key(name)

    def bracket(self) -> Step:
        self.expect("[")
        self.spaces()
        if self.looking_at("'") or self.looking_at('"'):
            step: Step = self.names()
        elif self.take("*"):
            step = Wildcard()
        elif self.take("?"):
            step = self.filter()
        else:
            step = self.positions()
        self.spaces()
        self.expect("]")
        return step

    def names(self) -> Key | Keys:
        found = [self.quoted()]
        while self.symbol(","):
            found.append(self.quoted())
        return Key(found[0]) if len(found) == 1 else Keys(tuple(found))

    def quoted(self) -> str:
        """A quoted name. A backslash escapes the quote and itself; before any other character it is literal."""
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            raise self.error("expected a quoted name")
        self.at += 1
        start = self.at
        while self.at < len(self.text) and self.text[self.at] != quote:
            self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at >= len(self.text):
            raise self.error(f"unterminated {quote}")
        raw = self.text[start : self.at]
        self.at += 1
        return re.sub(rf"\\([\\{quote}])", r"\1", raw)

    def positions(self) -> Step:
        first = self.integer()
        self.spaces()
        if self.take(":"):
            self.spaces()
            stop = self.integer()
            if first is None and stop is None:
                raise self.error("a slice needs a start or an end")
            return Slice(first, stop)
        if first is None:
            raise self.error("expected a quoted name, a number, '*' or '?'")
        found = [first]
        while self.symbol(","):
            number = self.integer()
            if number is None:
                raise self.error("expected a number")
            found.append(number)
        return Index(found[0]) if len(found) == 1 else Indices(tuple(found))

    def integer(self) -> int | None:
        digits = self.match(_NUMBER)
        if digits is not None and len(digits) > 11:
            raise self.error("the index is too large")
        return None if digits is None else int(digits)

    def filter(self) -> Filter:
        self.spaces()
        self.expect("(")
        test = self.disjunction()
        self.spaces()
        self.expect(")")
        return Filter(test)

    def disjunction(self) -> Condition:
        found = [self.conjunction()]
        while self.symbol("||"):
            found.append(self.conjunction())
        return found[0] if len(found) == 1 else Condition("or", tuple(found))

    def conjunction(self) -> Condition:
        found = [self.negation()]
        while self.symbol("&&"):
            found.append(self.negation())
        return found[0] if len(found) == 1 else Condition("and", tuple(found))

    def negation(self) -> Condition:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"a filter nested more than {MAX_DEPTH} deep")
        self.spaces()
        if self.take("!"):
            test = Condition("not", (self.negation(),))
        elif self.take("("):
            test = self.disjunction()
            self.spaces()
            self.expect(")")
        else:
            test = self.comparison()
        self.depth -= 1
        return test

    def comparison(self) -> Condition:
        left = self.operand()
        self.spaces()
        operator = self.operator()
        if operator is None:
            if not isinstance(left, ParsedPath):
                raise self.error("expected a comparison")
            return Condition("exists", (left,))
        self.spaces()
        return Condition(operator, (left, self.operand()))

    def operator(self) -> str | None:
        for symbol in COMPARISONS:
            if self.take(symbol):
                return symbol
        word = re.compile(r"[A-Za-z]+").match(self.text, self.at)
        if word is None or word.group().lower() not in WORDS:
            return None
        self.at = word.end()
        return word.group().lower()

    def operand(self) -> Operand:
        self.spaces()
        char = self.text[self.at : self.at + 1]
        if char and char in "@$":
            return self.path(in_filter=True)
        if char and char in "'\"":
            return Literal(self.quoted())
        if char == "/":
            return self.regex()
        if char and char in "[{":
            return self.json()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.take(word):
                return Literal(value)
        number = self.match(_DECIMAL)
        if number is None or len(number) > 40 or not math.isfinite(json.loads(number)):
            raise self.error("expected a path, a string, a number, true, false, null or a regular expression")
        return Literal(json.loads(number))

    def regex(self) -> Pattern:
        found = _REGEX.match(self.text, self.at)
        if found is None:
            raise self.error("unterminated regular expression")
        flags = 0
        for letter in found.group(2):
            flags |= _FLAGS.get(letter, 0)
        try:
            pattern = regex.safe_compile(found.group(1), flags)
        except regex.SlowExpression as err:
            raise self.error(f"slow regular expression: {err}") from err
        except (re.error, OverflowError, RecursionError) as err:
            raise self.error("invalid regular expression") from err
        self.at = found.end()
        return Pattern(pattern)

    def json(self) -> Literal:
        text = self.text[self.at :].replace("'", '"')
        try:
            value, length = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError) as err:
            raise self.error("expected a JSON array or object") from err
        self.at += length
        return Literal(value)
