"""JSON values as the States Language names and prints them."""

from decimal import Decimal

from pupline.json_values import AnyJSON, dumps


def java_text(value: AnyJSON) -> str:
    """A value as States.Format prints it: strings bare, objects and arrays in Java's toString form.

    {"a": [1, null, "x"]} gives `{a=[1, null, x]}`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join([f"{key}={java_text(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([java_text(item) for item in value]) + "]"
    return _java_double(value) if isinstance(value, float) else dumps(value)


def _java_double(value: float) -> str:
    """A number with a fraction as Java prints it: beyond 10**-3 and 10**7 in E notation, `1.0E10`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{first}.{rest}E{int(exponent) + len(digits) - 1}"


def type_name(value: AnyJSON) -> str:
    """The JSON name of a value's type, as AWS's messages say it: `array`, `boolean`, `null`, ..."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return next(name for types, name in _TYPE_NAMES if isinstance(value, types))


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "string"),
    ((int, float), "number"),
    (list, "array"),
    (dict, "object"),
    (object, "unknown"),
)
