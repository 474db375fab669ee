"""The tables of docs/mutation.md."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.mutation.mutants import Mutant
from tools.mutation.rooms import ROOMS
from tools.mutation.trials import CAUGHT

GOAL = 0.9


def reasons() -> dict[str, str]:
    """Why no test notices a mutant, by its name: it changes nothing that anything promises."""
    found: dict[str, str] = json.loads(Path(__file__).with_name("explained.json").read_text())
    return found


def report(mutants: Sequence[Mutant], results: Mapping[str, Mapping[str, object]]) -> str:
    """Figures by room and by kind of fault, and the mutants that no test caught, with the reason."""
    rooms = [(room, [one for one in mutants if one.room == room]) for room in ROOMS]
    operators = sorted({one.operator for one in mutants})
    of_operators = [(name, [one for one in mutants if one.operator == name]) for name in operators]
    lines = [*_table("room", rooms, results), "", *_table("fault", of_operators, results), ""]
    explained = reasons()
    for room, group in rooms:
        alive = [one for one in group if not is_caught(one, results)]
        if alive:
            lines += [f"**{room.capitalize()}**", ""]
        for one in alive:
            status = results.get(one.name, {}).get("status", "not tried")
            where = f"{one.path.removeprefix('src/pupline/')}:{one.line}"
            reason = explained.get(one.name, f"{status}, not explained")
            lines += [f"- `{where}`, {one.operator}:", f"  `{one.before}`", f"  became `{one.after}`.", f"  {reason}"]
        if alive:
            lines.append("")
    return "\n".join(lines)


def is_good_enough(mutants: Sequence[Mutant], results: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether the goal is reached, and every mutant that is not caught has a reason."""
    explained = reasons()
    caught = sum(is_caught(one, results) for one in mutants)
    return caught >= GOAL * len(mutants) and all(is_caught(one, results) or one.name in explained for one in mutants)


def is_caught(mutant: Mutant, results: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether a test failed or hung with it."""
    return results.get(mutant.name, {}).get("status") in CAUGHT


def _table(
    head: str, rows: Sequence[tuple[str, Sequence[Mutant]]], results: Mapping[str, Mapping[str, object]]
) -> list[str]:
    lines = [f"| {head} | mutants | caught | explained | caught of all |", "| --- | --: | --: | --: | --: |"]
    explained = reasons()
    for name, group in [*rows, ("all", [one for _, of_row in rows for one in of_row])]:
        caught = sum(is_caught(one, results) for one in group)
        known = sum(one.name in explained and not is_caught(one, results) for one in group)
        share = f"{100 * caught / len(group):.0f} %" if group else ""
        lines.append(f"| {name} | {len(group)} | {caught} | {known} | {share} |")
    return lines
