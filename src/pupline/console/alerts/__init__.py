"""Alerts and their deliveries."""

from pupline.console.alerts._api import api
from pupline.console.alerts._pages import pages

__all__ = ["api", "pages"]
