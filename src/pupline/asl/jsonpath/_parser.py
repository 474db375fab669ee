"""The parser of paths: `$.a['b'][0][?(@.c == 1)]..d` becomes a root and a tuple of steps.

The syntax is that of the Jayway JSONPath library, with the States Language's roots added: `$` (the input), `$$` (the
Context Object) and `$name` (a variable). What AWS accepts and selects shows that it runs a version before 2.1: a dot
may stand before a bracket, `[(@.length-1)]` works, `[-1]` finds nothing, `.length()` is a field's name, and texts in a
filter need no quotes.

A placeholder of a template that is not filled in, such as `$.${Field}`, `$.list[${Number}]` or `${Path}`, is read as
the name of a field.

Hostile texts are bounded: MAX_TEXT characters, MAX_STEPS steps, filters nested MAX_DEPTH deep.
"""

import re
from functools import lru_cache

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonpath import _syntax as syntax
from pupline.asl.jsonpath._filter_parser import FilterParser

MAX_TEXT = 8192
MAX_STEPS = 256

_REMEMBERED = 512
"""Paths that stay parsed: each is looked at by several checks, and then compiled."""


@lru_cache(_REMEMBERED)
def parse(text: str) -> syntax.ParsedPath:
    """A whole path; blanks around it are ignored. Raises SyntaxProblem."""
    if len(text) > MAX_TEXT:
        raise SyntaxProblem(f"the path has {len(text)} characters; at most {MAX_TEXT} are allowed")
    parser = _Parser(text)
    parser.spaces()
    path = parser.path()
    end = parser.at
    parser.spaces()
    if not parser.at_end():
        parser.at = end
        raise parser.error(_unexpected(parser.text[end:]))
    return path


def _unexpected(rest: str) -> str:
    if rest[0] in " \t\r\n":
        return "unexpected blank; a name with blanks needs brackets and quotes, such as ['my name']"
    return f"unexpected {rest[0]!r}; a name with such characters needs brackets and quotes, such as ['my-name']"


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


_PLACEHOLDER = re.compile(r"\$\{[^{}\s]+\}")
_PLAIN = re.compile(r"[^\s$.\[\]()'\",*?<>=!&|{}\\^]+")
_DOLLAR = re.compile(r"\$")
_CALL = re.compile(r"\(\s*\)")
_VARIABLE = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"-?\d+")
_LENGTH = re.compile(r"length|size")


class _Parser(FilterParser):
    def path(self, *, in_filter: bool = False) -> syntax.ParsedPath:
        placeholder = self.match(_PLACEHOLDER)
        root = self.root(in_filter) if placeholder is None else "$"
        steps: list[syntax.Step] = [] if placeholder is None else [syntax.Key(placeholder)]
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if len(steps) >= MAX_STEPS:
                raise self.error(f"more than {MAX_STEPS} steps")
            self.step(steps)
        return syntax.ParsedPath(root, tuple(steps))

    def root(self, in_filter: bool) -> str:
        if self.take("$$"):
            return "$$"
        if self.take("$"):
            return self.match(_VARIABLE) or "$"
        if in_filter and self.take("@"):
            return "@"
        raise self.error("a path starts with '$'; no '$' found")

    def step(self, steps: list[syntax.Step]) -> None:
        if self.take(".."):
            steps.append(syntax.Descend())
        elif self.looking_at("[") or not self.take("."):
            steps.append(self.bracket())
            return
        steps.append(self.bracket() if self.looking_at("[") else self.dotted())

    def dotted(self) -> syntax.Step:
        if self.take("*"):
            return syntax.Wildcard()
        name = self.name()
        if not name:
            what = "a path must not end with a dot" if self.at_end() else "expected a field name, '*' or '[' after '.'"
            raise self.error(what)
        call = self.match(_CALL) if self.looking_at("(") else None
        return syntax.Key(name) if call is None else syntax.Call(name + call)

    def name(self) -> str:
        name = self.match(_PLAIN) or ""
        while self.looking_at("$"):
            name += self.match(_PLACEHOLDER) or self.match(_DOLLAR) or ""
            name += self.match(_PLAIN) or ""
        return name

    def bracket(self) -> syntax.Step:
        self.expect("[")
        self.spaces()
        if self.looking_at("'") or self.looking_at('"'):
            step: syntax.Step = self.names()
        elif self.take("*"):
            step = syntax.Wildcard()
        elif self.take("?"):
            step = self.filter()
        elif self.looking_at("("):
            step = self.from_end()
        elif (placeholder := self.match(_PLACEHOLDER)) is not None:
            step = syntax.Key(placeholder)
        else:
            step = self.positions()
        self.spaces()
        self.expect("]")
        return step

    def names(self) -> syntax.Key | syntax.Keys:
        found = [self.quoted()]
        while self.symbol(","):
            found.append(self.quoted())
        return syntax.Key(found[0]) if len(found) == 1 else syntax.Keys(tuple(found))

    def from_end(self) -> syntax.FromEnd:
        found = self.symbol("(") and self.symbol("@") and self.symbol(".") and self.match(_LENGTH)
        if found and self.symbol("("):
            self.expect(")")
        if not found or not self.symbol("-"):
            raise self.error("the only script in brackets is (@.length-1), with any number")
        offset = self.integer()
        self.spaces()
        self.expect(")")
        if offset is None or offset < 0:
            raise self.error("expected a number after '-'")
        return syntax.FromEnd(offset)

    def positions(self) -> syntax.Step:
        first = self.integer()
        self.spaces()
        if self.take(":"):
            self.spaces()
            stop = self.integer()
            if first is None and stop is None:
                raise self.error("a slice needs a start or an end")
            return syntax.Slice(first, stop)
        if first is None:
            raise self.error("expected a quoted name, a number, '*', '?' or '(' after '['")
        found = [first]
        while self.symbol(","):
            number = self.integer()
            if number is None:
                raise self.error("expected a number")
            found.append(number)
        return syntax.Index(found[0]) if len(found) == 1 else syntax.Indices(tuple(found))

    def integer(self) -> int | None:
        digits = self.match(_NUMBER)
        if digits is not None and len(digits) > 11:
            raise self.error("the index is too large")
        return None if digits is None else int(digits)
