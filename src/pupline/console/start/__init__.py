"""Starting runs and ingests."""

from pupline.console.start._api import api
from pupline.console.start._pages import pages

__all__ = ["api", "pages"]
