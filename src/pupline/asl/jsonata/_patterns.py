"""Regular expressions as in ECMAScript, written for Python's `re`, and the functions that use them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from jsonata import utils
from jsonata.regex_engine import RegexFlags

from pupline import regex
from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonata._bounds import MAX_BYTES, check_size
from pupline.asl.jsonata._failure import QueryFailure

_CODE: Final = "INVALID_JSONATA_EXPRESSION"
_TOKEN: Final = re.compile(
    r"\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|k<(?P<back>\w+)>|[0-9]+|.)"
    r"|\((?:\?(?:<(?P<name>[A-Za-z_$][\w$]*)>|<[=!]|[:=!]|(?P<bad>.?))|)"
    r"|\[\^?]?"
    r"|[*+?}][+?]?|\{[^{}]*}[+]?|.",
    re.DOTALL,
)
_CLASS_ITEM: Final = re.compile(r"\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)|.", re.DOTALL)
_WORD: Final = "[A-Za-z0-9_]"
_BOUNDARY: Final = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_SPACES: Final = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ESCAPES: Final = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": _WORD,
    "W": "[^A-Za-z0-9_]",
    "s": f"[{_SPACES}]",
    "S": f"[^{_SPACES}]",
    "b": _BOUNDARY,
    "B": f"(?!{_BOUNDARY})",
}
_IN_CLASS: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACES, "b": r"\x08"}
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f", "0": "\0"}


def compile_pattern(pattern: str, flags: RegexFlags) -> re.Pattern[str]:
    """The library's hook for the text between two slashes. Raises SyntaxProblem."""
    options = (re.IGNORECASE if flags.case_insensitive else 0) | (re.MULTILINE if flags.multiline else 0)
    try:
        return regex.safe_compile(translated(pattern, multiline=flags.multiline), options)
    except regex.SlowExpression as err:
        raise SyntaxProblem(f"Slow regular expression: {err}", (), _CODE) from err
    except (re.error, OverflowError, RecursionError, ValueError) as err:
        raise SyntaxProblem(f"Invalid regular expression: /{pattern[:100]}/", (), _CODE) from err


def translated(pattern: str, *, multiline: bool = False) -> str:
    """The pattern in Python's notation. Raises ValueError for what ECMAScript does not have."""
    made: list[str] = []
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        assert token is not None  # noqa: S101 - its last alternative matches any character
        text, at = token.group(), token.end()
        if text.startswith("["):
            part, at = _class(pattern, token.start())
            made.append(part)
        elif token["bad"] is not None:
            raise ValueError(text)
        elif text.startswith("("):
            made.append(f"(?P<{_group(token['name'])}>" if token["name"] else text)
        elif text.startswith("\\"):
            made.append(f"(?P={_group(token['back'])})" if token["back"] else _escape(text))
        elif len(text) > 1 and text.endswith("+"):  # possessive in Python
            raise ValueError(text)
        else:
            made.append({"$": "$" if multiline else r"\Z", ".": r"[^\n\r\u2028\u2029]"}.get(text, text))
    return "".join(made)


def _group(name: str) -> str:
    return name.replace("$", "_dollar_")


def _escape(text: str) -> str:
    kind = text[1]
    if kind in _ESCAPES:
        return _ESCAPES[kind]
    if kind.isdigit() and kind != "0":
        return text
    return re.escape(_character(text))


def _character(text: str) -> str:
    """The character that an escape stands for."""
    kind, rest = text[1], text[2:]
    if kind == "c" and rest:
        return chr(ord(rest) % 32)
    if kind in "xu" and rest:
        return chr(int(rest, 16))
    return _LETTERS.get(kind, kind)


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The character class that begins at `start`, and where it ends. `[]` matches nothing, and `[^]` anything."""
    negated = pattern.startswith("[^", start)
    at = start + 1 + negated
    made: list[str] = []
    negatives: list[str] = []
    while at < len(pattern) and pattern[at] != "]":
        item = _CLASS_ITEM.match(pattern, at)
        assert item is not None  # noqa: S101 - its last alternative matches any character
        text, at = item.group(), item.end()
        if not text.startswith("\\"):
            made.append("\\" + text if text in "[&~|" else text)
        elif text[1] in _IN_CLASS:
            made.append(_IN_CLASS[text[1]])
        elif text[1] in "DWS":
            negatives.append(_ESCAPES[text[1]])
        else:
            made.append(re.escape(_character(text)))
    if at >= len(pattern):
        raise ValueError("unterminated character class")
    inside = "".join(made)
    if not inside and not negatives:
        return (r"[\s\S]" if negated else "(?!)"), at + 1
    if not negatives:
        return f"[{'^' * negated}{inside}]", at + 1
    either = "|".join(([f"[{inside}]"] if inside else []) + negatives)
    return (rf"(?!{either})[\s\S]" if negated else f"(?:{either})"), at + 1


# ---------------------------------------------------------------- functions


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches, one after another. Raises: QueryFailure for an empty one that is not the first (D1004)."""
    found = pattern.search(text)
    while found is not None:
        yield found
        if found.end() >= len(text):
            return
        found = pattern.search(text, found.end())
        if found is not None and not found.group():
            raise QueryFailure("D1004")


