"""Items below items: photos of posts, media of observations.

`items` finds the things on a page. Each expression of `each` goes one level down: it finds the entries within every
object so far, so that `data.children[].data` and `media[]` give the media of all posts. The objects on the way stay
with an entry, nearest first, because facts such as the author are theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pupline.errors import SourceError
from pupline.specs._expressions import Expression
from pupline.specs._extraction import described, observed
from pupline.text import printable


@dataclass(frozen=True, slots=True)
class Entry:
    """A text or object that names an image. outer: the objects that it is in, nearest first."""

    value: Any
    outer: tuple[Any, ...] = ()


@dataclass(slots=True)
class Levels:
    """The innermost entries of a page. unusable: values that are neither a URL nor an object; why: the first of them.

    missing: objects without a list where an expression of `each` expects one, which may be normal: posts without media.
    """

    entries: list[Entry]
    unusable: int = 0
    why: str = ""
    missing: int = 0

    def descend(self, each: Expression) -> None:
        """Go one level down. Raises: SourceError where none of the objects has what `each` names."""
        before, self.entries = self.entries, []
        missing = 0
        for one in before:
            found, dropped, why = observed(each, one.value) if isinstance(one.value, dict) else (None, 0, "")
            self.unusable += dropped
            self.why = self.why or why
            if found is None:
                missing += 1
                continue
            outer = (one.value, *one.outer)
            for value in found if isinstance(found, list) else [found]:
                if isinstance(value, dict) or (isinstance(value, str) and value):
                    self.entries.append(Entry(value, outer))
                else:
                    self.unusable += 1
                    self.why = self.why or described(value)
        self.missing += missing
        if before and missing == len(before):
            raise NothingBelow(
                f"each ({printable(each.text, 120)}) found nothing in any of the {len(before):,} that items found; "
                f"the first is {described(before[0].value)}"
            )


class NothingBelow(SourceError):
    """No object on a page has the list that `each` names."""


def levels_of(values: Sequence[Any], each: Sequence[Expression], *, may_be_empty: bool) -> Levels:
    """The innermost entries of what `items` found. may_be_empty: a page on which nothing has a list is normal."""
    found = Levels([Entry(value) for value in values])
    for expression in each:
        try:
            found.descend(expression)
        except NothingBelow:
            if not may_be_empty:
                raise
    return found
