"""A path in parsed form: a root, and a tuple of steps such as `.a`, `['b']`, `[0]`, `[?(@.c == 1)]` and `..`."""

import re
from dataclasses import dataclass

from pupline.json_values import AnyJSON


@dataclass(frozen=True, slots=True)
class Key:
    """`.name` or `['name']`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Key):
    """`.length()` and the like. AWS has only fields in paths: it looks for one that is called "length()"."""


@dataclass(frozen=True, slots=True)
class Index:
    """`[3]`. AWS finds nothing at a negative index."""

    position: int


@dataclass(frozen=True, slots=True)
class FromEnd:
    """`[(@.length-1)]`: the last element for an offset of 1."""

    offset: int


@dataclass(frozen=True, slots=True)
class Keys:
    """`['a','b']`: an object with those of these fields that exist; only as the last step."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indices:
    """`[0,2]`."""

    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1:3]`, `[-2:]`, `[:5]`."""

    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`.*` or `[*]`."""


@dataclass(frozen=True, slots=True)
class Descend:
    """The `..` before the next step."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(...)]`."""

    test: "Condition"


Step = Key | Index | FromEnd | Keys | Indices | Slice | Wildcard | Descend | Filter


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """A path's root and steps. root: `$`, `$$`, `@`, or a variable's name without its `$`."""

    root: str
    steps: tuple[Step, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The variables it reads, those inside filters too."""
        inner = [step.test.variables for step in self.steps if isinstance(step, Filter)]
        own = frozenset() if self.root in ("$", "$$", "@") else frozenset({self.root})
        return own.union(*inner)

    @property
    def definite(self) -> bool:
        """Whether it selects one value (and fails when that is missing) and not a list of values."""
        return all(isinstance(step, (Key, Index, FromEnd, Keys)) for step in self.steps)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of a path of keys alone, None for another one."""
        names = tuple(step.name for step in self.steps if isinstance(step, Key))
        return names if len(names) == len(self.steps) else None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant inside a filter.

    text: as it is written, without quotes. The library compares this text, whether it looks like a number or not.
    """

    value: AnyJSON
    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression inside a filter."""

    regex: re.Pattern[str]


Operand = Literal | Pattern | ParsedPath


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter's condition: `and`, `or` and `not` of other conditions, `exists`, or a comparison of two operands."""

    operator: str
    operands: tuple["Operand | Condition", ...]

    @property
    def variables(self) -> frozenset[str]:
        """The workflow variables it reads."""
        return frozenset[str]().union(
            *(item.variables for item in self.operands if isinstance(item, (Condition, ParsedPath)))
        )
