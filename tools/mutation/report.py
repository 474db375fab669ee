"""The tables of docs/mutation.md."""

from collections.abc import Mapping, Sequence

from tools.mutation.mutants import Mutant
from tools.mutation.rooms import ROOMS

CAUGHT = ("caught", "hang")


def report(mutants: Sequence[Mutant], results: Mapping[str, Mapping[str, object]]) -> str:
    """Figures by room and by kind of fault, and the mutants that no test caught."""
    statuses = {one.name: str(results.get(one.name, {}).get("status", "not tried")) for one in mutants}
    lines = _table("room", [(room, [statuses[one.name] for one in mutants if one.room == room]) for room in ROOMS])
    operators = sorted({one.operator for one in mutants})
    of_operators = [(name, [statuses[one.name] for one in mutants if one.operator == name]) for name in operators]
    lines += ["", *_table("fault", of_operators), ""]
    for one in mutants:
        if statuses[one.name] not in CAUGHT:
            lines += [f"{statuses[one.name]}: {one.path}:{one.line} {one.name}", ""]
    return "\n".join(lines)


def _table(head: str, rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    lines = [f"| {head} | mutants | caught | of them by a hang | share |", "| --- | --: | --: | --: | --: |"]
    for name, statuses in [*rows, ("all", [status for _, of_row in rows for status in of_row])]:
        caught = sum(status in CAUGHT for status in statuses)
        share = f"{100 * caught / len(statuses):.0f} %" if statuses else ""
        lines.append(f"| {name} | {len(statuses)} | {caught} | {statuses.count('hang')} | {share} |")
    return lines
