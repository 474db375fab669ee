"""Definitions in JSON: values, positions, and placeholders that stand without quotes.

`"MaxConcurrency": ${n}` is not JSON until the placeholder is filled in. Such a placeholder becomes the text "${n}"; so
does `"${lookup(a, "b")}"`, whose inner quotes end the string for a JSON parser. A text that is JSON already is taken as
it is.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from json import JSONDecodeError
from typing import NamedTuple

from pupline.definitions._marks import Lines, Mark, Position, Step
from pupline.definitions._placeholders import PLACEHOLDER, BarePlaceholder, mapped_texts
from pupline.definitions._unreadable import SyntaxTrouble
from pupline.json_values import AnyJSON, loads
from pupline.text import printable

_MAX_DEPTH = 400
"""Levels of objects and arrays; the engine has the same limit."""

_MAX_CHARACTERS = 4 * 1024 * 1024
"""More than any definition or template may have. Positions take time: seconds for this much."""

# Everything is possessive: a missing quote or brace costs one pass of its line.
_TOKEN = (
    r"(?P<space>[ \t\r\n]++)|(?P<string>{string})|(?P<broken>\"[^\n]*+)"
    rf"|(?P<placeholder>{PLACEHOLDER})|(?P<unclosed>\$\{{)|(?P<directive>%\{{)"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)|(?P<word>[^\s,:{}\[\]\"$%]++)|(?P<other>.)"
)
_STRING = r'"(?:[^"\\\n]++|\\.)*+"'
_STRING_WITH_PLACEHOLDERS = rf'"(?:[^"\\\n$]++|\\.|{PLACEHOLDER}|\$)*+"'
_JSON = re.compile(_TOKEN.replace("{string}", _STRING), re.DOTALL)
_TEMPLATE = re.compile(_TOKEN.replace("{string}", _STRING_WITH_PLACEHOLDERS), re.DOTALL)
_OPENING = re.compile(r"[$%]\{")
_DIRECTIVE = re.compile(r"\{\{|\{%|<%")
_COMMENTS = ("//", "/*", "#")
_CLOSING = "]}"
_BARE = "\ufdd0"
"""Stands before a placeholder that had no quotes, while the text is parsed. It is not a character of any language."""
_INNER_QUOTE = re.compile(r'(\\.)|"', re.DOTALL)


class _Token(NamedTuple):
    kind: str
    start: int
    text: str


class JsonText:
    """A JSON text. value: what it holds. repeated: the paths of keys that occur more than once in an object.

    Raises: SyntaxTrouble when it is not JSON, placeholders allowed for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._grammar = _JSON
        self._position = Lines(text).position
        self.repeated: list[tuple[Step, ...]] = []
        self._has_repeated = False
        if not text.strip():
            raise SyntaxTrouble("the text is empty; a definition is a JSON object", 1, 1)
        if len(text) > _MAX_CHARACTERS:
            raise SyntaxTrouble(f"the JSON has {len(text):,} characters; the limit is {_MAX_CHARACTERS:,}", 1, 1)
        try:
            self.value = self._loads(text)
        except (ValueError, RecursionError) as error:
            self._grammar = _TEMPLATE
            self.value = self._with_placeholders(error)
        if self._has_repeated:
            self.marks()

    def _loads(self, text: str) -> AnyJSON:
        def note(pairs: list[tuple[str, AnyJSON]]) -> dict[str, AnyJSON]:
            found = dict(pairs)
            if len(found) < len(pairs):
                self._has_repeated = True
            return found

        return loads(text, note)

    def _tokens(self) -> Iterator[_Token]:
        for found in self._grammar.finditer(self._text):
            if found.lastgroup != "space":
                yield _Token(found.lastgroup or "", found.start(), found.group())

    # ---- placeholders

    def _with_placeholders(self, error: ValueError | RecursionError) -> AnyJSON:
        """The value of the text with its placeholders in quotes. error: what the text as it is gives."""
        parts: list[str] = []
        shifts: list[tuple[int, int]] = []  # offset in the new text, and what to add for the offset in the old one
        at = length = 0
        for token in self._tokens() if _OPENING.search(self._text) else ():
            if token.kind == "directive":
                raise self._trouble_at(token.start, "%{ ... } is a directive of a template; render the file first")
            if token.kind == "unclosed":
                raise self._trouble_at(token.start, "the placeholder has no closing brace on its line")
            quoted = _quoted(token)
            if quoted is not None:
                parts += (self._text[at : token.start], quoted)
                length += token.start - at + len(quoted)
                at = token.start + len(token.text)
                shifts.append((length, at - length))
        try:
            if not parts:
                raise error
            return _with_bare(self._loads("".join((*parts, self._text[at:]))))
        except (ValueError, RecursionError) as still:
            raise self._trouble(still, shifts) from still

    def _trouble(self, error: ValueError | RecursionError, shifts: list[tuple[int, int]]) -> SyntaxTrouble:
        if isinstance(error, JSONDecodeError):
            before = bisect_right(shifts, (error.pos, len(self._text)))
            offset = error.pos + (shifts[before - 1][1] if before else 0)
            return self._trouble_at(offset, error.msg + self._hint(offset, error.msg))
        if isinstance(error, RecursionError):
            return self._trouble_at(self._too_deep(), "objects and arrays are nested too deeply")
        return self._trouble_at(self._bad_word(), printable(str(error)))

    def _hint(self, offset: int, message: str) -> str:
        """What may be meant by that which is not JSON."""
        if _DIRECTIVE.match(self._text, max(0, offset - 1)) or _DIRECTIVE.match(self._text, offset):
            return "; this looks like a template: render the file first"
        if message.startswith("Expecting ':'") and "${" in self._text[max(0, offset - 500) : offset]:
            return "; a placeholder stands for one value, so where it stands for several, render the file first"
        if message.startswith("Expecting ',' delimiter"):
            return "; is a comma missing before it?" if self._text[offset : offset + 1] not in _CLOSING else ""
        if not message.startswith(("Expecting property name", "Expecting value")):
            return ""
        if self._text.startswith(_COMMENTS, offset):
            return "; JSON has no comments: use the field Comment"
        before = self._text[max(0, offset - 500) : offset].rstrip()
        is_closed = self._text[offset : offset + 1] in _CLOSING
        return "; remove the comma before it" if is_closed and before.endswith(",") else ""

    def _trouble_at(self, offset: int, problem: str) -> SyntaxTrouble:
        return SyntaxTrouble(problem, *self._position(offset))

    def _too_deep(self) -> int:
        depth = 0
        for token in self._tokens():
            depth += (token.kind == "open") - (token.kind == "close")
            if depth > _MAX_DEPTH:
                return token.start
        return 0

    def _bad_word(self) -> int:
        """Where the first word is that is not JSON, such as NaN or a number that is too large."""
        for token in self._tokens():
            if token.kind == "word":
                try:
                    loads(token.text)
                except ValueError:
                    return token.start
        return 0

    # ---- positions

    def marks(self) -> Mark:
        """Where each value stands. Notes the keys that occur more than once."""
        walk = _Walk()
        for token in self._tokens():
            walk.take(token, self._position(token.start))
        self.repeated = walk.repeated
        return walk.root or Mark(Position(1, 1))


