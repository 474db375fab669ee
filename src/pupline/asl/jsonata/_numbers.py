"""Numbers as JSONata has them: doubles, printed as in ECMAScript."""

import math
import re
from decimal import Decimal
from typing import Final

_EXACT: Final = 2**53
LONG: Final = 2**63
"""AWS keeps the digits of whole numbers in a text or the input up to here; beyond, they are doubles."""

_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_PREFIXED: Final = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")


def double(value: float) -> float:
    """The double nearest to a number; infinite beyond the range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def whole(value: float) -> float:
    """The same number as an integer where it has no fraction, so that it is printed without one.

    Beyond 2**53 it stays a double: an integer there has more digits than the double that it comes from.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def arithmetic(left: float, right: float, operator: str) -> float:
    """The result of an operator on doubles; infinite or not a number where ECMAScript has these."""
    if isinstance(left, int) and isinstance(right, int) and operator in "+-*":
        exact = left + right if operator == "+" else left - right if operator == "-" else left * right
        if abs(exact) <= _EXACT:
            return exact
    a, b = double(left), double(right)
    if operator == "+":
        return whole(a + b)
    if operator == "-":
        return whole(a - b)
    if operator == "*":
        return whole(a * b)
    if b == 0:
        return math.nan if a == 0 or operator == "%" else math.copysign(math.inf, a) * math.copysign(1, b)
    return whole(a / b if operator == "/" else math.fmod(a, b))


def number_text(value: float) -> str:
    """A finite number as ECMAScript prints it: `100000000000000000000`, `1e+21`, `1e-7`."""
    if isinstance(value, int) and -LONG <= value < LONG:
        return str(value)
    number = double(value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    minus = "-" * sign
    if len(text) <= point <= 21:
        return f"{minus}{text.ljust(point, '0')}"
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{minus}{mantissa}e{point - 1:+d}"


def fifteen_digits(value: float) -> float:
    """A fraction rounded to 15 significant digits, as `$string` does; whole numbers keep theirs, as on AWS."""
    if isinstance(value, int) or not math.isfinite(value) or value.is_integer():
        return value
    return whole(float(f"{value:.14e}"))


def parse_number(text: str) -> float | None:
    """The number that a text holds for `$number`; None when it holds none."""
    if _PREFIXED.fullmatch(text):
        return whole(double(int(text[2:], {"x": 16, "o": 8, "b": 2}[text[1].lower()])))
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return whole(number) if math.isfinite(number) else None


def rounded(value: float, precision: int = 0) -> float:
    """Rounded to so many decimal places, halves to even; the point is moved in the decimal text, not in the double."""
    moved = _moved(value, precision)
    if not math.isfinite(moved):
        return moved
    below = math.floor(moved)
    part = moved - below
    nearest = below + (part > 0.5 or (part == 0.5 and below % 2 == 1))
    return nearest if precision == 0 else whole(_moved(nearest, -precision))


def _moved(value: float, places: int) -> float:
    """The number with its point moved to the right."""
    digits, _, exponent = number_text(value).partition("e")
    return float(f"{digits}e{int(exponent or 0) + places}")
