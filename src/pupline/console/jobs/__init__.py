"""Jobs: the commands that the console runs, and its schedule."""

from pupline.console.jobs._api import api
from pupline.console.jobs._models import AcceptedJob
from pupline.console.jobs._pages import pages

__all__ = ["AcceptedJob", "api", "pages"]