def match_object(found: re.Match[str]) -> dict[str, Any]:
    """A match as a function of the query gets it."""
    groups = [utils.Utils.NULL_VALUE if group is None else group for group in found.groups()]
    return {"match": found.group(), "start": found.start(), "end": found.end(), "groups": groups}


def contains(text: str, token: Any) -> bool:
    """Whether the text contains another text, or a match."""
    if isinstance(token, str):
        return token in text
    return next(matches(token, text), None) is not None


def split(text: str, separator: Any, limit: float | None) -> list[str]:
    """The parts between separators, the first `limit` of them."""
    if limit is not None and limit < 0:
        raise QueryFailure("D3020")
    if isinstance(separator, str):
        parts = text.split(separator) if separator else list(text)
        return parts if limit is None else parts[: int(limit)]
    parts, start = [], 0
    for found in matches(separator, text):
        if limit is not None and len(parts) >= limit:
            break
        parts.append(text[start : found.start()])
        start = found.end()
    if limit is None or len(parts) < limit:
        parts.append(text[start:])
    return parts


def replace(text: str, pattern: Any, replacement: Callable[[re.Match[str]], Any] | str, limit: float | None) -> str:
    """The text with the first `limit` matches, or all, replaced."""
    if pattern == "":
        raise QueryFailure("D3010")
    if limit is not None and limit < 0:
        raise QueryFailure("D3011")
    most = None if limit is None else -int(-limit // 1)
    if isinstance(pattern, str):
        if not isinstance(replacement, str):
            if pattern not in text or most == 0:
                return text
            raise QueryFailure("D3012", token="replace")  # noqa: S106 - a function's name
        if len(replacement) > len(pattern):
            count = text.count(pattern) if most is None else min(text.count(pattern), most)
            check_size(len(text) + count * (len(replacement) - len(pattern)), MAX_BYTES)
        return text.replace(pattern, replacement, -1 if most is None else most)
    made, start = "", 0
    for count, found in enumerate(matches(pattern, text)):
        if most is not None and count >= most:
            break
        value = _expanded(replacement, found) if isinstance(replacement, str) else replacement(found)
        if not isinstance(value, str):
            raise QueryFailure("D3012", token="replace")  # noqa: S106 - a function's name
        made += text[start : found.start()] + value
        check_size(len(made), MAX_BYTES)
        start = found.end()
    return made + text[start:]


def _expanded(replacement: str, found: re.Match[str]) -> str:
    """The replacement with its `$` filled in: `$$`, `$0` for the match, `$1`, ... for groups.

    A group's number has as many digits as the number of groups, or one digit less if that group does not exist.
    """
    groups = found.groups()
    made, *parts = _DOLLAR.split(replacement)
    width = len(str(max(len(groups), 1)))
    for symbol, rest in zip(parts[::2], parts[1::2], strict=True):
        if symbol == "$":
            made += "$" + rest
        elif symbol.startswith("0"):
            made += found.group() + symbol[1:] + rest
        elif not symbol:
            made += "$" + rest
        else:
            digits = symbol[:width]
            if width > 1 and int(digits) > len(groups):
                digits = symbol[: width - 1]
            number = int(digits)
            made += (groups[number - 1] or "") if 0 < number <= len(groups) else ""
            made += symbol[len(digits) :] + rest
    return made


_DOLLAR: Final = re.compile(r"\$(\$|[0-9]*)")
