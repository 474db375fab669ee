"""Which mutants a seed chooses."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutation.operators import Change, Source, blocks, changes, swaps
from tools.mutation.rooms import ROOMS, Statement, functions, sources, statements


@dataclass(frozen=True)
class Mutant:
    """One fault at one place.

    name: stays the same while other functions change, so that another version has mostly the same mutants.
    statement: the one that tests must reach, or "" for constants of the module, which run at its import.
    line: the first line that differs; before, after: that line.
    """

    name: str
    room: str
    path: str
    operator: str
    statement: str
    line: int
    before: str
    after: str
    source: str

    def shown(self) -> dict[str, object]:
        """What the list of results says about it."""
        return {key: value for key, value in asdict(self).items() if key != "source"}


def chosen(root: Path, seed: int, count: int) -> list[Mutant]:
    """As many of each room and, within a room, of each operator, as there are; at most one a line."""
    by_room: dict[str, dict[str, list[Mutant]]] = {room: {} for room in ROOMS}
    for path, room in sources(root).items():
        for mutant in mutants(root, path, room):
            by_room[room].setdefault(mutant.operator, []).append(mutant)
    shares = {room: count // len(ROOMS) + (number < count % len(ROOMS)) for number, room in enumerate(ROOMS)}
    return [one for room, found in by_room.items() for one in _taken(root, found, seed, shares[room])]


def _taken(root: Path, found: dict[str, list[Mutant]], seed: int, count: int) -> list[Mutant]:
    """Take from each operator in turn. A mutant's rank depends on nothing but its name and the seed."""
    ranked = {
        operator: sorted(group, key=lambda one: hashlib.sha256(f"{seed} {one.name}".encode()).digest(), reverse=True)
        for operator, group in sorted(found.items())
    }
    taken: dict[tuple[str, int], Mutant] = {}
    while len(taken) < count and any(ranked.values()):
        for group in ranked.values():
            while group and len(taken) < count:
                one = group.pop()
                if (one.path, one.line) not in taken and _is_valid(root, one):
                    taken[one.path, one.line] = one
                    break
    return list(taken.values())


def mutants(root: Path, path: Path, room: str) -> Iterator[Mutant]:
    """All of a module. Some are not valid Python: only chosen ones are parsed, because all would take minutes."""
    source = Source((root / path).read_text())
    seen: Counter[str] = Counter()
    for statement, change in _all_changes(source, path):
        line, before, after = source.shown(change)
        where = statement.rpartition(":")[0]
        name = f"{where} {change.operator}: {before.strip()} -> {after.strip()}"
        seen[name] += 1
        name += f" ({seen[name]})" if seen[name] > 1 else ""
        mutated = (source.data[: change.start] + change.text.encode() + source.data[change.end :]).decode()
        yield Mutant(name, room, path.as_posix(), change.operator, statement, line, before, after, mutated)


def _all_changes(source: Source, path: Path) -> Iterator[tuple[str, Change]]:
    of_functions = statements(path, source.tree)
    names = {id(one.node): one.name for one in of_functions}
    for statement in of_functions:
        for change in changes(source, statement):
            yield statement.name, change
    for _, function in functions(source.tree):
        for block in blocks(function):
            for first, change in swaps(source, block):
                if id(first) in names:
                    yield names[id(first)], change
    for node in source.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            module = Statement(f"{path.as_posix()}::", node, _NO_FUNCTION)
            for change in changes(source, module):
                yield module.name, change


_NO_FUNCTION = next(one for _, one in functions(ast.parse("def module(): pass")))


def _is_valid(root: Path, mutant: Mutant) -> bool:
    """Whether a mutant is another program, with as many lines."""
    source = (root / mutant.path).read_text()
    try:
        is_other = ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False
    return is_other and mutant.source.count("\n") == source.count("\n")
