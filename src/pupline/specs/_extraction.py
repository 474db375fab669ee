"""The entries that the expression `items` extracts from a page, and those that JMESPath drops silently.

JMESPath gives null or an empty list for a document of another shape than the expression expects. So `message[]` gives
the same for a page without `message`, for one whose message is a number, for `[null]`, and for a page that says that
there is nothing. Only the last one ends a listing. To tell them apart, the evaluation is observed along the spine of
the expression: the chain of lists that its result is made from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jmespath.visitor import TreeInterpreter

from pupline.errors import SourceError
from pupline.specs._expressions import Expression
from pupline.text import printable

_SHOWN_NAMES = 6

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extraction:
    """entries: the texts and objects that the expression gives. records: number of things on the page.

    The expression may filter some records out; others are unusable: null, of another type, or without the part that
    the expression selects. why: the first unusable one, in words. is_single: the expression gives a single thing.
    """

    entries: list[Any]
    records: int
    unusable: int = 0
    why: str = ""
    is_single: bool = False


def extract(expression: Expression, page: Any) -> Extraction:
    """The entries that `expression`, a spec's `items`, extracts from a page.

    Raises: SourceError, with what was found and expected, for a page of another shape or without a usable entry.
    """
    observer = _SpineObserver(expression.tree)
    found = expression.search(page, observer)
    what = f"items ({printable(expression.text, 120)})"
    if found is None:
        raise SourceError(
            f"{what} found {observer.wrong or _missing(_place(expression.tree), page)}; {_expected(page)}"
        )
    is_single = isinstance(found, str | dict)
    if is_single:
        found = [found]
    if not isinstance(found, list):
        raise SourceError(f"{what} gives {described(found)}; {_expected(page)}")
    entries = [one for one in found if isinstance(one, dict) or is_filled_text(one)]
    others = [one for one in found if not isinstance(one, dict) and not is_filled_text(one)]
    records = len(found) if observer.records is None else observer.records
    unusable = observer.dropped + len(others)
    why = described(others[0]) if others else observer.first_dropped
    if unusable and not entries and unusable >= records:
        which = (
            f"nothing but {why}" if unusable == 1 else f"{unusable:,} entries, none of them usable; the first: {why}"
        )
        raise SourceError(f"{what} found {which}; {_expected(page)}")
    return Extraction(entries, records, unusable, why, is_single)


def is_filled_text(value: Any) -> bool:
    """Whether it is a text of more than blanks."""
    return isinstance(value, str) and not value.isspace() and value != ""


def observed(expression: Expression, value: Any) -> tuple[Any, int, str]:
    """The result of an expression, how many entries it dropped on the way, and the first of them in words."""
    observer = _SpineObserver(expression.tree)
    return expression.search(value, observer), observer.dropped, observer.first_dropped


def described(value: Any) -> str:
    """A JSON value in words, short and on one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return f"the number {printable(str(value), 30)}"
    if isinstance(value, str):
        return f"the text {printable(repr(value), 60)}" if value else "an empty text"
    if isinstance(value, list):
        return f"a list of {len(value):,}" if value else "an empty list"
    names = ", ".join(printable(str(name), 30) for name in list(value)[:_SHOWN_NAMES])
    more = ", ..." if len(value) > _SHOWN_NAMES else ""
    return f"an object with {names}{more}" if value else "an empty object"


def _expected(page: Any) -> str:
    return f"it should be a list of URLs, or of objects. The answer is {described(page)}"


class _SpineObserver(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """Evaluates one expression once. records: length of the first list on the spine. dropped: entries dropped there.

    first_dropped: the first of them, in words. wrong: the value in place of a list, in words.
    """

    def __init__(self, tree: Node) -> None:
        super().__init__()
        self._spine = {id(node) for node in _spine(tree)}
        self.records: int | None = None
        self.dropped = 0
        self.first_dropped = ""
        self.wrong = ""

    def visit_projection(self, node: Node, value: Any) -> Any:
        return self._each(node, value) if id(node) in self._spine else super().visit_projection(node, value)

    def visit_filter_projection(self, node: Node, value: Any) -> Any:
        return self._each(node, value) if id(node) in self._spine else super().visit_filter_projection(node, value)

    def visit_flatten(self, node: Node, value: Any) -> Any:
        if id(node) not in self._spine:
            return super().visit_flatten(node, value)
        base = self._list(node, value)
        if base is None:
            return None
        merged = [one for entry in base for one in (entry if isinstance(entry, list) else [entry])]
        if self.records is None:  # `[message][]` is one record where message is a text, and many where it is a list
            self.records = len(merged if node["children"][0]["type"] == "multi_select_list" else base)
        return merged

    def _each(self, node: Node, value: Any) -> list[Any] | None:
        base = self._list(node, value)
        if base is None:
            return None
        if self.records is None:
            self.records = len(base)
        taken = []
        for entry in base:
            if entry is not None and len(node["children"]) > 2 and not _is_true(self.visit(node["children"][2], entry)):
                continue
            found = None if entry is None else self.visit(node["children"][1], entry)
            if found is None:
                self.dropped += 1
                self.first_dropped = self.first_dropped or described(entry)
            else:
                taken.append(found)
        return taken

    def _list(self, node: Node, value: Any) -> list[Any] | None:
        child = node["children"][0]
        base = self.visit(child, value)
        if isinstance(base, list):
            return base
        if not self.wrong:
            place = _place(child)
            at = f" at {printable(place, 60)}" if place else ""
            self.wrong = _missing(place, value) if base is None else f"{described(base)}{at}"
        return None


def _missing(place: str, value: Any) -> str:
    """A phrase: that `place` of `value`, a path of names, is null or absent."""
    found = "null"
    for name in place.split(".") if place else ():
        if not isinstance(value, dict) or name not in value:
            found = "nothing"
            break
        value = value[name]
    return f"{found} at {printable(place, 60)}" if place else "null"


def _spine(node: Node) -> Iterator[Node]:
    """The nodes that the result's entries pass through, outermost first."""
    yield node
    kind, children = node["type"], node["children"]
    if kind == "pipe":
        yield from _spine(children[1])
    if kind in _ON_THE_SPINE and isinstance(children[0], dict):
        yield from _spine(children[0])


_ON_THE_SPINE = frozenset({"projection", "filter_projection", "flatten", "index_expression", "pipe", "subexpression"})


def _place(node: Node) -> str:
    """The path of names that `node` is; empty for the page itself, and for anything but a path."""
    if node["type"] == "field":
        return str(node["value"])
    if node["type"] == "subexpression":
        return ".".join(filter(None, map(_place, node["children"])))
    if node["type"] in ("projection", "flatten", "filter_projection", "index_expression"):
        return _place(node["children"][0])
    return ""


def _is_true(value: Any) -> bool:
    """Truth in JMESPath: empty values are false, 0 is not."""
    return not (value in ("", [], {}) or value is None or value is False)
