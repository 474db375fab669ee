"""The JSON texts of an execution's values: each is made once, to measure the value, to show it, and to keep it.

The size quota counts the bytes of the text, and the history shows it. Values are never changed in place, so a text is
remembered by the identity of its value.
"""

from pupline.json_values import MAX_NESTING, AnyJSON, deeper_than, dumps, most_bytes

#: 256 KiB: "Quotas for Step Functions", maximum input or output size for a task, state, or execution.
MAX_PAYLOAD_BYTES = 262_144

_LONGEST = 1_000
"""Characters of a text that is remembered. A longer one is made again where it is shown."""

_MOST = 256
"""Texts that are remembered: an execution that waits must stay small."""

_MOST_BYTES = 4
"""Of a character in UTF-8."""


class Texts:
    """The texts of values. Remembered values are kept alive, so that an identity always means the same value.

    for_history: whether the history is likely to be shown. If so, a value is measured by its text, which is shown
    later; else by a bound, and most texts are never made.
    """

    __slots__ = ("_for_history", "_kept", "_known")

    def __init__(self, *, for_history: bool = True) -> None:
        self._for_history = for_history
        self._known: dict[int, str] = {}
        self._kept: list[AnyJSON] = []

    def of(self, value: AnyJSON) -> str:
        """The text of a value, compact. Raises as `dumps` does."""
        text = self._known.get(id(value))
        if text is None:
            text = dumps(value)
            self.remember(value, text)
        return text

    def remember(self, value: AnyJSON, text: str) -> None:
        """Take over the text of a value."""
        if len(text) <= _LONGEST and len(self._kept) < _MOST:
            self._known[id(value)] = text
            self._kept.append(value)

    def by_identity(self) -> dict[int, str]:
        """A copy of the texts that are remembered, by the identity of their values."""
        return self._known.copy()

    def exceeds_quota(self, value: AnyJSON) -> bool:
        """Whether the text of `value` takes more than MAX_PAYLOAD_BYTES.

        Raises: RecursionError for a value of more than MAX_NESTING levels: printing it later could fail.
        """
        if not self._for_history and most_bytes(value) <= MAX_PAYLOAD_BYTES:
            return False
        text = self.of(value)
        if len(text) <= MAX_NESTING:
            return False
        if text.count("[") + text.count("{") > MAX_NESTING and deeper_than(value, MAX_NESTING):
            raise RecursionError
        if len(text) * _MOST_BYTES <= MAX_PAYLOAD_BYTES:
            return False
        return payload_bytes(text) > MAX_PAYLOAD_BYTES


def payload_bytes(text: str) -> int:
    """The length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
