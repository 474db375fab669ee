"""Checks that StartAt and all transitions lead to states, and that all states, and an end, are reachable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pupline.asl.validation import _fields as fields
from pupline.asl.validation._diagnostic import Diagnostic, Step
from pupline.asl.validation._placeholders import has_placeholder, is_placeholder
from pupline.asl.validation._report import Place
from pupline.asl.validation._suggest import closest
from pupline.json_values import AnyJSON

_LEADING = ("Next", "Default", "Choices", "Catch", "End", "Type")
"""Fields that say where a state leads."""

_MOST_HINTS = 30
"""Missing targets that are compared with all states; a machine with more has not merely mistyped them."""

_CODE = "MISSING_TRANSITION_TARGET"


class _Edge(NamedTuple):
    """A transition out of a state. steps: its place inside the machine."""

    steps: tuple[Step, ...]
    target: str


def check_transitions(machine: Place, states: dict[str, AnyJSON], enclosing: Sequence[dict[str, AnyJSON]]) -> None:
    """Check a machine's transitions.

    enclosing: the states of each machine around it; none for the whole machine, of which AWS wants an end.
    """
    edges = {name: list(_edges(name, state)) for name, state in states.items()}
    start = machine.value.get("StartAt", machine.meant.get("StartAt"))
    starts = [_Edge(("StartAt",), start)] if isinstance(start, str) else []
    for edge in (*starts, *_flat(edges)):
        if has_placeholder(edge.target) and edge.target not in states:
            machine.note_unfilled(edge.target, *edge.steps)
    if _unknown(starts, edges, states):
        return
    meant: dict[str, str] = {}
    reached = _reached(starts, edges, states)
    lost = [name for name in states if name not in reached]
    missing = [edge for edge in (*starts, *_flat(edges)) if edge.target not in states]
    has_end = any(_terminal(state) for state in states.values())
    if has_end and not (lost or missing):
        return
    for edge in missing:
        if edge.target not in meant:
            meant[edge.target] = (_meant(edge.target, states, lost) if len(meant) < _MOST_HINTS else None) or ""
        _report_missing(machine, edge, meant[edge.target], enclosing)
    repaired = _reached(starts, edges, states, meant)
    unclear = not starts or any(not each for each in meant.values()) or _unclear(repaired, states)
    if not has_end:
        _report_no_end(machine, top=not enclosing, consequence=unclear or bool(missing))
        return
    for name in lost:
        problem = Diagnostic(
            _CODE,
            f'State "{name}" is not reachable.',
            (*machine.path, "States", name),
            consequence=unclear or name in repaired or not isinstance(states[name], dict),
        )
        machine.report.add(problem)


def _report_missing(machine: Place, edge: _Edge, meant: str, enclosing: Sequence[dict[str, AnyJSON]]) -> None:
    # AWS says 'Next' for StartAt and Default, too.
    hint = f"Did you mean '{meant}'?" if meant else ""
    if any(edge.target in states for states in enclosing):
        hint = 'That state is outside this branch or item processor, which can only end: "End": true.'
    machine.add_problem(f"Missing 'Next' target: {edge.target}", *edge.steps, code=_CODE, hint=hint)


def _report_no_end(machine: Place, *, top: bool, consequence: bool) -> None:
    if top:
        problem = Diagnostic("MISSING_END_STATE", "Workflow has no terminal state", None, consequence=consequence)
        machine.report.add(problem)
    elif not consequence:
        machine.warn("MISSING_END_STATE", "None of these states is terminal: this part never ends.", "States")


def _meant(target: str, states: dict[str, AnyJSON], lost: list[str]) -> str | None:
    """The state that was probably meant: one with a similar name, first of all one that nothing leads to."""
    return closest(target, lost) or closest(target, states)


def _unknown(starts: list[_Edge], edges: dict[str, list[_Edge]], states: dict[str, AnyJSON]) -> bool:
    """Whether a placeholder stands for a target, or for what decides about targets: nothing can be said then."""
    targets = {edge.target for edge in (*starts, *_flat(edges))}
    if any(has_placeholder(target) and target not in states for target in targets):
        return True
    return any(has_placeholder(name) or is_placeholder(state) or _open(state) for name, state in states.items())


def _open(state: AnyJSON) -> bool:
    names = ("Type", "End", "Choices", "Catch")
    return isinstance(state, dict) and any(is_placeholder(state.get(name)) for name in names)


def _reached(
    starts: list[_Edge], edges: dict[str, list[_Edge]], states: dict[str, AnyJSON], meant: dict[str, str] | None = None
) -> set[str]:
    """The states that can be reached. meant: missing target -> the state that it stands for."""
    reached: set[str] = set()
    ahead = [edge.target for edge in starts]
    while ahead:
        name = ahead.pop()
        name = (meant or {}).get(name, name)
        if name in states and name not in reached:
            reached.add(name)
            ahead += [edge.target for edge in edges[name]]
    return reached


def _flat(edges: dict[str, list[_Edge]]) -> Iterable[_Edge]:
    return (edge for each in edges.values() for edge in each)


def _terminal(state: AnyJSON) -> bool:
    return isinstance(state, dict) and (state.get("End") is True or state.get("Type") in ("Succeed", "Fail"))


def _unclear(reached: set[str], states: dict[str, AnyJSON]) -> bool:
    """Whether a state on the way has a problem that hides where it leads; that problem is reported already."""
    return any(not _leads_somewhere(states[name]) for name in reached)


def _leads_somewhere(state: AnyJSON) -> bool:
    if not isinstance(state, dict) or state.get("Type") not in fields.STATE_TYPES:
        return False
    known = fields.allowed(state["Type"], "JSONPath") | fields.allowed(state["Type"], "JSONata")
    if any(closest(name, _LEADING) for name in state.keys() - known):
        return False
    rules = [rule for group in ("Choices", "Catch") if isinstance(state.get(group), list) for rule in state[group]]
    if not all(isinstance(rule, dict) and "Next" in rule for rule in rules):
        return False
    if state["Type"] == "Choice":
        return bool(rules)
    return _terminal(state) or isinstance(state.get("Next"), str)


def _edges(name: str, state: AnyJSON) -> Iterator[_Edge]:
    """The transitions out of a state, those of its rules and Catchers included."""
    if not isinstance(state, dict):
        return
    where = ("States", name)
    for field in ("Next", "Default"):
        if isinstance(state.get(field), str):
            yield _Edge((*where, field), state[field])
    for group in ("Choices", "Catch"):
        rules = state.get(group)
        for at, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict) and isinstance(rule.get("Next"), str):
                yield _Edge((*where, group, at, "Next"), rule["Next"])
