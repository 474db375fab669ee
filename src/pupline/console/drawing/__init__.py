"""Drawings: graphs of state machines, timelines and charts as SVG and as text. Pure.

    graph = state_graph(definition, StateVisits(events, definition, map_runs), selected="Fetch")
    {{ figure(graph.svg, graph.text) }}

Text and SVG are `Markup`: a template shows them as they are, as the code that makes them has escaped everything.
"""

from pupline.console.drawing._markup import Markup
from pupline.console.drawing.charts import (
    Chart,
    Column,
    Datum,
    Series,
    Tone,
    line_chart,
    share_chart,
    stacked_chart,
)
from pupline.console.drawing.graph import Graph, Standing, state_graph
from pupline.console.drawing.timeline import AttemptFilter, Range, Timeline, draw_timeline

__all__ = [
    "AttemptFilter",
    "Chart",
    "Column",
    "Datum",
    "Graph",
    "Markup",
    "Range",
    "Series",
    "Standing",
    "Timeline",
    "Tone",
    "draw_timeline",
    "line_chart",
    "share_chart",
    "stacked_chart",
    "state_graph",
]
