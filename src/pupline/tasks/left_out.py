"""What a listing left out of a run: how many things, for which reasons, and a few examples."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pupline.json_values import JSON
from pupline.text import plural, printable

NO_SUCH_PAGE: Final = "no_such_page"
UNUSABLE_PAGE: Final = "unusable_page"
NO_URL: Final = "no_url"
UNUSABLE_RECORD: Final = "unusable_record"
NOT_GIVEN: Final = "not_given"

_SENTENCES: Mapping[str, tuple[str, str]] = {
    NO_SUCH_PAGE: ("page", "that the API does not have"),
    UNUSABLE_PAGE: ("page", "that could not be used"),
    NO_URL: ("record", "without a URL"),
    UNUSABLE_RECORD: ("record", "that could not be used"),
    NOT_GIVEN: ("item", "announced and not given"),
}
REASONS: Final = tuple(_SENTENCES)

MAX_EXAMPLES: Final = 3
_MAX_EXAMPLE = 120


@dataclass(slots=True)
class LeftOut:
    """reasons: number of pages, records or items by reason. examples: of the first of them, in words."""

    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.total > 0

    @property
    def total(self) -> int:
        """How many things were left out."""
        return self.reasons.total()

    @property
    def sentence(self) -> str:
        """Counts with their reasons, for people: `2 pages that the API does not have, 1 record without a URL`."""
        found = ((self.reasons[reason], *words) for reason, words in _SENTENCES.items() if self.reasons[reason])
        return ", ".join(f"{plural(count, noun)} {which}" for count, noun, which in found)

    def add(self, reason: str, count: int = 1, example: str = "") -> None:
        """Count something that was left out. example: in words; it is kept if there are few so far."""
        if count > 0:
            self.reasons[reason] += count
            if example and len(self.examples) < MAX_EXAMPLES:
                self.examples.append(printable(example, _MAX_EXAMPLE))

    def as_json(self) -> dict[str, JSON]:
        """For `from_json`."""
        return {"reasons": {name: count for name, count in self.reasons.items() if count}, "examples": [*self.examples]}

    @classmethod
    def from_json(cls, data: Any) -> "LeftOut":
        """What `as_json` wrote; empty for anything else. It comes from outside in a Lambda event."""
        found = cls()
        if isinstance(data, Mapping):
            reasons, examples = data.get("reasons"), data.get("examples")
            for reason, count in reasons.items() if isinstance(reasons, Mapping) else ():
                if reason in REASONS and isinstance(count, int) and not isinstance(count, bool):
                    found.add(reason, count)
            for example in examples if isinstance(examples, list) else ():
                if isinstance(example, str) and len(found.examples) < MAX_EXAMPLES:
                    found.examples.append(printable(example, _MAX_EXAMPLE))
        return found
