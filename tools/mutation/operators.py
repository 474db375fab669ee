"""The faults: each is a small replacement in the text of one statement. None of them changes the number of lines."""

import ast
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tools.mutation.rooms import Function, Statement

Edit = tuple[ast.AST, str]
"""A node and the text that replaces it."""


@dataclass(frozen=True)
class Change:
    """Replaces the characters from `start` to `end` (bytes of the UTF-8 source) by `text`."""

    operator: str
    start: int
    end: int
    text: str


class Source:
    """A module's bytes, addressed by the positions that `ast` gives."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.tree = ast.parse(text)
        self._lines = [0]
        for line in self.data.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def start(self, node: ast.stmt | ast.expr) -> int:
        """The offset of a node's first byte."""
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr) -> int:
        """The offset after a node's last byte."""
        assert node.end_lineno is not None  # noqa: S101 -- ast.parse gives every node its end
        assert node.end_col_offset is not None  # noqa: S101
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.stmt | ast.expr) -> str:
        """A node's source."""
        return self.data[self.start(node) : self.end(node)].decode()

    def shown(self, change: Change) -> tuple[int, str, str]:
        """The number of the line where a change begins, and its lines before and after, in one line each."""
        first = bisect_right(self._lines, change.start) - 1
        last = bisect_right(self._lines, change.end) - 1
        begin, end = self._lines[first], self._lines[min(last + 1, len(self._lines) - 1)]
        before = self.data[begin:end].decode()
        after = (self.data[begin : change.start] + change.text.encode() + self.data[change.end : end]).decode()
        return first + 1, " ".join(before.split()), " ".join(after.split())

    def replaced(self, operator: str, node: ast.stmt | ast.expr, text: str) -> Change:
        """The change that puts text in place of a node."""
        return Change(operator, self.start(node), self.end(node), text)


def changes(source: Source, statement: Statement) -> Iterator[Change]:
    """All faults in one statement, without those in the statements of its blocks."""
    node = statement.node
    if not isinstance(node, ast.Assert | Function | ast.ClassDef | ast.Import | ast.ImportFrom):
        for operator in _OF_STATEMENTS:
            yield from operator(source, statement)
        for expression in _expressions(node):
            for of_expression in _OF_EXPRESSIONS:
                yield from of_expression(source, expression)


def swaps(source: Source, block: list[ast.stmt]) -> Iterator[tuple[ast.stmt, Change]]:
    """Two neighbouring calls in the other order."""
    for first, second in pairwise(block):
        if _is_swappable(first, second):
            between = source.data[source.end(first) : source.start(second)].decode()
            text = source.text(second) + between + source.text(first)
            yield first, Change("swapped statements", source.start(first), source.end(second), text)


def blocks(function: Function) -> Iterator[list[ast.stmt]]:
    """The function's body and the blocks in it."""
    for node in ast.walk(function):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _is_swappable(first: ast.stmt, second: ast.stmt) -> bool:
    """Two calls. The order of assignments, or of a call and an assignment, is mostly nobody's promise."""
    if not (_is_call(first) and _is_call(second)):
        return False
    return not (_names(first, ast.Store) & _names(second) or _names(second, ast.Store) & _names(first))


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)


def _names(node: ast.stmt, context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement's own lines: not of its blocks, annotations or texts."""
    skipped = {"annotation", "body", "orelse", "finalbody", "handlers", "cases"}
    for field, value in ast.iter_fields(statement):
        if field not in skipped:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.withitem):
                    yield from _within(one.context_expr)
                elif isinstance(one, ast.expr):
                    yield from _within(one)


def _within(expression: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(expression, ast.JoinedStr):
        yield expression
        for child in ast.iter_child_nodes(expression):
            if isinstance(child, ast.expr):
                yield from _within(child)
            elif isinstance(child, ast.comprehension):
                yield from (one for part in (child.iter, *child.ifs) for one in _within(part))
            elif isinstance(child, ast.keyword) and child.arg not in ("strict", "stacklevel"):
                yield from _within(child.value)


_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}


