"""The size quota of inputs, outputs and results, enforced without printing every payload.

AWS counts the bytes of the JSON text in UTF-8. Printing each state's output to measure it would cost more than running
the state. So each container gets an upper bound, found by one walk and remembered by identity: parts that are shared
with an earlier value (ResultPath copies one level only) are not walked again. Only a value whose bound exceeds the
quota is printed and measured.
"""

from pupline.json_values import MAX_NESTING, AnyJSON, deeper_than, dumps

#: 256 KiB: "Quotas for Step Functions", maximum input or output size for a task, state, or execution.
MAX_PAYLOAD_BYTES = 262_144

#: Bounds that are remembered; beyond that, all are forgotten, which only costs time.
_MAX_REMEMBERED = 4_096

# The longest text of a character is \u0000 (6 bytes), of a number about 25 characters.
_CHARACTER = 6
_SCALAR = 25


class SizeQuota:
    """Upper bounds of the JSON text of values, remembered by identity.

    Remembered values are kept alive, so that an identity always means the value that was measured.
    """

    __slots__ = ("_bounds", "_depth")

    def __init__(self) -> None:
        self._bounds: dict[int, tuple[int, int, AnyJSON]] = {}
        self._depth = 0  # levels of the container whose bound was asked for last

    def exceeds(self, value: AnyJSON) -> bool:
        """Whether the JSON text of `value` takes more than MAX_PAYLOAD_BYTES.

        Raises: RecursionError for a value of more than MAX_NESTING levels: printing it later could fail.
        """
        self._depth = 0
        try:
            bound = self._bound(value)
        except RecursionError:  # nested hundreds of levels deep: the C encoder goes deeper than this walk
            if deeper_than(value, MAX_NESTING):
                raise
            return len(dumps(value).encode("utf-8", "surrogatepass")) > MAX_PAYLOAD_BYTES
        depth = self._depth
        if depth > MAX_NESTING:
            raise RecursionError
        if bound <= MAX_PAYLOAD_BYTES:
            return False
        exact = len(dumps(value).encode("utf-8", "surrogatepass"))
        self.remember(value, exact, depth)
        return exact > MAX_PAYLOAD_BYTES

    def remember(self, value: AnyJSON, size: int, depth: int) -> None:
        """Remember a value's measures: the bytes of its JSON text, and the levels of its objects and arrays."""
        if depth:
            self._bounds[id(value)] = (size, depth, value)

    def _bound(self, value: AnyJSON) -> int:
        kind = type(value)
        if kind is not dict and kind is not list:
            return _scalar_bound(value)
        known = self._bounds.get(id(value))
        if known is not None:
            self._depth = known[1]
            return known[0]
        bound = self._container(value)
        if len(self._bounds) >= _MAX_REMEMBERED:
            self._bounds.clear()
        self._bounds[id(value)] = (bound, self._depth, value)
        return bound

    def _container(self, value: AnyJSON) -> int:
        """The hottest loop of the engine: strings and plain numbers are counted in line."""
        bound = 2 + len(value)
        items = value
        deepest = 0
        if type(value) is dict:
            items = value.values()
            bound += _CHARACTER * sum(map(len, value)) + 3 * len(value)
        for item in items:
            kind = type(item)
            if kind is str:
                bound += _CHARACTER * len(item) + 2
            elif kind is dict or kind is list:
                bound += self._bound(item)
                if self._depth > deepest:
                    deepest = self._depth
            elif kind is int:
                bound += _scalar_bound(item)
            else:
                bound += _SCALAR
        self._depth = deepest + 1
        return bound


def _scalar_bound(value: AnyJSON) -> int:
    if isinstance(value, str):
        return _CHARACTER * len(value) + 2
    if type(value) is int and not -(2**63) < value < 2**63:
        return value.bit_length()
    return _SCALAR
