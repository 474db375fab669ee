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
    lines += ["| room | place | fault | before | after | reason |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [_survivor(one, results) for _, group in rooms for one in group if not is_caught(one, results)]
    return "\n".join(lines)


def _survivor(mutant: Mutant, results: Mapping[str, Mapping[str, object]]) -> str:
    """The row of a mutant that no test caught."""
    status = results.get(mutant.name, {}).get("status", "not tried")
    reason = reasons().get(mutant.name, f"{status}, not explained")
    place = f"{mutant.path.removeprefix('src/pupline/')}:{mutant.line}"
    before, after = (f"`{code.replace('|', chr(92) + '|')}`" for code in (mutant.before, mutant.after))
    return f"| {mutant.room} | `{place}` | {mutant.operator} | {before} | {after} | {reason} |"


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
