"""What is going on at a glance."""

from pupline.console.overview._api import api
from pupline.console.overview._pages import pages

__all__ = ["api", "pages"]
