"""Drawings: graphs of state machines, timelines and charts as SVG and as text. Pure."""
