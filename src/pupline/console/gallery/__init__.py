"""The gallery: images next to their records."""

from pupline.console.gallery._api import api
from pupline.console.gallery._pages import pages

__all__ = ["api", "pages"]
