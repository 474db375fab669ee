"""The graph of a state machine, and of an execution: laid out, as SVG and as a list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pupline.asl import StateVisits
from pupline.console.drawing._markup import Markup
from pupline.console.drawing.graph._layout import layout_of
from pupline.console.drawing.graph._machine import MOST_STATES, count_states, machine_of
from pupline.console.drawing.graph._standing import Standing, standings, taken
from pupline.console.drawing.graph._svg import Look, graph_svg
from pupline.console.drawing.graph._words import graph_list

__all__ = ["Graph", "Standing", "state_graph"]


@dataclass(frozen=True, slots=True)
class Graph:
    """A drawn graph. svg and text: for a template, as they are. left_out: states beyond what can be drawn.

    standings: how each state stands that was entered. width: of the drawing, in CSS pixels.
    """

    svg: Markup
    text: Markup
    standings: Mapping[str, Standing]
    left_out: int
    width: float


def _link(name: str) -> str:
    return f"?state={quote(name, safe='', errors='replace')}"


def state_graph(
    definition: Mapping[str, Any],
    visits: StateVisits | None = None,
    *,
    selected: str | None = None,
    link: Callable[[str], str] = _link,
    title: str = "Graph of the state machine",
) -> Graph:
    """The graph of a definition, with how an execution went.

    selected: the state that is marked. link: the address of a state's page, by its name. The same arguments give the
    same drawing. A definition that is none gives an empty drawing.
    """
    scope = machine_of(definition)
    found = standings(visits) if visits is not None else None
    ways = taken(scope, visits) if visits is not None else set()
    look = Look(title, link, selected, found, ways)
    left_out = max(count_states(definition) - MOST_STATES, 0)
    layout = layout_of(scope, ways)
    return Graph(graph_svg(layout, look), graph_list(scope, look), found or {}, left_out, layout.width)
