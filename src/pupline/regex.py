"""The worst-case time of a regular expression, computed from the expression alone.

Python's `re` tries one path through an expression after another. When many paths match the beginning of a text and none
its end, it tries all of them. Expressions from outside (JSONPath filters and JSONata of a definition, `labels_from` of
a source) must not hang the process, and neither must our own.

The expression becomes an automaton whose states are its characters (Glushkov's construction). When two paths lead from
a position back to it on the same text, their number doubles with every repetition, and the time is exponential. When a
loop is followed by another that matches the same text, the time is at least quadratic. Source: Weideman et al.,
"Analyzing matching time behavior of backtracking regular expression matchers" (CIAA 2016).

Approximations err on the safe side: a high repetition bound counts as no bound, a back reference as any text, a
lookaround as true. Some hundreds of characters represent all.

A leaf: every room may import it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

_MAX_POSITIONS: Final = 400
"""Characters of an expression, with its repetitions expanded; an expression with more counts as slow."""

_MAX_STEPS: Final = 200_000
"""Steps of the search, some tenths of a second; an expression that needs more counts as slow."""

_MAX_COPIES: Final = 24
"""Copies of a repeated part; a higher bound counts as no bound."""

_MAX_OPTIONAL: Final = 16
"""Optional parts: each can double the number of paths."""

_MAX_EXPONENT: Final = 3

_OTHERS: Final = "\u0130\u0131\u017f\u212a\u03a9\u72ac\u0660\u2028\u3000\U0001f415"
"""Characters beyond Latin-1 that character classes and case folding distinguish."""


class SlowExpression(ValueError):
    """A regular expression that could hang."""


@lru_cache(maxsize=256)
def safe_compile(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile` for expressions from outside.

    Raises: re.error, OverflowError and RecursionError like `re.compile`; SlowExpression, which says what to change.
    """
    made = re.compile(pattern, flags)
    if time_exponent(pattern, flags) > _MAX_EXPONENT:
        raise SlowExpression(
            "it could run for hours on a short text: repetitions inside or after one another take the same characters; "
            "make them exclude each other"
        )
    return made


def time_exponent(pattern: str | bytes, flags: int = 0) -> float:
    """The growth of the time of one match attempt with the length n of the text: 1 for n, 2 for n * n, ...

    Infinity: exponential growth, or an expression too large to analyse. A search makes an attempt at each position.
    """
    try:
        return max(automaton.exponent() for automaton in _automata(pattern, flags))
    except _LimitExceeded:
        return math.inf


# ---------------------------------------------------------------- the automaton


@dataclass(slots=True)
class _Part:
    """A part of an expression: the positions at which a match of it can begin and end.

    first, last: positions, with the number of paths that enter or leave there. empty: the number of paths on which it
    matches the empty text; `a|a` is `a(?:|)` to `re`, so that there are two.
    """

    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    empty: int = 1


class _LimitExceeded(Exception):
    """More positions or steps than the limits above."""