def _comparison(source: Source, node: ast.expr) -> Iterator[Change]:
    """`<` becomes `<=`, `==` becomes `!=`, `in` becomes `not in`, and so on."""
    if isinstance(node, ast.Compare):
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            before, after = _COMPARED[type(operator)]
            between = source.data[source.end(left) : source.start(right)].decode()
            if between.count(before) == 1:
                text = between.replace(before, after)
                yield Change("comparison", source.end(left), source.start(right), text)


def _boolean(source: Source, node: ast.expr) -> Iterator[Change]:
    """`and` becomes `or`, `not` goes, a truth value becomes the other one."""
    if isinstance(node, ast.BoolOp):
        before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            between = source.data[source.end(left) : source.start(right)].decode()
            if between.count(before) == 1 and len(node.values) == 2:
                yield Change("boolean", source.end(left), source.start(right), between.replace(before, after))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield source.replaced("boolean", node, f"({source.text(node.operand)})")
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield source.replaced("boolean", node, str(not node.value))


def _constant(source: Source, node: ast.expr) -> Iterator[Change]:
    """A whole number becomes the next one."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield source.replaced("constant", node, str(node.value + 1))


def _extreme(source: Source, node: ast.expr) -> Iterator[Change]:
    """`min` becomes `max`, `any` becomes `all`, and the reverse."""
    other = {"min": "max", "max": "min", "any": "all", "all": "any"}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in other:
        yield source.replaced("boolean", node.func, other[node.func.id])


def _condition(source: Source, statement: Statement) -> Iterator[Change]:
    """The condition of an `if` is turned round."""
    if isinstance(statement.node, ast.If):
        test = statement.node.test
        yield source.replaced("boolean", test, f"not ({source.text(test)})")


def _removal(source: Source, statement: Statement) -> Iterator[Change]:
    """A call whose result nobody uses, or a `raise`, does not happen."""
    node = statement.node
    is_call = _is_call(node)
    if is_call or isinstance(node, ast.Raise):
        filled = "pass" + " \\\n" * source.text(node).count("\n")
        yield source.replaced("removed call" if is_call else "removed raise", node, filled)


def _return(source: Source, statement: Statement) -> Iterator[Change]:
    """A function that gives nothing returns before a statement; one that gives a truth value gives the same always."""
    node, returns = statement.node, statement.function.returns
    gives = source.text(returns) if returns is not None else ""
    is_simple = isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Delete)
    is_generator = any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(statement.function))
    if gives == "None" and is_simple and node in statement.function.body and not is_generator:
        yield Change("returned early", source.start(node), source.start(node), "return; ")
    elif gives == "bool" and isinstance(node, ast.Return) and node.value and not isinstance(node.value, ast.Constant):
        for value in ("True", "False"):
            yield source.replaced("returned early", node.value, value + _filling(source.text(node.value)))
    elif isinstance(node, ast.Break | ast.Continue):
        yield source.replaced("returned early", node, "continue" if isinstance(node, ast.Break) else "break")


def _filling(text: str) -> str:
    """What keeps the number of lines where an expression of several becomes one of one line."""
    return " \\\n" * text.count("\n")


def _exception(source: Source, statement: Statement) -> Iterator[Change]:
    """`except` catches everything, nothing, or only the first of several."""
    if isinstance(statement.node, ast.Try):
        for handler in statement.node.handlers:
            caught = handler.type
            if caught is None or source.text(caught) in ("Exception", "BaseException"):
                continue
            if source.text(caught).count("\n") == 0:
                yield source.replaced("exception", caught, "Exception")
                yield source.replaced("exception", caught, "()")
            if isinstance(caught, ast.Tuple) and len(caught.elts) > 1 and caught.lineno == caught.end_lineno:
                yield source.replaced("exception", caught, source.text(caught.elts[0]))


_OF_STATEMENTS: list[Callable[[Source, Statement], Iterator[Change]]] = [_condition, _removal, _return, _exception]
_OF_EXPRESSIONS: list[Callable[[Source, ast.expr], Iterator[Change]]] = [_comparison, _boolean, _constant, _extreme]
