"""Bulk ingests: progress, hosts, comparison."""

from pupline.console.ingests._api import api
from pupline.console.ingests._pages import pages

__all__ = ["api", "pages"]
