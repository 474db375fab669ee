"""Function signatures such as `<s-nn?:s>`: which arguments a function takes, and which error says that it does not."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from jsonata import signature as library
from jsonata import utils
from jsonata.functions import Functions

from pupline.asl.jsonata._bounds import timed_out
from pupline.asl.jsonata._failure import QueryFailure
from pupline.regex import SlowExpression, safe_compile

_NULL = utils.Utils.NULL_VALUE
_PLURALS: Final = {
    "a": "arrays",
    "b": "booleans",
    "f": "functions",
    "n": "numbers",
    "o": "objects",
    "s": "strings",
}


class Signature:
    """A signature, checked against the arguments of each call.

    Raises: JsonataError for one such as `<n+n+n+n+n+:n>`, which would take more time than AWS gives an expression.
    """

    def __init__(self, parameters: Sequence[Any]) -> None:
        self._parameters = parameters
        try:
            self._whole = safe_compile("".join(f"({each.regex})" for each in parameters))
        except SlowExpression as error:
            raise timed_out() from error

    def validate(self, arguments: Sequence[Any], context: Any, name: str | None) -> list[Any]:
        """The arguments as the function gets them: the context item for a missing one, an array for a single value.

        Raises: QueryFailure (T0410, T0411, T0412).
        """
        symbols = "".join(map(_symbol, arguments))
        match = self._whole.fullmatch(symbols)
        if match is None:
            raise self._mismatch(symbols, name)
        found: list[Any] = []
        at = 0
        for parameter, group in zip(self._parameters, match.groups(), strict=True):
            if group:
                found.extend(self._checked(parameter, group, arguments, at, name))
                at += len(group)
            elif parameter.context:
                if not safe_compile(parameter.regex.removesuffix("?")).fullmatch(_symbol(context)):
                    raise QueryFailure("T0411", token=name, index=at + 1)
                found.append(context)
            else:
                found.append(arguments[at] if at < len(arguments) else None)
                at += 1
        return found

    def _checked(self, parameter: Any, group: str, arguments: Sequence[Any], at: int, name: str | None) -> list[Any]:
        values = list(arguments[at : at + len(group)])
        if parameter.type != "a":
            return values
        for number, symbol in enumerate(group):
            if symbol == "m":
                values[number] = None
                continue
            if parameter.subtype is not None and not _holds_only(values[number], symbol, parameter.subtype):
                wanted = _PLURALS.get(parameter.subtype)
                raise QueryFailure("T0412", token=name, index=at + number + 1, type=wanted)
            if symbol != "a":
                values[number] = [values[number]]
        return values

    def _mismatch(self, symbols: str, name: str | None) -> QueryFailure:
        """The error for the first argument that does not fit."""
        pattern, fitting = "", 0
        for parameter in self._parameters:
            pattern += parameter.regex
            match = safe_compile(pattern).match(symbols)
            if match is None:
                break
            fitting = match.end()
        return QueryFailure("T0410", token=name, index=fitting + 1)


@cache
def signature_of(text: str) -> Signature:
    """The signature that `text` describes."""
    return Signature(library.Signature(text, "")._params)  # noqa: SLF001 - the library does not show them


def _holds_only(value: Any, symbol: str, subtype: str) -> bool:
    """Whether an argument is an array of one type, or a value of that type."""
    if symbol != "a":
        return symbol == subtype
    return all(_symbol(item) == subtype[0] for item in value)


def _symbol(value: Any) -> str:
    if value is None:
        return "m"
    if isinstance(value, bool):
        return "b"
    for types, symbol in ((str, "s"), ((int, float), "n"), (list, "a"), (dict, "o")):
        if isinstance(value, types):
            return symbol
    if value is _NULL:
        return "l"
    return "f" if utils.Utils.is_function(value) or Functions.is_lambda(value) or Functions.is_regex(value) else "m"