def _with_bare(value: AnyJSON) -> AnyJSON:
    """The value with a BarePlaceholder for each text that is marked as one."""
    return mapped_texts(value, lambda text: BarePlaceholder(text[1:]) if text.startswith(_BARE) else text)


def _quoted(token: _Token) -> str | None:
    """The JSON string for a placeholder, or for a string with quotes inside its placeholders; else None."""
    if token.kind == "placeholder":
        return f'"{_BARE}' + token.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    inside = token.text[1:-1]
    if token.kind == "string" and '"' in inside:
        escaped = _INNER_QUOTE.sub(lambda found: found[1] or '\\"', inside)
        return None if escaped == inside else f'"{escaped}"'
    return None


class _Walk:
    """The marks of the tokens of a valid text, taken one by one."""

    def __init__(self) -> None:
        self.root: Mark | None = None
        self.repeated: list[tuple[Step, ...]] = []
        self._around: list[tuple[Mark, bool]] = []  # and whether it is an object
        self._steps: list[Step] = []  # of the member or element to come, one for each mark around
        self._key: Position | None = None

    def take(self, token: _Token, position: Position) -> None:
        if token.kind == "close":
            self._around.pop()
            self._steps.pop()
        elif token.kind == "comma":
            self._key = None
        elif token.kind != "colon":
            if self._around and self._around[-1][1] and self._key is None:
                self._key = position
                self._steps[-1] = loads(_quoted(token) or token.text)
            else:
                self._value(token, position)

    def _value(self, token: _Token, position: Position) -> None:
        mark = Mark(position)
        if not self._around:
            self.root = mark
        else:
            holder, is_object = self._around[-1]
            if is_object:
                mark.key, self._key = self._key, None
                if self._steps[-1] in holder.inside:
                    self.repeated.append(tuple(self._steps))
            else:
                self._steps[-1] = len(holder.inside)
            holder.inside[self._steps[-1]] = mark
        if token.kind == "open":
            self._around.append((mark, token.text == "{"))
            self._steps.append(0)
