"""Figures from the audit records."""

from pupline.console.insights._api import api
from pupline.console.insights._insights import InsightFigures
from pupline.console.insights._pages import pages

__all__ = ["InsightFigures", "api", "pages"]
