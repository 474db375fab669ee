"""The expressions of `--where`: comparisons of columns, with SQL's words and SQL's rule for missing values.

    width >= 512 and (blur > 20 or license = 'CC0')
    labels contains 'hound' and not caption is null
    file_type in ('jpg', 'png')

A comparison with a missing value is neither true nor false, nor is its opposite; a row is chosen if the whole is true.
Nothing is evaluated but these operators: no call, no attribute, no Python. Reading takes time linear in the text.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from pupline.errors import ConfigurationError
from pupline.text import printable

MAX_CHARACTERS = 4096
_MAX_DEPTH = 50
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)(?![\w.])"
    r"|'(?P<text>(?:[^']|'')*)'|\"(?P<quoted>[^\"]*)\"|`(?P<name>[^`]+)`"
    r"|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|==|[=<>(),]))"
)
_KEYWORDS = frozenset({"and", "or", "not", "is", "in", "null", "true", "false", "contains"})
_WRITE = "write it like: width >= 512 and license is not null"

Lookup: TypeAlias = Callable[[str], Any]
"""The value of a column in a row; None where it is missing."""

Rule: TypeAlias = Callable[[Lookup], bool | None]

Operand: TypeAlias = Callable[[Lookup], Any]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on rows. names: of the columns in it."""

    names: frozenset[str]
    rule: Rule

    def matches(self, lookup: Lookup) -> bool:
        """Whether the row with these values is chosen."""
        return self.rule(lookup) is True


def parse_where(text: str) -> Where:
    """The condition. Raises: ConfigurationError, with the place."""
    if len(text) > MAX_CHARACTERS:
        raise ConfigurationError(f"--where has {len(text):,} characters, the limit is {MAX_CHARACTERS:,}")
    parser = _Parser(text)
    rule = parser.either(0)
    parser.expect_end()
    return Where(frozenset(parser.names), rule)


class _Token(NamedTuple):
    """kind: number, text, name, keyword, sign or end."""

    kind: str
    value: Any
    at: int


class _Parser:
    """Recursive descent; each method reads what it is named after, and returns its rule."""

    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0

    def either(self, depth: int) -> Rule:
        if depth > _MAX_DEPTH:
            raise ConfigurationError(f"--where has more than {_MAX_DEPTH} parentheses, or words not, in each other")
        rules = [self._both(depth)]
        while self._took("or"):
            rules.append(self._both(depth))
        return rules[0] if len(rules) == 1 else _any_of(rules)

    def expect_end(self) -> None:
        if self._token.kind != "end":
            raise self._unexpected("the end, 'and' or 'or'")

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _took(self, value: str) -> bool:
        found = self._token.kind in {"keyword", "sign"} and self._token.value == value
        self._next += found
        return found

    def _both(self, depth: int) -> Rule:
        rules = [self._opposite(depth)]
        while self._took("and"):
            rules.append(self._opposite(depth))
        return rules[0] if len(rules) == 1 else _all_of(rules)

    def _opposite(self, depth: int) -> Rule:
        if self._took("not"):
            if depth > _MAX_DEPTH:
                raise ConfigurationError(f"--where has more than {_MAX_DEPTH} parentheses, or words not, in each other")
            return _not(self._opposite(depth + 1))
        if self._took("("):
            rule = self.either(depth + 1)
            if not self._took(")"):
                raise self._unexpected("')'")
            return rule
        return self._comparison()

    def _comparison(self) -> Rule:
        left = self._operand()
        if self._took("is"):
            opposite = self._took("not")
            if not self._took("null"):
                raise self._unexpected("'null' or 'not null'")
            return lambda lookup: (left(lookup) is None) is not opposite
        opposite = self._took("not")
        if self._took("in"):
            rule = _any_of([_compared("=", left, value) for value in self._values()])
            return _not(rule) if opposite else rule
        if self._took("contains"):
            rule = _contains(left, self._operand())
            return _not(rule) if opposite else rule
        sign = self._token
        if opposite or sign.kind != "sign" or sign.value in {"(", ")", ","}:
            raise self._unexpected("a comparison such as >=, 'in' or 'is null'")
        self._next += 1
        return _compared(sign.value, left, self._operand())

    def _values(self) -> list[Operand]:
        if not self._took("("):
            raise self._unexpected("'('")
        found = [self._operand()]
        while self._took(","):
            found.append(self._operand())
        if not self._took(")"):
            raise self._unexpected("')'")
        return found

    def _operand(self) -> Operand:
        kind, value, _ = self._token
        if kind == "name":
            self._next += 1
            self.names.add(value)
            return lambda lookup: lookup(value)
        if kind in {"number", "text"} or (kind == "keyword" and value in {"true", "false"}):
            self._next += 1
            constant = value == "true" if kind == "keyword" else value
            return lambda _lookup: constant
        raise self._unexpected("a column or a value")

    def _unexpected(self, wanted: str) -> ConfigurationError:
        rest = self._text[self._token.at :].strip()
        found = f"'{printable(rest, 30)}'" if rest else "the end"
        return ConfigurationError(f"--where: expected {wanted}, found {found}; {_WRITE}")


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():  # quadratic, but the text is short
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfigurationError(f"--where: '{printable(text[at:].strip(), 30)}' cannot be read; {_WRITE}")
        found.append(_token(match))
        at = match.end()
    return [*found, _Token("end", None, at)]


def _token(match: re.Match[str]) -> _Token:
    kind, value, at = match.lastgroup or "", match[match.lastgroup or 0], match.start()
    if kind == "number":
        return _Token("number", float(value), at)
    if kind in {"text", "quoted"}:
        return _Token("text", value.replace("''", "'") if kind == "text" else value, at)
    if kind == "word":
        lower = value.lower()
        return _Token("keyword", lower, at) if lower in _KEYWORDS else _Token("name", value, at)
    return _Token(kind, value, at)


def _all_of(rules: Sequence[Rule]) -> Rule:
    def rule(lookup: Lookup) -> bool | None:
        found: bool | None = True
        for one in rules:
            result = one(lookup)
            if result is False:
                return False
            found = found and result
        return found

    return rule


def _any_of(rules: Sequence[Rule]) -> Rule:
    opposite = _all_of([_not(rule) for rule in rules])
    return _not(opposite)


def _not(rule: Rule) -> Rule:
    def opposite(lookup: Lookup) -> bool | None:
        found = rule(lookup)
        return None if found is None else not found

    return opposite


def _compared(sign: str, left: Operand, right: Operand) -> Rule:
    compare = _SIGNS[sign]

    def rule(lookup: Lookup) -> bool | None:
        pair = _alike(left(lookup), right(lookup))
        return None if pair is None else compare(*pair)

    return rule


def _contains(left: Operand, right: Operand) -> Rule:
    def rule(lookup: Lookup) -> bool | None:
        whole, part = left(lookup), right(lookup)
        if whole is None or part is None:
            return None
        if isinstance(whole, list | tuple):
            return any((pair := _alike(one, part)) is not None and pair[0] == pair[1] for one in whole)
        return isinstance(whole, str) and isinstance(part, str) and part in whole

    return rule


def _alike(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both values as numbers, texts or flags; None where they cannot be compared. Columns of CSV lists are text."""
    if isinstance(left, bool) or isinstance(right, bool):
        pair = _flag(left), _flag(right)
        return None if None in pair else pair
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    numbers = _number(left), _number(right)
    return None if None in numbers else numbers


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _number(value: Any) -> float | int | None:
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = float(value)
        except ValueError:
            return None
    try:
        return value if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:  # an integer beyond all floating-point numbers
        return None


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<>": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}
