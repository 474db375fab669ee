"""The limits of one JSONata evaluation: depth, work and size. They are counted and not timed, so that a replay on
another machine ends in the same way.
"""

import threading
from collections.abc import Sequence

from jsonata import utils

from pupline.asl._expression import Scope
from pupline.json_values import dumps

MAX_DEPTH = 100
"""Levels of one evaluation, as on AWS."""

MAX_STEPS = 100_000
"""Nodes that one evaluation may visit: half a second of work. AWS stops by the clock."""

STEPS_PER_VALUE = 16
"""More nodes that it may visit for each JSON value in `$states` and the variables."""

ELEMENTS_PER_STEP = 32
"""Elements of new arrays and objects that cost as much as one node."""

ELEMENTS_READ_PER_STEP = 256
"""Elements of an array given to a function that cost as much as one node. Few, as `$count` reads none of them."""

CHARACTERS_PER_STEP = 2_048
"""Characters of a new text that cost as much as one node: all texts together stay under some hundred megabytes."""

MAX_INTEGER_TEXT = 1_000
"""Characters that `$parseInteger` reads: its time grows with their square."""

MAX_BYTES = 6_990_256
"""Bytes of one value that an expression builds, as on AWS: one for a character, eight for a number."""

MAX_RANGE = 360_145
"""Elements that `$range` makes, as on AWS."""


_UNDER_WAY = threading.local()


class UndefinedResult(Exception):
    """The expression returned nothing."""


class UnsupportedResult(Exception):
    """The expression returned a function, or another value that is not JSON."""


class JsonataError(Exception):
    """The evaluation failed; the text says how, after "The JSONata expression '...' specified for the field '...'"."""


THREW = "threw an error during evaluation"


def timed_out() -> "JsonataError":
    """The error for an evaluation that takes too long."""
    return JsonataError(f"{THREW}: Expression evaluation timeout: Check for infinite loop")


def depth_error(depth: int) -> str:
    hint = "Check for non-terminating recursive function.  Consider rewriting as tail-recursive."
    return f"{THREW}: Stack overflow error: {hint} Depth={depth} max={MAX_DEPTH}"


class Budget:
    """Counts the depth, steps and bytes of one evaluation; the library calls it around every node.

    Weights are kept by identity, each with its value so that the identity stays valid: values share their parts, and a
    few dozen doublings would otherwise make one that takes forever to walk.
    """

    __slots__ = ("_limit", "_scope", "depth", "steps", "weights")

    def __init__(self, scope: Scope) -> None:
        self._scope: Scope | None = scope
        self._limit = MAX_STEPS
        self.depth = 0
        self.steps = 0
        self.weights: dict[int, tuple[object, int]] = {}
        _UNDER_WAY.budget = self

    def enter(self, _node: object, _input: object, _frame: object) -> None:
        self.depth += 1
        self.steps += 1
        if self.depth > MAX_DEPTH:
            raise JsonataError(depth_error(self.depth))
        self.check_steps()

    def end(self) -> None:
        """Keep none of the values that were weighed."""
        _UNDER_WAY.budget = None
        self.weights = {}

    def check_steps(self) -> None:
        """Raises JsonataError when there are more steps than allowed."""
        if self.steps > self._limit:
            self._raise_limit()

    def _raise_limit(self) -> None:
        """Allow more steps for a large input, measured when first needed. Raises JsonataError when it is not enough."""
        if self._scope is not None:
            values = sum(dumps(part).count(",") for part in (self._scope.states, self._scope.variables))
            self._limit += STEPS_PER_VALUE * values
            self._scope = None
        if self.steps > self._limit:
            raise timed_out()

    def leave(self, _node: object, _input: object, _frame: object, result: object) -> None:
        self.depth -= 1
        if isinstance(result, (str, list, dict)):
            check_size(self.weigh(result), MAX_BYTES)

    def weigh(self, value: object) -> int:
        """Bytes as AWS counts them; empty values have a weight too."""
        if isinstance(value, str):
            return self._weigh_text(value) if len(value) >= CHARACTERS_PER_STEP else len(value) or 1
        if not isinstance(value, (list, dict)) or isinstance(value, utils.Utils.RangeList):
            return 8
        known = self.weights.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        if isinstance(value, dict):
            weight = sum([len(key) + self.weigh(item) for key, item in value.items()])
        else:
            weight = sum([self.weigh(item) for item in value])
        self.steps += len(value) // ELEMENTS_PER_STEP
        self.weights[id(value)] = (value, max(weight, 8))
        return max(weight, 8)

    def _weigh_text(self, text: str) -> int:
        """A long text counts once, when it is new: `$map` collects as many as the steps allow."""
        if id(text) not in self.weights:
            self.steps += len(text) // CHARACTERS_PER_STEP
            self.weights[id(text)] = (text, len(text))
        return len(text)


def count_call(arguments: Sequence[object], result: object) -> None:
    """Count what a function has read and made for the evaluation of this thread. Raises JsonataError over a limit.

    The evaluator sees no results of functions that functions call, nor those of a call that ends a lambda.
    """
    budget: Budget | None = getattr(_UNDER_WAY, "budget", None)
    if budget is None:
        return
    for argument in arguments:
        if isinstance(argument, list):
            budget.steps += len(argument) // ELEMENTS_READ_PER_STEP
    if isinstance(result, (str, list, dict)):
        check_size(budget.weigh(result), MAX_BYTES)
    budget.check_steps()


def check_size(size: float, most: int) -> None:
    """Raises JsonataError for a size over the limit."""
    if size > most:
        raise JsonataError(f"{THREW}: Expression evaluation memory limit exceeded: Check for excessive memory usage")
