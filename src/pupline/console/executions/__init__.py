"""Executions: the list, one execution, its children."""

from pupline.console.executions._api import api
from pupline.console.executions._pages import pages

__all__ = ["api", "pages"]
