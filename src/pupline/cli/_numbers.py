"""Numbers of the command line: within a range; large ones as people write them: `1_000_000`, `1e9`, `1.5M`."""

import math
import re
from decimal import Decimal
from typing import Any

import click

from pupline.text import printable

_FORM = re.compile(r"([0-9][0-9_,]{0,30}(?:\.[0-9]{1,12})?)(?:[eE]\+?([0-9]{1,2})|([kKmMgGbB]))?")
_POWERS = {"k": 3, "m": 6, "g": 9, "b": 9}
_MOST = 10**12


class NumberRange(click.FloatRange):
    """A number within a range, which NaN is not, although it is neither below nor above one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises: BadParameter."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{printable(str(value), 40)!r} is not a number.", param, ctx)
        return number


def large_count(context: click.Context, option: click.Parameter, value: str | int) -> int:
    """The value of an option, from 1 to a million millions. Raises: BadParameter."""
    text = str(value).strip()
    match = _FORM.fullmatch(text)
    if match is None:
        shown = printable(text, 40)
        raise click.BadParameter(
            f"{shown!r} is not a whole number; write 1000000, 1_000_000, 1M or 1e6", context, option
        )
    digits, exponent, suffix = match.groups()
    power = int(exponent) if exponent else _POWERS.get((suffix or "").lower(), 0)
    number = Decimal(re.sub("[_,]", "", digits)).scaleb(power)
    if number != number.to_integral_value() or not 1 <= number <= _MOST:
        raise click.BadParameter(f"{text} is not a whole number from 1 to {_MOST:,}", context, option)
    return int(number)
