"""The keyboard, the API and the version."""

from pupline.console.about._api import api
from pupline.console.about._pages import pages

__all__ = ["api", "pages"]