class _Automaton:
    """Positions, the characters that each matches (a bit for each representative), and the paths between them."""

    def __init__(self, alphabet: list[str]) -> None:
        self.alphabet = alphabet
        self.masks: list[int] = []
        self._follow: list[Counter[int]] = []
        self._possessive: dict[int, int] = {}
        self._steps = 0
        self._edges: dict[int, list[tuple[int, int, int]]] = {}

    def position(self, mask: int) -> _Part:
        if len(self.masks) >= _MAX_POSITIONS:
            raise _LimitExceeded
        self.masks.append(mask)
        self._follow.append(Counter())
        at = len(self.masks) - 1
        return _Part(Counter({at: 1}), Counter({at: 1}), empty=0)

    def joined(self, left: _Part, right: _Part) -> _Part:
        """`left`, then `right`."""
        self._link(left.last, right.first)
        first, last = Counter(left.first), Counter(right.last)
        for at, ways in right.first.items():
            first[at] += ways * left.empty
        for at, ways in left.last.items():
            last[at] += ways * right.empty
        return _Part(+first, +last, left.empty * right.empty)

    def repeated(self, part: _Part) -> _Part:
        """`part`, once or more."""
        self._link(part.last, part.first)
        return part

    def _link(self, last: Counter[int], first: Counter[int]) -> None:
        for source, ways in last.items():
            for target, more in first.items():
                self._follow[source][target] += ways * more

    def make_possessive(self, at: int) -> None:
        """Make the position a possessive loop: the characters that it matches cannot follow it."""
        self._possessive[at] = self.masks[at]

    def edges(self, at: int) -> list[tuple[int, int, int]]:
        """The positions that can follow, each with the characters that lead there and the number of paths."""
        found = self._edges.get(at)
        if found is None:
            own = self._possessive.get(at, 0)
            others = ((to, self.masks[to] & ~own, count) for to, count in self._follow[at].items())
            found = [each for each in others if each[1]]
            if own:
                found.append((at, own, 1))
            self._edges[at] = found
        return found

    def exponent(self) -> float:
        """See `time_exponent`."""
        return math.inf if self._doubles() else max(1, self._loops_in_a_row())

    def _doubles(self) -> bool:
        """Whether two paths lead from some position back to it on the same text."""
        for group in _components(range(len(self.masks)), self._next):
            inside = set(group)
            if any(count > 1 and to in inside for at in group for to, _, count in self.edges(at)):
                return True
            if len(group) > 1 and self._has_twins(group, inside):
                return True
        return False

    def _loops_in_a_row(self) -> int:
        """The largest number of successive loops that can match the same text."""
        size = len(self.masks)
        loops = [at for at in range(size) if self._reaches(at, at)]
        behind = {at: [to for to in loops if to != at and self._overlap(at, to)] for at in loops}

        first, length = set(loops), 0
        while first and length <= _MAX_EXPONENT:
            length += 1
            first = {at for at in first if not first.isdisjoint(behind[at])}
        return length

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _LimitExceeded

    def _next(self, at: int) -> Iterator[int]:
        return (to for to, _, _ in self.edges(at))

    def _has_twins(self, group: list[int], inside: set[int]) -> bool:
        """Whether a pair of equal positions and a pair of different ones reach each other on the same texts."""
        index = {at: number for number, at in enumerate(group)}
        size = len(group)

        def pairs(number: int) -> Iterator[int]:
            left, right = group[number // size], group[number % size]
            for to, letters, _ in self.edges(left):
                for other, others, _ in self.edges(right):
                    self._count_step()
                    if to in inside and other in inside and letters & others:
                        yield index[to] * size + index[other]

        for component in _components(range(0, size * size, size + 1), pairs):
            if len({number // size == number % size for number in component}) == 2:
                return True
        return False

    def _reaches(self, start: int, goal: int) -> bool:
        seen, waiting = {start}, list(self._next(start))
        while waiting:
            self._count_step()
            at = waiting.pop()
            if at == goal:
                return True
            if at not in seen:
                seen.add(at)
                waiting.extend(self._next(at))
        return False

    def _overlap(self, first: int, second: int) -> bool:
        """Whether one text leads from `first` to itself, from `first` to `second`, and from `second` to itself."""
        start, goal = (first, first, second), (first, second, second)
        seen, waiting = {start}, [start]
        while waiting:
            one, two, three = waiting.pop()
            for a, letters, _ in self.edges(one):
                for b, others, _ in self.edges(two):
                    common = letters & others
                    for c, more, _ in self.edges(three) if common else ():
                        self._count_step()
                        found = (a, b, c)
                        if common & more and found not in seen:
                            if found == goal:
                                return True
                            seen.add(found)
                            waiting.append(found)
        return False


def _components(roots: Iterable[int], follow: Callable[[int], Iterator[int]]) -> Iterator[list[int]]:
    """The strongly connected components that `roots` lead to (Tarjan's algorithm, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in roots:
        if root in order:
            continue
        work = [(root, iter(follow(root)))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            at, rest = work[-1]
            to = next(rest, None)
            if to is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == order[at]:
                    cut = stack.index(at)
                    found, stack[cut:] = stack[cut:], []
                    on_stack.difference_update(found)
                    yield found
            elif to not in order:
                order[to] = low[to] = len(order)
                stack.append(to)
                on_stack.add(to)
                work.append((to, iter(follow(to))))
            elif to in on_stack:
                low[at] = min(low[at], order[to])


# ---------------------------------------------------------------- from the parse tree


def _automata(pattern: str | bytes, flags: int) -> Iterator[_Automaton]:
    """The automaton of an expression, and one for each lookaround in it. Raises: _LimitExceeded."""
    # Only this parser accepts exactly what `re` accepts. By its name: whether type checkers know it depends on others.
    tree = import_module("re._parser").parse(pattern, flags)
    waiting: list[Any] = [list(tree)]
    letters = {*map(chr, range(256))}
    if isinstance(pattern, str):
        letters |= {*_OTHERS, *_literals(tree), *_literals(tree, 1), *_literals(tree, -1)}
    alphabet = sorted(letters)
    while waiting:
        builder = _Builder(_Automaton(alphabet), flags | tree.state.flags, waiting)
        builder.sequence(waiting.pop())
        yield builder.automaton


def _literals(tree: Any, offset: int = 0) -> Iterator[str]:
    """The literal characters of a parse tree, or their neighbours."""
    for item in tree:
        if isinstance(item, tuple) and len(item) == 2 and str(item[0]) in ("LITERAL", "NOT_LITERAL"):
            yield chr(min(max(item[1] + offset, 0), 0x10FFFF))
        elif isinstance(item, tuple) and len(item) == 2 and str(item[0]) == "RANGE":
            yield from (chr(min(max(end + offset, 0), 0x10FFFF)) for end in item[1])
        elif isinstance(item, (tuple, list)) or hasattr(item, "data"):
            yield from _literals(item, offset)


class _Builder:
    """Builds the automaton of a parse tree. Lookarounds go to `lookarounds`, to be analysed separately."""

    def __init__(self, automaton: _Automaton, flags: int, lookarounds: list[Any]) -> None:
        self.automaton = automaton
        self._flags = flags
        self._lookarounds = lookarounds
        self._optional = 0
        self._all = (1 << len(automaton.alphabet)) - 1

    def sequence(self, items: Iterable[Any]) -> _Part:
        whole = _Part()
        for item in items:
            whole = self.automaton.joined(whole, self._item(item))
        return whole

    def _item(self, item: Any) -> _Part:
        kind, argument = str(item[0]), item[1]
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeated(*argument, possessive=kind == "POSSESSIVE_REPEAT")
        if kind == "SUBPATTERN":
            _, added, removed, items = argument
            before, self._flags = self._flags, (self._flags | added) & ~removed
            part = self.sequence(items)
            self._flags = before
            return part
        if kind == "ATOMIC_GROUP":
            return self.sequence(argument)
        if kind == "BRANCH":
            return self._either([self.sequence(branch) for branch in argument[1]])
        if kind in ("ASSERT", "ASSERT_NOT"):
            self._lookarounds.append(argument[1])
            return _Part()
        if kind == "GROUPREF_EXISTS":
            return self._either([self.sequence(branch or ()) for branch in argument[1:]])
        if kind == "GROUPREF":
            part = self.automaton.repeated(self.automaton.position(self._all))
            part.empty = 1
            return part
        mask = self._mask(item)
        return _Part() if mask is None else self.automaton.position(mask)

    def _either(self, parts: list[_Part]) -> _Part:
        whole = _Part(empty=sum(part.empty for part in parts))
        for part in parts:
            whole.first.update(part.first)
            whole.last.update(part.last)
        return whole

    def _repeated(self, least: int, most: int, items: Any, *, possessive: bool) -> _Part:
        endless = most > _MAX_COPIES
        copies = min(max(least, 1), _MAX_COPIES) if endless else most
        self._optional += least < most and not endless
        if self._optional > _MAX_OPTIONAL:
            raise _LimitExceeded
        whole = _Part()
        for number in range(copies):
            part = self.sequence(items)
            if number >= least:
                part.empty += 1
            if endless and number == copies - 1:
                if possessive and len(items) == 1 and len(part.first) == 1 and part.first == part.last:
                    self.automaton.make_possessive(next(iter(part.first)))
                part = self.automaton.repeated(part)
            whole = self.automaton.joined(whole, part)
        return whole

    def _mask(self, item: Any) -> int | None:
        """The characters that one item matches, as bits; None for an item without characters, such as `^`."""
        kind, argument = str(item[0]), item[1]
        if kind == "AT":
            return None
        if kind == "ANY":
            ends = "" if self._flags & re.DOTALL else "\n"
            return self._bits(lambda letter: letter not in ends)
        if kind == "IN":
            negated = bool(argument) and str(argument[0][0]) == "NEGATE"
            found = 0
            for one in argument[1:] if negated else argument:
                found |= self._mask(one) or 0
            return self._all & ~found if negated else found
        if kind == "CATEGORY":
            name = str(argument).removeprefix("CATEGORY_")
            letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.removeprefix("NOT_")]
            matches = re.compile(f"\\{letter}", 0 if self._flags & re.UNICODE else re.ASCII).match
            found = self._bits(lambda one: matches(one) is not None)
            return self._all & ~found if name.startswith("NOT_") else found
        if kind in ("LITERAL", "NOT_LITERAL"):
            wanted = self._cases(argument)
            return self._bits(lambda letter: (letter in wanted) == (kind == "LITERAL"))
        if kind == "RANGE":
            low, high = argument
            return self._bits(lambda letter: any(low <= ord(one) <= high for one in self._cases(ord(letter))))
        return self._all

    def _cases(self, code: int) -> set[str]:
        letter = chr(code)
        if not self._flags & re.IGNORECASE:
            return {letter}
        return {one for one in (letter, letter.lower(), letter.upper(), letter.swapcase()) if len(one) == 1}

    def _bits(self, takes: Callable[[str], bool]) -> int:
        return sum(1 << number for number, letter in enumerate(self.automaton.alphabet) if takes(letter))
