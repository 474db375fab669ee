"""The evaluation of steps: the values that a field, an index, a wildcard, a filter or a function selects."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from pupline.asl._errors import EvaluationError
from pupline.asl._expression import Evaluate, Scope
from pupline.asl.jsonpath import _syntax as syntax
from pupline.asl.jsonpath._filter import compile_filter
from pupline.json_values import AnyJSON

MAX_VISITED = 1_000_000
"""Values that one evaluation may visit. An input of 256 KiB has at most 131,000; `..*..*` could visit the square."""

Select = Callable[[AnyJSON, Scope], list[AnyJSON]]

MISSING: AnyJSON = object()
"""The result of a single step that selects nothing."""


def root_of(parsed: syntax.ParsedPath) -> Evaluate:
    """The start of a path: the input, the Context Object, or a variable (KeyError when there is none)."""
    if parsed.root == "$":
        return attrgetter("input")
    if parsed.root == "$$":
        return attrgetter("context")
    name = parsed.root
    return lambda scope: scope.variables[name]


def take_step(value: AnyJSON, step: syntax.Step) -> AnyJSON:
    """The value that one step of a definite path selects, or MISSING."""
    if isinstance(step, syntax.Key):
        return value.get(step.name, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(step, syntax.Index):
        return _at(value, step.position)
    if isinstance(step, syntax.FromEnd):
        return _at(value, len(value) - step.offset) if isinstance(value, list) else MISSING
    if isinstance(step, syntax.Keys):
        if not isinstance(value, dict):
            return MISSING
        return {name: value[name] for name in step.names if name in value}
    raise AssertionError(f"{step} is not part of a definite path")


def _at(value: AnyJSON, position: int) -> AnyJSON:
    return value[position] if isinstance(value, list) and 0 <= position < len(value) else MISSING


def multiple_names(step: syntax.Keys) -> str:
    """Jayway's text about several names that are not the last step of a path."""
    names = ", ".join(f"'{name}'" for name in step.names)
    return f"Multi properties can only be used as path leafs: $[{names}]"


def compile_steps(steps: tuple[syntax.Step, ...]) -> Select:
    """Steps as a callable: (value, scope) -> all the values they select, in document order."""
    selectors: list[tuple[bool, Callable[[AnyJSON, Scope], Iterable[AnyJSON]]]] = []
    deep = False
    for at, step in enumerate(steps):
        if isinstance(step, syntax.Descend):
            deep = True
            continue
        if isinstance(step, syntax.Keys) and at + 1 < len(steps):
            selectors.append((deep, _refuse_names(step)))
        else:
            selectors.append((deep, _selector(step, deep=deep)))
        deep = False

    def select(value: AnyJSON, scope: Scope) -> list[AnyJSON]:
        nodes = [value]
        visited = 0
        for descend, selector in selectors:
            if descend:
                nodes = _descendants(nodes, MAX_VISITED - visited)
            following: list[AnyJSON] = []
            for node in nodes:
                following.extend(selector(node, scope))
                if visited + len(following) > MAX_VISITED:
                    raise _visit_limit_error()
            visited += len(nodes) + len(following)
            nodes = following
        return nodes

    return select


def _visit_limit_error() -> EvaluationError:
    return EvaluationError(
        "States.Runtime", f"A path selects more than {MAX_VISITED} values; use fewer wildcards or '..' steps."
    )


def _descendants(nodes: list[AnyJSON], budget: int) -> list[AnyJSON]:
    """The values and all objects and arrays in them, each before its children."""
    found: list[AnyJSON] = []
    stack = nodes[::-1]
    while stack:
        node = stack.pop()
        if isinstance(node, (dict, list)):
            found.append(node)
            children = node.values() if isinstance(node, dict) else node
            stack.extend(reversed([child for child in children if isinstance(child, (dict, list))]))
        if len(found) > budget:
            raise _visit_limit_error()
    return found


def _refuse_names(step: syntax.Keys) -> Callable[[AnyJSON, Scope], Iterable[AnyJSON]]:
    def refuse(_: AnyJSON, __: Scope) -> Iterable[AnyJSON]:
        raise EvaluationError("States.Runtime", multiple_names(step))

    return refuse


def _selector(step: syntax.Step, *, deep: bool) -> Callable[[AnyJSON, Scope], Iterable[AnyJSON]]:
    if isinstance(step, syntax.Wildcard):
        return lambda node, _: _children(node)
    if isinstance(step, syntax.Slice):
        start, stop = step.start, step.stop
        if start is not None and stop is not None and (start < 0 or stop < 0):
            return lambda _, __: ()  # only a slice with one bound counts from the end
        return lambda node, _: node[start:stop] if isinstance(node, list) else ()
    if isinstance(step, syntax.Keys) and deep:
        all_of = frozenset(step.names)  # `..['a','b']` selects from objects that have both
        return lambda node, _: (take_step(node, step),) if isinstance(node, dict) and all_of <= node.keys() else ()
    if isinstance(step, syntax.Indices):
        positions = step.positions
        return lambda node, _: [found for at in positions if (found := _at(node, at)) is not MISSING]
    if isinstance(step, syntax.Filter):
        test = compile_filter(step.test, compile_steps, root_of)
        return lambda node, scope: [child for child in _candidates(node) if test(child, scope)]

    def single(node: AnyJSON, _: Scope) -> Iterable[AnyJSON]:
        found = take_step(node, step)
        return () if found is MISSING else (found,)

    return single


def _children(node: AnyJSON) -> Iterable[AnyJSON]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _candidates(node: AnyJSON) -> Iterable[AnyJSON]:
    """The values that a filter tests: the elements of an array, or an object itself (as in Jayway)."""
    if isinstance(node, list):
        return node
    return (node,) if isinstance(node, dict) else ()
