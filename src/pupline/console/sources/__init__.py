"""Where images come from."""

from pupline.console.sources._api import api
from pupline.console.sources._pages import pages

__all__ = ["api", "pages"]
