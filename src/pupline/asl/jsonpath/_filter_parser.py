"""The part of the parser of paths that reads filters: `(@.a == 'x' && !@.b || @.n > $.least)`."""

import json
import math
import re
from abc import ABC, abstractmethod

from pupline import regex
from pupline.asl.jsonpath import _syntax as syntax
from pupline.asl.jsonpath._scanner import Scanner

MAX_DEPTH = 24

COMPARISONS = ("===", "!==", "==", "!=", "<=", ">=", "=~", "<", ">")
WORDS = ("in", "nin", "subsetof", "anyof", "noneof", "contains", "size", "empty")

_WORD = re.compile(r"[A-Za-z]+")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)*)/([a-zA-Z]*)")
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE, "u": re.UNICODE}
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_CONSTANTS = {"true": True, "false": False, "null": None}

#: A text without quotes ends where the comparison ends. The left one must also end before an operator.
_UNQUOTED = re.compile(r"(?:[^()&|]|&(?!&)|\|(?!\|))+")
_UNQUOTED_LEFT = re.compile(r"[^\s()&|=!<>~]+")


class FilterParser(Scanner, ABC):
    """A Scanner that reads filters. The paths inside them are read by `path`, which a subclass has."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    @abstractmethod
    def path(self, *, in_filter: bool = False) -> syntax.ParsedPath:
        """The path at the current index, which may start with `@` inside a filter."""

    def quoted(self) -> str:
        """A quoted name. A backslash escapes the quote and itself; before any other character it is literal."""
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            raise self.error("expected a quoted name")
        start = self.at + 1
        at = start
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" else 1
        if at >= len(self.text):
            raise self.error(f"unterminated {quote}")
        self.at = at + 1
        return re.sub(rf"\\([\\{quote}])", r"\1", self.text[start:at])

    def filter(self) -> syntax.Filter:
        self.spaces()
        self.expect("(")
        test = self.disjunction()
        self.spaces()
        self.expect(")")
        return syntax.Filter(test)

    def disjunction(self) -> syntax.Condition:
        found = [self.conjunction()]
        while self.symbol("||"):
            found.append(self.conjunction())
        return found[0] if len(found) == 1 else syntax.Condition("or", tuple(found))

    def conjunction(self) -> syntax.Condition:
        found = [self.negation()]
        while self.symbol("&&"):
            found.append(self.negation())
        return found[0] if len(found) == 1 else syntax.Condition("and", tuple(found))

    def negation(self) -> syntax.Condition:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"a filter nested more than {MAX_DEPTH} deep")
        self.spaces()
        if self.take("!"):
            test = syntax.Condition("not", (self.negation(),))
        elif self.take("("):
            test = self.disjunction()
            self.spaces()
            self.expect(")")
        else:
            test = self.comparison()
        self.depth -= 1
        return test

    def comparison(self) -> syntax.Condition:
        left = self.operand(_UNQUOTED_LEFT)
        self.spaces()
        operator = self.operator()
        if operator is None:
            if self.looking_at("="):
                raise self.error("'=' is not an operator; write '=='")
            if not isinstance(left, syntax.ParsedPath):
                raise self.error("expected a comparison such as @.name == 'x'")
            return syntax.Condition("exists", (left,))
        right = self.operand(_UNQUOTED)
        if operator == "=~" and not any(isinstance(each, syntax.Pattern) for each in (left, right)):
            raise self.error("'=~' needs a regular expression between slashes")
        return syntax.Condition(operator, (left, right))

    def operator(self) -> str | None:
        for symbol in COMPARISONS:
            if self.take(symbol):
                return symbol
        word = _WORD.match(self.text, self.at)
        if word is None or word.group().lower() not in WORDS:
            return None
        self.at = word.end()
        return word.group().lower()

    def operand(self, unquoted: re.Pattern[str]) -> syntax.Operand:
        self.spaces()
        char = self.text[self.at : self.at + 1]
        if char and char in "@$":
            return self.path(in_filter=True)
        if char and char in "'\"":
            text = self.quoted()
            return syntax.Literal(text, text)
        pattern = _REGEX.match(self.text, self.at)
        if pattern is not None:
            return self.regex(pattern)
        if char and char in "[{":
            return self.json()
        found = self.match(unquoted)
        if found is None or not found.strip():
            raise self.error("expected a path, a text, a number, true, false, null or a regular expression")
        return self.unquoted(found.strip())

    def unquoted(self, text: str) -> syntax.Literal:
        """A number, `true`, `false`, `null`, or any other text."""
        if text in _CONSTANTS:
            return syntax.Literal(_CONSTANTS[text], text)
        if len(text) <= 40 and _DECIMAL.fullmatch(text) and math.isfinite(number := json.loads(text)):
            return syntax.Literal(number, text)
        return syntax.Literal(text, text)

    def regex(self, found: re.Match[str]) -> syntax.Pattern:
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
        return syntax.Pattern(pattern)

    def json(self) -> syntax.Literal:
        text = self.text[self.at :]
        try:
            value, length = json.JSONDecoder().raw_decode(text.replace("'", '"'))
        except (ValueError, RecursionError) as err:
            raise self.error("expected a JSON array or object") from err
        self.at += length
        return syntax.Literal(value, text[:length])
